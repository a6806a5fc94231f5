"""A move between two places with one database: at every moment at most one instance works on it,
wherever the move is killed and whatever is deployed in between."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from infra.errors import HanoiError, error
from infra.moves import carry, status, steps, work
from infra.moves import record as phases
from infra.moves.files import Carrying, Passed
from infra.moves.record import Move, MoveRecord
from infra.moves.rows import OneDatabase
from infra.moves.work import Work, record_home
from infra.placement import Home, Place, placements
from infra.plan import plan
from infra.state import HomeRecord
from tests.golden.model import documents, model

FIRST, SECOND = Place("nd-1"), Place("tdh-1")
KEY = ("documents", "tt-thong-tin")


def asked_for(host: str) -> Any:
    made = documents()
    unit = next(u for u in made["units"] if u["id"] == KEY[1])
    unit["applications"]["documents"] = {"mode": "central", "host": host}
    return model(made)


MODEL = asked_for("tdh-1")
APP = next(a for a in MODEL.apps if a.id == KEY[0])
WORKS, WAITS = "works", "waits"


class Killed(BaseException):
    """Nothing of the toolkit runs after it."""


class Hosts:
    """What both places' hosts have on the disk and in memory, and the gateways.

    left: acts until the command is killed; running: what an instance read when it started, None
    where it is stopped; lost: a place whose host cannot be reached any more."""

    def __init__(self, directory: Path) -> None:
        self.homes, self.record = HomeRecord(directory), MoveRecord(directory)
        self.homes.record(*KEY, Home(FIRST))
        self.disk = {FIRST: WORKS, SECOND: WAITS}
        self.running: dict[Place, str | None] = dict(self.disk)
        self.sent, self.asked_to_wait, self.gone = FIRST, False, list[Place]()
        self.lost: Place | None = None
        self.left, self.calls, self.said = 10**6, list[str](), list[str]()

    def planned(self, place: Place) -> str:
        found = placements(MODEL, APP, MODEL.unit(KEY[1]), self.homes.all())
        return WAITS if next(p.waits for p in found if p.place == place) else WORKS

    def act(self, call: str) -> None:
        if self.lost and call.startswith(str(self.lost)):
            raise error("HN-C001", str(self.lost), "it is lost", "mend it")
        self.left -= 1
        if self.left < 0:
            raise Killed
        self.calls.append(call)

    def start(self, place: Place) -> None:
        self.running[place] = self.running[place] or self.disk[place]
        assert list(self.running.values()).count(WORKS) < 2, self.calls

    def tell(self, at: Shelf) -> None:
        """As turns.tell does."""
        if self.lost == at.place:
            raise error("HN-C001", str(at.place), "it is lost", "mend it")
        if self.disk[at.place] != self.planned(at.place):
            at.still()
            self.act(f"{at.place}: {self.planned(at.place)}")
            self.disk[at.place] = self.planned(at.place)

    def deploy(self, *places: Place) -> None:
        """As infra.deploy does: files, then what is stopped, then what has read other files."""
        changed = [p for p in places if self.disk[p] != self.planned(p)]
        for place in places:
            self.disk[place] = self.planned(place)
        for place in places:
            self.start(place)
        for place in changed:
            self.running[place] = None
            self.start(place)
        self.gateways()

    def gateways(self) -> None:
        home = self.homes.all()[KEY]
        self.sent, self.asked_to_wait = home.serving, home.paused

    def tell_gateways(self) -> None:
        self.act("gateways")
        self.gateways()

    def work(self, move: Move) -> Work:
        first, second = (Shelf(self, place) for place in move.ends)
        rows = OneDatabase(
            first,  # type: ignore[arg-type]
            second,  # type: ignore[arg-type]
            lambda moved: record_home(self.homes, move, moved=moved, paused=False),
            self.tell,  # type: ignore[arg-type]
        )
        carried = Carried(self, first, second)
        say = self.said.append
        return Work(move, self.record, self.homes, rows, carried, say, self.tell_gateways)


class Shelf:
    """One place's files and instance."""

    background = ("worker",)
    files = ("media",)

    def __init__(self, hosts: Hosts, place: Place) -> None:
        self.hosts, self.place = hosts, place

    def still(self, only: tuple[str, ...] | None = None, seconds: int = 0) -> None:
        self.hosts.act(f"{self.place} stops {only[0] if only else 'all'}")
        if not only:
            self.hosts.running[self.place] = None

    def awake(self) -> None:
        self.hosts.act(f"{self.place} starts")
        self.hosts.start(self.place)

    def ready(self) -> bool:
        return self.hosts.running[self.place] == WORKS


class Carried(Carrying):
    def __init__(self, hosts: Hosts, first: Shelf, second: Shelf) -> None:
        super().__init__("", first, second, hosts.calls.append, lambda: FIRST)  # type: ignore[arg-type]
        self.hosts, self.differs = hosts, list[str]()

    def still(self) -> None:
        self.source.still()
        self.target.still()

    def once(self, *, sums: bool = False, gentle: bool = True, durable: bool = False) -> Passed:
        self.hosts.act("files follow")
        if durable:
            assert set(self.hosts.running.values()) == {None}, "somebody may write"
        return Passed(1, 1, 1.0)

    def known(self) -> None:
        pass

    def differences(self) -> list[str]:
        self.hosts.act("files are compared")
        return self.differs

    def finish(self) -> None:
        self.hosts.gone.append(self.target.place)


@pytest.mark.parametrize("phase", phases.PHASES)
def test_how_far_it_is_is_told_without_asking_a_database(
    phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a database was asked for")

    module = sys.modules[status.__module__]
    monkeypatch.setattr(module, "end", refused)
    monkeypatch.setattr(module, "_files_left", lambda *_: Passed(3, 500))
    told = status(plan(MODEL), replace(MOVE, phase=phase), {})
    assert str(told) == (
        f"documents of tt-thong-tin: {FIRST} → {SECOND}: {phase};"
        " 3 files behind with 500 bytes; pause about 34 s"
    )


@dataclass
class Run:
    """What a command has; only what a move looks at."""

    state: Path
    hosts: Hosts
    plan: Any = None
    connections: Any = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(steps, "GRACE_SECONDS", 0)
    monkeypatch.setattr(carry, "work_of", lambda run, move, replan: run.hosts.work(move))
    return begun(tmp_path)


def begun(directory: Path) -> Run:
    directory.mkdir(exist_ok=True)
    return Run(directory, Hosts(directory))


MOVE = Move(*KEY, "documents_tt_thong_tin", str(FIRST), str(SECOND))


def moved(run: Any, move: Move = MOVE) -> Move:
    return carry.carry_out(run, move, lambda: run.plan)


def killed(run: Run, acts: int) -> Move | None:
    """The move as it is recorded when its command is killed after so many acts; None where it has
    ended before."""
    run.hosts.left = acts
    try:
        moved(run)
    except Killed:
        run.hosts.left = 10**6
        return run.hosts.record.get(*KEY)
    return None


def at(hosts: Hosts, place: Place) -> None:
    """Users are at the place, whose instance works, and the other one runs and waits."""
    other = SECOND if place == FIRST else FIRST
    home = hosts.homes.all()[KEY]
    assert (home.serving, home.other) in ((place, other), (place, None))
    assert (hosts.sent, hosts.asked_to_wait) == (place, False)
    assert hosts.running == {place: WORKS, other: WAITS} == hosts.disk


ACTS = [
    "files follow",
    "files follow",
    "central/nd-1 stops worker",
    "gateways",
    "central/nd-1 stops all",
    "central/tdh-1 stops all",
    "central/nd-1 stops all",
    "central/nd-1: waits",
    "files follow",
    "files are compared",
    "central/tdh-1 stops all",
    "central/tdh-1: works",
    "central/tdh-1 starts",
    "gateways",
    "central/nd-1 starts",
]


def test_the_first_is_told_to_wait_while_both_are_stopped_and_before_the_second_works(
    run: Run,
) -> None:
    moved(run)
    assert run.hosts.calls == ACTS
    at(run.hosts, SECOND)


DEPLOYS: dict[str, tuple[Place, ...]] = {
    "nothing": (),
    "a deploy": (FIRST, SECOND),
    "a deploy of the first": (FIRST,),
    "a deploy of the second": (SECOND,),
}


@pytest.mark.parametrize("between", DEPLOYS)
@pytest.mark.parametrize("back", [False, True], ids=["goes on", "taken back"])
def test_a_move_killed_anywhere_ends_whole_and_never_has_two_at_work(
    run: Run, between: str, back: bool, tmp_path: Path
) -> None:
    for acts in range(len(ACTS)):
        again: Any = begun(tmp_path / str(acts))
        left = killed(again, acts)
        assert left
        again.hosts.deploy(*DEPLOYS[between])
        if back:
            carry.undo(again, left, lambda: None)  # type: ignore[arg-type, return-value]
        else:
            moved(again, left)
        at(again.hosts, FIRST if back else SECOND)


def undone(run: Any, move: Move) -> Move:
    return carry.undo(run, move, lambda: run.plan)


def resumed(run: Any, move: Move) -> Move:
    return carry.resume(run, move, lambda: run.plan)


def recorded(hosts: Hosts) -> Move:
    found = hosts.record.get(*KEY)
    assert found
    return found


@pytest.mark.parametrize("then", ["undo", "a deploy", "run"])
def test_an_undo_killed_anywhere_is_continued_or_given_up(
    run: Run, then: str, tmp_path: Path
) -> None:
    """By the same command, or by a deploy; `move run` leaves users where they are."""
    moved(run)
    run.hosts.calls.clear()
    undone(run, recorded(run.hosts))
    acts = len(run.hosts.calls)
    assert acts > 10
    for act in range(acts):
        again: Any = begun(tmp_path / str(act))
        moved(again)
        again.hosts.left = act
        with pytest.raises(Killed):
            undone(again, recorded(again.hosts))
        again.hosts.left = 10**6
        left = recorded(again.hosts)
        assert left.undoing and not left.over
        done = {"undo": undone, "a deploy": moved, "run": resumed}[then](again, left)
        back = then != "run" or left.switched
        at(again.hosts, FIRST if back else SECOND)
        assert (done.source, done.target) == (str(FIRST), str(SECOND))
        assert (done.over, done.undone, done.undoing) == (True, back, False)
        assert recorded(again.hosts) == done


def test_what_is_taken_back_already_stays_as_it_is(run: Run) -> None:
    """A second undo must not lead the other way, least of all from a copy that follows."""
    moved(run)
    back = undone(run, recorded(run.hosts))
    run.hosts.calls.clear()
    assert undone(run, back) == back
    assert run.hosts.calls == []
    at(run.hosts, FIRST)


def test_a_difference_gives_users_back_what_works(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Carried, "differences", lambda _: ["media/a: 1 there, 2 here"])
    with pytest.raises(HanoiError, match="HN-T005"):
        moved(run)
    at(run.hosts, FIRST)


def test_what_a_deploy_made_wait_in_the_pause_works_again_when_users_come_back(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = killed(run, 5)  # users were asked to wait, and nothing was told to wait yet
    assert left and left.phase == phases.FENCE
    run.hosts.deploy(FIRST, SECOND)
    assert set(run.hosts.running.values()) == {WAITS}, "nobody works while users wait"
    monkeypatch.setattr(Carried, "differences", lambda _: ["media/a: 1 there, 2 here"])
    with pytest.raises(HanoiError, match="HN-T005"):
        moved(run, left)
    at(run.hosts, FIRST)


def test_users_get_back_what_works_without_the_other_places_host(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be why the move stops."""

    def lost(_: Carried) -> list[str]:
        run.hosts.lost = SECOND
        raise error("HN-T011", "files", "the host is lost", "mend it")

    monkeypatch.setattr(Carried, "differences", lost)
    with pytest.raises(HanoiError):
        moved(run)
    assert run.hosts.running[FIRST] == WORKS
    assert (run.hosts.sent, run.hosts.asked_to_wait) == (FIRST, False)


def test_undo_and_finish_touch_no_database(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the served one's too."""

    def refused(*_: object) -> None:
        raise AssertionError("a database was asked for")

    monkeypatch.setattr(work, "end", refused)
    done = carry.undo(run, moved(run), lambda: None)  # type: ignore[arg-type, return-value]
    at(run.hosts, FIRST)
    assert done.undone
    monkeypatch.setattr(
        carry,
        "carrying_of",
        lambda _, move, first, second: Carried(
            run.hosts, Shelf(run.hosts, first), Shelf(run.hosts, second)
        ),
    )
    carry.finish(run, done, lambda: None)  # type: ignore[arg-type, return-value]
    assert run.hosts.gone == [SECOND]
    assert run.hosts.homes.all()[KEY] == Home(FIRST)
    assert run.hosts.record.all() == ()
