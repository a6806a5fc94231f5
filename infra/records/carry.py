"""Transfers looked at before a deploy changes anything, and carried out at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from infra.errors import Exit, HanoiError, Problem, error
from infra.moves import sql
from infra.moves.ends import End, end
from infra.moves.record import now
from infra.placement import Home, Place
from infra.records.content import Content
from infra.records.foresee import foreseen
from infra.records.match import Matched, Statement, as_wish, matched, missing
from infra.records.record import Done, TransferRecord
from infra.records.registry import carriers
from infra.records.relay import Side, closed, end_former
from infra.records.words import brought, coming, staying
from infra.resources import HostPlan, Plan, Transfer, digest
from infra.runner import Say
from infra.services.database import password_of
from infra.ssh import Connection
from infra.state import HomeRecord

if TYPE_CHECKING:
    from infra.deploy import Deployment


class Secrets(Protocol):
    """Whatever knows the passwords of roles."""

    def value(self, secret_id: str, part: str) -> str: ...


@dataclass(frozen=True)
class Work:
    """What transfers need: the plan, the hosts, the passwords, and the operator's state."""

    plan: Plan
    connections: Mapping[str, Connection]
    secrets: Secrets
    state: Path
    say: Say

    def home(self, application: str, unit: str) -> Home | None:
        return HomeRecord(self.state).all().get((application, unit))


def work_of(run: Deployment) -> Work:
    """The work of a deploy, as its plan is now."""
    return Work(run.plan, run.connections, run.secrets, run.state, run.say)


def due(work: Work) -> list[Transfer]:
    """Transfers that the description asks for and that are not over. A source that never had
    anything is none."""
    record = TransferRecord(work.state)
    return [
        t
        for t in work.plan.transfers
        if record.get(t) is None and work.home(t.application, t.source)
    ]


def refuse_conflicts(work: Work, only: Sequence[HostPlan] = ()) -> None:
    """Before a deploy changes anything: both sides of every transfer are looked at.

    only: the hosts of a deploy of some sites, which carries nothing and may close no unit.
    Raises HN-T020 (one problem for each conflict), HN-T021, HN-T022, HN-T024, HN-T026.
    """
    if only:
        _refuse_half_closed(work, only)
        return
    problems = []
    for transfer, found in looks(work):
        for line in (*coming(transfer, found), *found.notes):
            work.say(f"{transfer.name}: {line}")
        problems += conflicts(transfer, found)
    if problems:
        raise HanoiError(problems, Exit.REFUSED)


def _refuse_half_closed(work: Work, only: Sequence[HostPlan]) -> None:
    """A unit's own site may be deployed alone at any time; of the shared ones all, when a unit
    closes whose records are still to come."""
    closing = [t for t in due(work) if t.closes]
    if closing and any(not h.own for h in only):
        raise HanoiError(
            [
                Problem(
                    t.name,
                    "HN-T026",
                    f"{t.source} would close at some sites before its records were looked at",
                    "run `hanoi deploy` without --site first",
                )
                for t in closing
            ],
            Exit.REFUSED,
        )


def conflicts(transfer: Transfer, found: Matched) -> list[Problem]:
    """What stands against a transfer, as a deploy refuses it."""
    return [Problem(transfer.name, "HN-T020", c.what, c.remedy) for c in found.conflicts]


def looks(work: Work) -> Iterator[tuple[Transfer, Matched]]:
    """What would come by each transfer that is due, and what stands against it; writes nothing.

    Of several into one unit, each is held against what is there after those before it.
    """
    targets: dict[tuple[str, str], Content] = {}
    for transfer in due(work):
        source, target = sides(work, transfer)
        key = transfer.application, transfer.target
        if key not in targets:
            targets[key] = target.read() if target else Content()
        said = _statement(transfer)
        with _let_in(work, transfer):
            found = matched(said, source.read(), targets[key])
        targets[key] = foreseen(said, targets[key], found)
        yield transfer, found


def carry_out_due(work: Work) -> list[Done]:
    """All that is due, one after the other. Raises what refuse_conflicts() raises, and HN-T023."""
    return [carry_out(work, transfer) for transfer in due(work)]


def carry_out(work: Work, transfer: Transfer) -> Done:
    """One transfer, in one transaction of the target's database; then both sides are compared.

    A closed source is let out before it is read, and in no more afterwards; its data stays.
    """
    if transfer.closes:
        _let_nobody_write(work, transfer)
    source, target = sides(work, transfer)
    if target is None:
        raise _not_ready(transfer)
    said, there = _statement(transfer), source.read(hashes=True)
    before = target.read()
    found = matched(said, there, before)
    if found.conflicts:
        raise HanoiError(conflicts(transfer, found), Exit.REFUSED)
    work.say(f"{transfer.name}: carrying {coming(transfer, found)[0]}")
    _end_former(work, transfer)
    made = target.take(transfer.source, found.coming.lines(), as_wish(found.given))
    if lacking := missing(said, found.coming, before, target.read()):
        raise error(
            "HN-T023",
            transfer.name,
            f"after the transfer {len(lacking)} records are not as they should be:"
            f" {'; '.join(lacking[:5])}",
            "nothing was removed anywhere: look at them in both units' application, and tell the"
            " maintainers",
        )
    if transfer.closes:
        _source(work, transfer).sql(sql.fence(transfer.database_from))
    done = Done(digest(transfer), now(), made, there.others, tuple(found.notes))
    for line in (*brought(transfer, done), *staying(transfer, done)):
        work.say(f"{transfer.name}: {line}")
    return TransferRecord(work.state).write(transfer, done)


def sides(work: Work, transfer: Transfer) -> tuple[Side, Side | None]:
    """Source and target; no target where nothing of it has been made yet.

    Raises HN-T021 where one of them cannot be reached, HN-T022 for a target with a second copy.
    """
    first = work.home(transfer.application, transfer.source)
    second = work.home(transfer.application, transfer.target)
    if first is None:
        raise _not_ready(transfer)
    source = _side(work, transfer, transfer.source, transfer.database_from, first.serving)
    if second is None:
        return source, None
    if second.other:
        raise error(
            "HN-T022",
            transfer.name,
            f"{transfer.target} has a second copy at {second.other}, which would not follow",
            f"end the move first: hanoi move finish {transfer.target} {transfer.application}",
            Exit.REFUSED,
        )
    return source, _side(work, transfer, transfer.target, transfer.database_to, second.serving)


def _side(work: Work, transfer: Transfer, unit: str, database: str, place: Place) -> Side:
    carrier = carriers()[transfer.service]
    able = [
        h.id
        for h in work.plan.running(carrier.container)
        if h.id in work.connections and (h.id == place.host if place.own else not h.own)
    ]
    if not able:
        raise error(
            "HN-T021",
            transfer.name,
            f"the records of {unit} are at {place}, where no instance of"
            f" {transfer.application} is planned or reached",
            f"bring {transfer.application} of {unit} to the sites before it closes (hanoi unit"
            f" set-mode {unit} {transfer.application} central), or take records: out of"
            f" units/{transfer.target}.yaml",
            Exit.REFUSED,
        )
    password = work.secrets.value(password_of(database), "password")
    return Side(unit, database, carrier, work.connections[able[0]], password)


def _source(work: Work, transfer: Transfer) -> End:
    return _end(work, transfer.application, transfer.source)


def _end(work: Work, application: str, unit: str) -> End:
    """The PostgreSQL server that a unit's data is on."""
    home = work.home(application, unit)
    assert home
    return end(work.plan, home.serving, work.connections)


@contextlib.contextmanager
def _let_in(work: Work, transfer: Transfer) -> Iterator[None]:
    """The toolkit may read a closed unit's database, whose role an earlier try may have closed."""
    role = transfer.database_from
    server = _source(work, transfer) if transfer.closes else None
    if server is None or server.value(closed(role)) != "1":
        yield
        return
    server.sql(sql.admit(role))
    try:
        yield
    finally:
        server.sql(sql.fence(role))


def _let_nobody_write(work: Work, transfer: Transfer) -> None:
    """The application has no password of a closed unit any more; whoever is still inside from
    before is shown out. An earlier try may have closed the role already."""
    database = transfer.database_from
    _source(work, transfer).sql(sql.fence(database) + sql.admit(database))


def _end_former(work: Work, transfer: Transfer) -> None:
    """A try that was killed on our side may still be at work inside the container; what it has
    done so far is taken back with its connection."""
    _end(work, transfer.application, transfer.target).sql(end_former(transfer.database_to))


def _statement(transfer: Transfer) -> Statement:
    return Statement(transfer.source, transfer.target, transfer.chosen, transfer.same)


def _not_ready(transfer: Transfer) -> HanoiError:
    return error(
        "HN-T021",
        transfer.name,
        "one of the two has no data yet",
        "run `hanoi deploy` for all sites, without --site",
        Exit.REFUSED,
    )
