"""In which order a move's steps touch files, database, application and gateways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.errors import HanoiError
from infra.moves import record as phases
from infra.moves import rows, steps
from infra.moves.files import Carrying, Passed
from infra.moves.record import Move, MoveRecord
from infra.moves.rows import TwoDatabases
from infra.moves.steps import STEPS
from infra.moves.work import Work
from infra.placement import Place
from infra.state import HomeRecord

FIRST, SECOND = Place("nd-1"), Place("vnnic-1", own=True)
LEVEL = "0 reserved"


class Calls(list[str]):
    """What was asked for, in order; each double writes into the same."""


class Server:
    """A PostgreSQL server that agrees with everything; only what lets in and keeps out is noted."""

    def __init__(self, name: str, calls: Calls, place: Place) -> None:
        self.name, self.calls, self.place = name, calls, place

    def sql(self, text: str, database: str = "") -> list[str]:
        if "ALTER ROLE" in text:
            self.calls.append(f"{self.name} {'keeps out' if 'NOLOGIN' in text else 'lets in'}")
        return ["0/1"]

    def value(self, text: str, database: str = "") -> str:
        return LEVEL if "wal_status" in text else "t" if "bool_or" in text else "1"

    def words(self, database: str, reader: object) -> str:
        return ""


class Shelf:
    """The files at one place."""

    background = ("worker",)

    def __init__(self, name: str, calls: Calls) -> None:
        self.name, self.calls, self.files = name, calls, ("media",)

    def still(self, only: tuple[str, ...] | None = None, seconds: int = 0) -> None:
        self.calls.append(f"{self.name} stops {only[0] if only else 'all'}")

    def awake(self) -> None:
        self.calls.append(f"{self.name} starts")

    def ready(self) -> bool:
        self.calls.append(f"{self.name} is ready")
        return True


class Carried(Carrying):
    """passes: how long each pass takes; differs: what the comparison finds."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(
            "", Shelf("first", calls), Shelf("second", calls), calls.append, lambda: FIRST
        )  # type: ignore[arg-type]
        self.calls, self.passes, self.differs = calls, [1.0], list[str]()

    def still(self) -> None:
        self.source.still()
        self.target.still()

    def once(self, *, sums: bool = False, gentle: bool = True, durable: bool = False) -> Passed:
        self.calls.append("files follow at rest" if durable else "files follow")
        return Passed(1, 1, self.passes.pop(0) if len(self.passes) > 1 else self.passes[0])

    def known(self) -> None:
        self.calls.append("files are read")

    def differences(self) -> list[str]:
        self.calls.append("files are compared")
        return self.differs


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    calls = Calls()
    monkeypatch.setattr(steps, "GRACE_SECONDS", 0)
    monkeypatch.setattr(rows.compare, "differences", lambda *_: [])
    monkeypatch.setattr(rows.compare, "large_objects_along", lambda *_: None)
    one: Any = Server("first", calls, FIRST)
    other: Any = Server("second", calls, SECOND)
    move = Move("documents", "vnnic", "documents_vnnic", str(FIRST), str(SECOND))
    return made(
        tmp_path,
        move,
        TwoDatabases(move, one, other, lambda _: None, lambda: FIRST),
        Carried(calls),
    )


def made(directory: Path, move: Move, rows: rows.Rows, carried: Carried) -> Work:
    calls, homes = carried.calls, HomeRecord(directory)

    def tell() -> None:
        home = homes.all()["documents", "vnnic"]
        calls.append(f"gateways: {home.serving}{', wait' if home.paused else ''}")

    return Work(move, MoveRecord(directory), homes, rows, carried, lambda _: None, tell)


def calls(work: Work) -> Calls:
    return work.files.calls  # type: ignore[attr-defined, no-any-return]


def through(work: Work, first: str, last: str) -> None:
    names = phases.PHASES
    for phase in names[names.index(first) : names.index(last) + 1]:
        work.move = work.record.reached(work.move, phase)
        STEPS[phase](work)


def test_files_come_to_rest_before_they_are_compared_and_users_wait_no_longer(work: Work) -> None:
    through(work, phases.FOLLOW, phases.OPEN)
    assert calls(work) == [
        "files follow",
        "files are read",
        "first stops worker",
        "gateways: central/nd-1, wait",
        "first stops all",
        "second stops all",
        "first keeps out",
        "files follow at rest",
        "files are compared",
        "second lets in",
        "second starts",
        "second is ready",
        "gateways: own/vnnic-1",
        "first starts",
    ]


def test_a_difference_gives_users_back_what_runs(work: Work) -> None:
    work.files.differs = ["media/a: 1 there, 2 here"]  # type: ignore[attr-defined]
    with pytest.raises(HanoiError, match="HN-T005") as caught:
        through(work, phases.PAUSE, phases.COMPARE)
    assert "media/a: 1 there, 2 here" in str(caught.value)
    calls(work).clear()
    steps.give_users_back(work)
    assert calls(work) == [
        "first lets in",
        "first starts",
        "first is ready",
        "gateways: central/nd-1",
        "second starts",
    ]


def test_passes_go_on_while_they_get_shorter_and_a_long_one_asks_nobody_to_wait(
    work: Work,
) -> None:
    work.files.passes = [90.0, 20.0, 3.0]  # type: ignore[attr-defined]
    STEPS[phases.FOLLOW](work)
    assert calls(work).count("files follow") == 3
    work.files.passes = [90.0, 50.0, 55.0]  # type: ignore[attr-defined]
    with pytest.raises(HanoiError, match="HN-T004"):
        STEPS[phases.FOLLOW](work)


@pytest.mark.parametrize("destroys", ["prepare", "remove"])
def test_the_database_that_serves_is_never_emptied_or_removed(work: Work, destroys: str) -> None:
    """Whatever a record says about which of both is the copy."""
    rows: Any = work.rows
    rows.source, rows.target = rows.target, rows.source
    asked: list[str] = []
    rows.target.sql = lambda text, database="": asked.append(text) or []
    with pytest.raises(HanoiError, match="HN-T013") as caught:
        getattr(rows, destroys)()
    assert "database documents_vnnic at central/nd-1" in str(caught.value)
    assert asked == []
