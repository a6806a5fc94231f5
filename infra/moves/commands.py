"""`hanoi move …`: look at moves, continue them, take them back, end them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from infra import deploy, moves, paths, ssh
from infra import engine as pulumi_engine
from infra.moves import carry
from infra.moves import lost as host_lost
from infra.moves.record import Move, MoveRecord
from infra.moves.work import Replan
from infra.progress import Progress
from infra.resources import Plan
from infra.state import HomeRecord


def carry_out_due(run: deploy.Deployment, replan: Replan) -> list[Move]:
    """All moves that the plan asks for, one after the other (a deploy does so at its end); the
    files of those that are over follow."""
    carry.follow(run)
    return [moves.carry_out(run, m, replan) for m in moves.due(run.plan, MoveRecord(run.state))]


@contextmanager
def _opened(replan: Replan, command: str, quiet: bool) -> Iterator[deploy.Deployment]:
    say = Progress(quiet=quiet)
    with say.heartbeat(), deploy.opened(replan(), [], say, command) as run:
        yield run


def status(plan: Plan, as_json: bool) -> None:
    """Every move, asked of both ends. One that cannot be reached is said and no failure."""
    record = MoveRecord(paths.state()).all()
    if not record:
        click.echo("[]" if as_json else "nothing has been moved")
        return
    hosts = [(h.id, h.address) for h in plan.hosts]
    with ssh.reached(hosts, plan.ssh_user, plan.ssh_port) as connections:
        seen = [moves.status(plan, move, connections) for move in record]
    if as_json:
        click.echo(json.dumps([s.as_dict() for s in seen], indent=1))
    for one in [] if as_json else seen:
        click.echo(str(one))


def again(unit: str, application: str, replan: Replan, quiet: bool) -> None:
    """Continue a move, or begin again one that was taken back."""
    with _opened(replan, f"move run {unit} {application}", quiet) as run:
        record = MoveRecord(run.state)
        known = record.get(application, unit)
        for serving, other in carry.pairs(run.plan):
            if (serving.application, serving.unit) != (application, unit):
                continue
            if known and not known.over:
                carry.resume(run, known, replan)
                return
            if other.wanted:
                moves.carry_out(run, carry.begun(serving, other, known), replan)
                return
        move = carry.known(record, application, unit)
        click.echo(f"{move.name}: nothing to do; it is at {move.at}")


def follow(unit: str, application: str, replan: Replan, quiet: bool) -> None:
    """Bring the files of the copy that does not serve level with those that are served."""
    carry.known(MoveRecord(paths.state()), application, unit)
    with _opened(replan, f"move follow {unit} {application}", quiet) as run:
        told = carry.follow(run, (application, unit))
    click.echo(told[0] if told else f"{application} of {unit}: no files follow")


def undo(unit: str, application: str, replan: Replan, quiet: bool) -> None:
    """Bring users back to where they were."""
    move = carry.known(MoveRecord(paths.state()), application, unit)
    if move.undone:
        click.echo(f"{move.name}: taken back already; it is at {move.at}")
        return
    with _opened(replan, f"move undo {unit} {application}", quiet) as run:
        move = moves.undo(run, carry.known(MoveRecord(run.state), application, unit), replan)
    click.echo(
        f"{move.name}: taken back; it is served at {move.source}. The description still wants"
        f" {move.target}: change it there (hanoi unit set-mode {unit} {application} …)"
    )


def lost(unit: str, application: str, replan: Replan, quiet: bool, yes: bool) -> None:
    """Go on without the unit's own host, which does not come back."""

    def seen() -> host_lost.Loss:
        home = HomeRecord(paths.state()).all()[application, unit]
        return host_lost.loss(known(), home, silent)

    def known() -> Move:
        return carry.known(MoveRecord(paths.state()), application, unit)

    plan, say = replan(), Progress(quiet=quiet)
    silent = host_lost.silent(plan, known())
    found = seen()
    if not yes:
        click.echo(str(found), err=True)
        click.confirm("Go on without it?", abort=True)
    # Nothing else than the gateways and what is left is needed: other units' hosts may be lost too.
    needed = [
        s.id for s in plan.sites if any(not h.own or h.id == found.left.host for h in s.hosts)
    ]
    command = f"move lost {unit} {application}"
    with say.heartbeat(), deploy.opened(plan, needed, say, command) as run:
        host_lost.serve_alone(run, seen(), replan)
    click.echo(
        f"{found.move.name}: served at {found.left}, alone. Until the description is without"
        f" {found.lost.host}, or it is made anew, deploy the sites by name (--site)"
    )


def finish(unit: str, application: str, replan: Replan, quiet: bool, yes: bool) -> None:
    """Remove the copy that does not serve."""
    record = MoveRecord(paths.state())
    move = carry.known(record, application, unit)
    gone = move.target if move.undone else move.source
    if not yes:
        click.confirm(f"Remove {application} of {unit} at {gone}, with its data?", abort=True)
    say = Progress(quiet=quiet)
    with say.heartbeat():
        engine = pulumi_engine.ensure(say)
        with deploy.opened(replan(), [], say, f"move finish {unit} {application}") as run:
            before = run.plan
            moves.finish(run, move, replan)
            left = {s.id for s in before.sites} - {s.id for s in replan().sites}
            if left:  # a unit's own hosts that have nothing to run any more
                run.sites = deploy.chosen(before, sorted(left))
                deploy.destroy(run, engine, volumes=True)
    click.echo(f"{move.name}: only one copy is left. `hanoi deploy` brings files and roles in line")
