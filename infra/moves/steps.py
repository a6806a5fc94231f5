"""What each phase of a move does. Every step may be done again after an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable

from infra.errors import error
from infra.moves import record as phases
from infra.moves.record import now
from infra.moves.rows import SYNC_SECONDS
from infra.moves.work import Work

NEAR_SECONDS = 5.0  # of a pass over all files, after which the pause can begin
PASSES = 10  # then the last one shows how long users would wait
GRACE_SECONDS = 2.0  # for requests that were on their way when the gateways were told
BACKGROUND_SECONDS = 60  # for work in the background to come to an end, before users wait


Step = Callable[[Work], None]
STEPS: dict[str, Step] = {}


def step(phase: str) -> Callable[[Step], Step]:
    def register(function: Step) -> Step:
        STEPS[phase] = function
        return function

    return register


@step(phases.PREPARE)
def prepare(work: Work) -> None:
    """The second place gets what the rows need there."""
    work.rows.prepare()


@step(phases.COPY)
def copy(work: Work) -> None:
    """All files, then all rows, while users go on working at the first place.

    Files first: they may take hours, in which PostgreSQL would keep all of its log for the copy.
    """
    if work.files:
        work.say(f"{work.move.name}: copying files")
        work.files.once(sums=True)
        work.files.known()
    work.rows.copy()


@step(phases.FOLLOW)
def follow(work: Work) -> None:
    """Until the second place is nearly level: only then is a pause short."""
    if work.files:
        _files_follow(work)
    work.rows.follow()


def _files_follow(work: Work) -> None:
    """Passes over the files until one is short, or no longer gets shorter."""
    before, carrying = float("inf"), work.files
    for _ in range(PASSES):
        done = carrying.once()
        work.say(f"{work.move.name}: {done.files} files followed, in {done.seconds:.1f} s")
        if done.seconds <= NEAR_SECONDS or done.seconds >= before:
            break
        before = done.seconds
    carrying.known()
    if done.seconds > SYNC_SECONDS:
        raise error(
            "HN-T004",
            work.move.name,
            f"a pass over the files still needs {done.seconds:.0f} s, which users would wait; they"
            f" are at {work.move.source}",
            "move at a quieter hour: run the same command again, the files copied so far stay",
        )


@step(phases.PAUSE)
def pause(work: Work) -> None:
    """The gateways ask the unit's users to wait; everybody else's go on.

    What works in the background ends before: what users put in meanwhile is queued, and the queue
    goes along.
    """
    if work.files and work.files.source.background:
        work.say(f"{work.move.name}: work in the background comes to its end")
        work.files.source.still(work.files.source.background, BACKGROUND_SECONDS)
    work.say(f"{work.move.name}: users are asked to wait")
    work.move = work.record.reached(work.move, phases.PAUSE, paused=now())
    work.home(moved=False, paused=True)
    work.tell()
    time.sleep(GRACE_SECONDS)


@step(phases.FENCE)
def fence(work: Work) -> None:
    """Nobody writes at the first place any more, whatever was still on its way."""
    if work.files:
        work.files.still()
    work.rows.fence()


@step(phases.SYNC)
def sync(work: Work) -> None:
    """The last changes."""
    work.say(f"{work.move.name}: the last changes follow")
    if work.files:
        work.files.once(gentle=False, durable=True)
    work.rows.sync()


@step(phases.COMPARE)
def compare_both(work: Work) -> None:
    """Both copies, before anybody relies on the second."""
    work.say(f"{work.move.name}: comparing both copies")
    differs = work.rows.differences()
    differs += work.files.differences() if work.files else []
    if differs:
        raise error(
            "HN-T005",
            work.move.name,
            f"the copies differ: {'; '.join(differs[:5])}; users are back at {work.move.source}",
            "take the move back with `hanoi move undo` and begin again; tell the maintainers when"
            " it repeats",
        )


@step(phases.SWITCH)
def switch(work: Work) -> None:
    """The second place becomes the home, and the first one follows it from now on."""
    work.rows.turn()
    work.home(moved=True, paused=True)


@step(phases.OPEN)
def open_(work: Work) -> None:
    """Users are sent to the second place."""
    work.rows.admit(moved=True)
    if work.files:
        work.files.target.awake()
        if not work.files.target.ready():
            work.say(f"{work.move.name}: it is slow to start at {work.move.target}")
    work.home(moved=True, paused=False)
    work.tell()
    work.move = work.record.reached(work.move, phases.OPEN, opened=now())
    if work.files:
        work.files.source.awake()  # it waits, since it is not let in, or not told to work


def reopen(work: Work) -> None:
    """Give users the first place back, after a pause that came to nothing."""
    work.say(f"{work.move.name}: users go back to {work.move.source}")
    # First, so that a move killed from here on never compares or switches while users write.
    work.move = work.record.reached(work.move, phases.FOLLOW, paused="")
    work.rows.admit(moved=False)
    if work.files:
        work.files.source.awake()
        work.files.source.ready()
    work.home(moved=False, paused=False)
    work.tell()
    if work.files:
        work.files.target.awake()


def give_users_back(work: Work) -> None:
    """reopen(), where the move stopped while users wait and the first place is still the home."""
    if work.move.phase in (phases.PAUSE, phases.FENCE, phases.SYNC, phases.COMPARE):
        reopen(work)
