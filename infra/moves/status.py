"""What can be told about a move while it runs; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra.errors import HanoiError
from infra.moves import record as phases
from infra.moves import sql
from infra.moves.ends import End, end
from infra.moves.record import Move, seconds_between
from infra.resources import Plan
from infra.ssh import Connection

GATEWAY_SECONDS = 2.0  # to tell all gateways, twice in a pause; seen in the lab
COMPARED_A_SECOND = 100 * 2**20  # bytes of a database that are compared in a second, cautiously


@dataclass(frozen=True)
class Progressed:
    """A move and what is known of it now. behind: bytes; rows_left: estimated, while copying;
    pause: seconds, measured when there was one, else estimated."""

    move: Move
    behind: int | None
    tables_left: str
    rows_left: int | None
    pause: float
    measured: bool
    problem: str = ""

    def as_dict(self) -> dict[str, object]:
        return {
            **asdict(self.move),
            "behind_bytes": self.behind,
            "tables_left": self.tables_left,
            "rows_left": self.rows_left,
            "pause_seconds": round(self.pause, 1),
            "pause_is_measured": self.measured,
            "problem": self.problem,
        }

    def __str__(self) -> str:
        move = self.move
        state = "taken back" if move.undone else move.phase
        told = [f"{move.name}: {move.source} → {move.target}: {state}"]
        if self.tables_left:
            told.append(f"{self.tables_left} tables left, about {self.rows_left} rows")
        if self.behind is not None:
            told.append(f"{self.behind} bytes behind")
        told.append(f"pause {'' if self.measured else 'about '}{self.pause:.0f} s")
        if move.keep_until and move.phase == phases.KEPT:
            told.append(f"can be undone until {move.keep_until}")
        return "; ".join((*told, *((self.problem,) if self.problem else ())))


def status(plan: Plan, move: Move, connections: Mapping[str, Connection]) -> Progressed:
    """Ask both ends; what cannot be reached is said, not raised."""
    if move.paused and move.opened:
        pause, measured = seconds_between(move.paused, move.opened), True
    else:
        pause, measured = 2 * GATEWAY_SECONDS, False
    first, second = move.ends
    if move.phase == phases.KEPT and not move.undone:
        first, second = second, first  # the second place is followed now
    try:
        source, target = end(plan, first, connections), end(plan, second, connections)
        slot = source.value(sql.behind(move.link)).split()
        left = _left(move, target)
        copied = target.value(sql.rows_copied(move.database)) if left else "0"
        rows = int(source.value(sql.rows_estimated(), move.database)) - int(copied or 0)
        if not measured:
            pause += int(source.value(sql.size(move.database))) / COMPARED_A_SECOND
    except HanoiError as failure:
        problem = failure.problems[0]
        return Progressed(move, None, "", None, pause, measured, f"{problem.where}: {problem.what}")
    behind = int(float(slot[0])) if slot else None
    return Progressed(move, behind, left, max(rows, 0) if left else None, pause, measured)


def _left(move: Move, target: End) -> str:
    if move.phase != phases.COPY:
        return ""
    left = target.value(sql.tables_left(move.link), move.database).split()
    return " of ".join(left)
