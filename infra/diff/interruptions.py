"""Who cannot work meanwhile: what a deploy's replacements and restarts mean to users.

Hosts on which no voting member changes are brought up side by side, the others one after the
other (infra/rollout.py); an application goes on as long as one of its instances answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.diff.moves import Move
from infra.report.content import Change, Interruption
from infra.resources import Plan
from infra.services import etcd, gateway, postgres, proxy


@dataclass(frozen=True)
class Figure:
    """Seconds that something takes, and where the figure comes from."""

    seconds: int
    basis: str


# The one table of figures. "Measured": on three hosts of the lab, on one machine.
SWITCHOVER = Figure(4, "measured: 3.5 s pause at a planned stop of the leading member")
RESTART = Figure(5, "estimate: PostgreSQL restarts in place on the leading member")
GATEWAY = Figure(5, "estimate: stop and start of one container; open connections end after 10 s")
APPLICATION = Figure(6, "estimate: 2 s start (measured), stop, and the gateways' check every 2 s")
PROXY = Figure(5, "estimate: stop and start of one container")
MOVE = Figure(13, "measured: 12.7 s at most for personnel; `hanoi move status` tells each its own")

_AWAY = ("replace", "restart", "delete")


def expected(
    after: Plan, changes: Sequence[Change], restarts: Sequence[str]
) -> tuple[Interruption, ...]:
    """The interruptions that a deploy of the changes brings, worst first. restarts: settings that
    change and that PostgreSQL takes up at a restart only."""
    away = [c for c in changes if c.kind == "container" and c.operation in _AWAY]
    found = [
        *_database(away),
        *_settings(changes, restarts),
        *_gateways(after, away),
        *_applications(after, changes, away),
        *_proxies(after, away),
    ]
    return tuple(sorted(found, key=lambda i: (-i.seconds, i.host, i.whom)))


def of_moves(moved: Iterable[Move]) -> Iterator[Interruption]:
    """Users work on while their data is copied; they wait for what remains."""
    for move in moved:
        yield Interruption(
            f"users of {move.application} of {move.unit}",
            "they are told to wait while the last changes go over and are compared",
            MOVE.seconds,
            MOVE.basis,
        )


def _database(away: Iterable[Change]) -> Iterator[Interruption]:
    members = [c.host for c in away if c.name == postgres.NAME and c.operation != "restart"]
    if not members:
        return
    when = "when the turn of the leading one comes" if len(members) > 1 else "if this one leads"
    yield Interruption(
        "every application on the central database",
        f"writing pauses {when} ({', '.join(members)}, one after the other)"
        if len(members) > 1
        else f"writing pauses {when}",
        SWITCHOVER.seconds,
        SWITCHOVER.basis,
        members[0] if len(members) == 1 else "",
    )


def _settings(changes: Sequence[Change], names: Sequence[str]) -> Iterator[Interruption]:
    if names and any(c.kind == "one-off" and c.name == postgres.SETTINGS for c in changes):
        yield Interruption(
            "every application on the central database",
            f"PostgreSQL restarts on each member, the leading one last: {', '.join(names)}",
            RESTART.seconds,
            RESTART.basis,
        )


def _gateways(after: Plan, away: Iterable[Change]) -> Iterator[Interruption]:
    pages = sorted({p.application for p in after.common.pages})
    for change in away:
        if change.name != gateway.NAME:
            continue
        ends = change.operation == "delete"
        yield Interruption(
            f"users who come in at {change.site}",
            "no gateway there any more; they must come in at another site"
            if ends
            else f"no application answers at its address ({', '.join(pages) or 'none yet'})",
            0 if ends else GATEWAY.seconds,
            "the gateway is removed" if ends else GATEWAY.basis,
            change.host,
        )


def _applications(
    after: Plan, changes: Sequence[Change], away: Sequence[Change]
) -> Iterator[Interruption]:
    """An application is away where all of its instances change in the same step."""
    alone = {
        c.host for c in away
        if c.name in (postgres.NAME, etcd.NAME) and c.operation == "replace"
    }  # fmt: skip
    for name in dict.fromkeys(c.name for c in away if c.applications):
        hosts = {c.host for c in away if c.name == name}
        instances = {h.id for h in after.hosts for c in h.parts.containers if c.name == name}
        fresh = {c.host for c in changes if c.name == name and c.operation == "create"}
        standing = instances - hosts - fresh
        if standing or not instances or (hosts & alone and len(instances) > 1):
            continue
        apps = next(c.applications for c in away if c.name == name)
        yield Interruption(
            f"all users of {', '.join(apps)}",
            f"every instance of {name} changes at the same time",
            APPLICATION.seconds,
            APPLICATION.basis,
        )


def _proxies(after: Plan, away: Iterable[Change]) -> Iterator[Interruption]:
    for change in away:
        if change.name == proxy.NAME and change.operation != "delete":
            yield Interruption(
                f"applications on {change.host}",
                "no way to the database from there",
                PROXY.seconds,
                PROXY.basis,
                change.host,
            )
