"""`hanoi records …`: look at transfers of records, and let go of what a closed unit left."""

from __future__ import annotations

import json
from typing import Any

import click

from infra import deploy, paths, ssh
from infra.errors import Exit, Problem, error
from infra.model.schema import Model
from infra.moves import sql
from infra.moves.ends import end
from infra.progress import Progress
from infra.records import carry
from infra.records.match import Matched
from infra.records.record import TransferRecord
from infra.records.stays import Stay, counted, stays
from infra.records.words import brought, coming, staying
from infra.resources import Plan, Transfer
from infra.secrets import Secrets
from infra.state import HomeRecord


def show(model: Model, plan: Plan, as_json: bool) -> int:
    """Every transfer that the description asks for: how it ended, or what would come and what
    stands against it; and what else closed units left. Writes nothing, and contacts the hosts
    only where there is something to ask."""
    record = TransferRecord(paths.state())
    told: list[dict[str, Any]] = []
    problems: list[Problem] = []
    found = _looks(plan) if any(record.get(t) is None for t in plan.transfers) else {}
    for transfer in plan.transfers:
        lines: tuple[str, ...]
        if done := record.get(transfer):
            state = f"carried on {done.when}"
            lines = (*brought(transfer, done), *staying(transfer, done))
        elif ahead := found.get(transfer):
            state, lines = "due at the next deploy", (*coming(transfer, ahead), *ahead.notes)
            problems += carry.conflicts(transfer, ahead)
        else:
            state, lines = f"nothing to carry: {transfer.source} never had data", ()
        told.append({"transfer": transfer.name, "state": state, "lines": list(lines)})
    for stay in stays(model, plan, HomeRecord(paths.state()).all()):
        into = f"nothing is carried into {stay.heir}" if stay.heir else "nobody took it over"
        kept = _counted(plan, stay)
        told.append({"transfer": stay.name, "state": f"stays; {into}", "lines": list(kept)})
    if as_json:
        click.echo(json.dumps({"transfers": told, "problems": [p.as_dict() for p in problems]}))
        return Exit.FINDINGS if problems else Exit.OK
    for one in told:
        click.echo("\n  ".join((f"{one['transfer']}: {one['state']}", *one["lines"])))
    if not told:
        click.echo("the description asks for no records to be carried, and no closed unit left any")
    for problem in problems:
        click.echo(str(problem), err=True)
    return Exit.FINDINGS if problems else Exit.OK


def _looks(plan: Plan) -> dict[Transfer, Matched]:
    """What would come by each transfer that is due; contacts the hosts."""
    hosts = [(h.id, h.address) for h in plan.hosts]
    secrets, quiet = Secrets.open(paths.secrets(), create=False), Progress(quiet=True)
    with ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections:
        return dict(carry.looks(carry.Work(plan, connections, secrets, paths.state(), quiet)))


def _counted(plan: Plan, stay: Stay) -> tuple[str, ...]:
    hosts = [(h.id, h.address) for h in plan.hosts]
    with ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections:
        return counted(stay, plan, connections)


def finish(plan: Plan, unit: str, application: str, quiet: bool, yes: bool) -> None:
    """Remove a closed unit's database, whose records have been carried. Raises HN-T025."""
    transfer = _carried(plan, unit, application)
    what = f"the database {transfer.database_from} of {unit} with all that was not carried"
    if not yes:
        click.confirm(f"Remove {what}?", abort=True)
    say = Progress(quiet=quiet)
    with say.heartbeat(), deploy.opened(plan, [], say, f"records finish {unit}") as run:
        homes = HomeRecord(run.state)
        if home := homes.all().get((application, unit)):
            there, name = end(plan, home.serving, run.connections), transfer.database_from
            there.sql(f"DROP DATABASE IF EXISTS {sql.ident(name)} WITH (FORCE);")
            there.sql(f"DROP ROLE IF EXISTS {sql.ident(name)};")
            homes.forget(application, unit)
    click.echo(f"{what} is gone")


def _carried(plan: Plan, unit: str, application: str) -> Transfer:
    """The transfer that took everything of a closed unit. Raises HN-T025."""
    found = [t for t in plan.transfers if (t.source, t.application) == (unit, application)]
    why = "the description carries no records of it"
    for transfer in found:
        if not transfer.closes:
            why = f"the unit {unit} is open"
        elif TransferRecord(paths.state()).get(transfer) is None:
            why = f"its records have not been carried into {transfer.target}"
        else:
            return transfer
    raise error(
        "HN-T025",
        f"{application} of {unit}",
        f"its database stays: {why}",
        "`hanoi records show` says what is due; `hanoi deploy` carries it",
        Exit.REFUSED,
    )
