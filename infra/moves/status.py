"""What can be told about a move while it runs; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra.errors import HanoiError
from infra.moves import record as phases
from infra.moves import sql
from infra.moves.ends import End, end
from infra.moves.files import Carrying, Passed
from infra.moves.record import Move, seconds_between
from infra.moves.stores import store
from infra.placement import Place, one_database
from infra.resources import Plan
from infra.ssh import Connection

GATEWAY_SECONDS = 2.0  # to tell all gateways, twice in a pause; seen in the lab
FILES_SECONDS = 30.0  # to stop an application with files, and to start it elsewhere
COMPARED_A_SECOND = 100 * 2**20  # bytes of a database that are compared in a second, cautiously


@dataclass(frozen=True)
class Progressed:
    """A move and what is known of it now. behind: bytes of the database's log; rows_left:
    estimated, while copying; files: those that differ, None where there are none to carry; pause:
    seconds, measured when there was one, else estimated."""

    move: Move
    behind: int | None
    tables_left: str
    rows_left: int | None
    pause: float
    measured: bool
    problem: str = ""
    files: Passed | None = None

    def as_dict(self) -> dict[str, object]:
        return {
            **asdict(self.move),
            "behind_bytes": self.behind,
            "tables_left": self.tables_left,
            "rows_left": self.rows_left,
            "files_left": self.files.files if self.files else None,
            "file_bytes_left": self.files.bytes if self.files else None,
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
        if self.files:
            told.append(f"{self.files.files} files behind with {self.files.bytes} bytes")
        told.append(f"pause {'' if self.measured else 'about '}{self.pause:.0f} s")
        if move.keep_until and move.phase == phases.KEPT:
            told.append(f"can be undone until {move.keep_until}")
        return "; ".join((*told, *((self.problem,) if self.problem else ())))


def status(plan: Plan, move: Move, connections: Mapping[str, Connection]) -> Progressed:
    """Ask both ends; what cannot be reached is said, not raised (connections as of ssh.reached)."""
    if move.paused and move.opened:
        pause, measured = seconds_between(move.paused, move.opened), True
    else:
        pause, measured = 2 * GATEWAY_SECONDS, False
    first, second = move.ends
    if move.phase == phases.KEPT and not move.undone:
        first, second = second, first  # the second place is followed now
    try:
        rows = _rows_left(plan, move, first, second, connections)
        files = _files_left(plan, move, first, second, connections)
        if not measured:
            pause += FILES_SECONDS if files else 0
            pause += rows.compared / COMPARED_A_SECOND
    except HanoiError as failure:
        problem = failure.problems[0]
        return Progressed(move, None, "", None, pause, measured, f"{problem.where}: {problem.what}")
    return Progressed(move, rows.behind, rows.tables, rows.rows, pause, measured, files=files)


@dataclass(frozen=True)
class _RowsLeft:
    """As in Progressed. compared: bytes of the database that are compared while users wait."""

    behind: int | None = None
    tables: str = ""
    rows: int | None = None
    compared: int = 0


def _rows_left(
    plan: Plan, move: Move, first: Place, second: Place, connections: Mapping[str, Connection]
) -> _RowsLeft:
    if one_database(first, second):
        return _RowsLeft()
    source, target = end(plan, first, connections), end(plan, second, connections)
    slot = source.value(sql.behind(move.link)).split()
    left = _left(move, target)
    copied = target.value(sql.rows_copied(move.database)) if left else "0"
    rows = int(source.value(sql.rows_estimated(), move.database)) - int(copied or 0)
    return _RowsLeft(
        int(float(slot[0])) if slot else None,
        left,
        max(rows, 0) if left else None,
        int(source.value(sql.size(move.database))),
    )


def _files_left(
    plan: Plan, move: Move, first: Place, second: Place, connections: Mapping[str, Connection]
) -> Passed | None:
    """What a pass over the files would take along now; None where there are no files."""
    one, other = (
        store(plan, place, move.unit, move.application, connections) for place in (first, second)
    )
    carrying = Carrying(move.name, one, other, lambda _: None, lambda: first)
    return carrying.behind() if carrying else None


def _left(move: Move, target: End) -> str:
    if move.phase != phases.COPY:
        return ""
    left = target.value(sql.tables_left(move.link), move.database).split()
    return " of ".join(left)
