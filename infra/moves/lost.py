"""A unit's own host that is lost for good: what is left at the other place serves alone.

Nothing here asks anything of the lost host. As long as a move has not switched, the place that
serves has everything. A copy that has followed has what came to it: rows but for the last moments,
files as of the last pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from infra import deploy, ssh
from infra.errors import Exit, error
from infra.moves import gateways, sql
from infra.moves import record as phases
from infra.moves.ends import end
from infra.moves.record import Move, MoveRecord
from infra.moves.rows import be_followed_no_more, follow_no_more
from infra.moves.stores import store
from infra.moves.work import Replan, plan_again
from infra.placement import Home, Place
from infra.resources import Plan
from infra.state import HomeRecord

# Nobody can ask the lost host which numbers its sequences have given out, and some of them may be
# in letters. So they go on this much later: two thirds of a number a second for the 14 days that
# copies are promised to be kept (carry.KEEP_DAYS).
SKIPPED = 1_000_000


@dataclasses.dataclass(frozen=True)
class Loss:
    """lost: the place that is gone; why: how that was seen; left: the one that serves from now on;
    whole: it has served until now, so that it lacks nothing."""

    move: Move
    lost: Place
    why: str
    left: Place
    whole: bool

    def __str__(self) -> str:
        told = [
            f"{self.move.name}: {self.lost.host} is lost ({self.why}); {self.left} goes on alone.",
            f"{self.lost.host} has to be off, and must not come back with its old data.",
        ]
        if not self.whole:
            told.append(
                "What did not come along is given up: rows of the last moments, files since the"
                " last deploy or `hanoi move follow`, large objects since the move."
            )
        return "\n".join(told)


def silent(plan: Plan, move: Move) -> dict[str, str]:
    """Units' own hosts of the move that do not answer → why, in words."""
    own = {str(place.host) for place in move.ends if place.own}
    hosts = [(h.id, h.address) for h in plan.hosts if h.id in own]
    with ssh.reached(hosts, plan.ssh_user, plan.ssh_port) as found:
        gone = dict.fromkeys(own - {h for h, _ in hosts}, "it is in the description no more")
        return gone | {h: failure.problems[0].what for h, failure in found.silent.items()}


def loss(move: Move, home: Home, silent: Mapping[str, str]) -> Loss:
    """What is lost and what is left. Raises HN-T014 when no host is lost, or both are; HN-T015
    when what is left is no whole copy."""
    lost = [place for place in move.ends if place.own and place.host in silent]
    if len(lost) != 1:
        both = "the hosts of both its places are lost", "restore a copy of it (docs/moves.md)"
        none = (
            "no host of it is lost: they answer",
            "`hanoi move undo` and `hanoi move finish` lose nothing; a host that shall not come"
            " back is to be switched off first",
        )
        raise error("HN-T014", move.name, *(both if lost else none), Exit.REFUSED)
    (left,) = set(move.ends) - set(lost)
    whole = home.serving == left
    if not whole and not (home.other == left and _copied(move)):
        raise error(
            "HN-T015",
            move.name,
            f"only {lost[0]} had everything; the copy at {left} was never whole",
            "bring the host back, or make it anew and restore its copy (docs/moves.md)",
            Exit.REFUSED,
        )
    return Loss(move, lost[0], silent[str(lost[0].host)], left, whole)


def _copied(move: Move) -> bool:
    return move.over or phases.PHASES.index(move.phase) > phases.PHASES.index(phases.COPY)


def serve_alone(run: deploy.Deployment, found: Loss, replan: Replan) -> None:
    """What is left follows nothing any more, lets the application in, and the gateways send users
    there. May be done again after an interruption."""
    move, left = found.move, end(run.plan, found.left, run.connections)
    run.say(f"{move.name}: {found.left} goes on alone")
    if not found.whole:
        left.sql(sql.sequences_skip(SKIPPED), move.database)
    follow_no_more(left, move)
    be_followed_no_more(left, move)
    left.sql(sql.admit(move.database))
    files = store(run.plan, found.left, move.unit, move.application, run.connections)
    if files.files:
        files.awake()
        if not files.ready():
            run.say(f"{move.name}: it is slow to start at {found.left}")
    MoveRecord(run.state).write(
        dataclasses.replace(
            move, source=str(found.left), target=str(found.lost), phase=phases.PREPARE,
            undone=True, undoing=False, keep_until="",
        )
    )  # fmt: skip
    HomeRecord(run.state).record(move.application, move.unit, Home(found.left))
    plan_again(run, replan)
    gateways.tell(run.plan, run.connections)
