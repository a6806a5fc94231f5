"""What each phase of a move does. Every step may be done again after an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.errors import error
from infra.moves import compare, sql
from infra.moves import record as phases
from infra.moves.ends import End
from infra.moves.files import Carrying
from infra.moves.record import Move, MoveRecord, now
from infra.placement import Home
from infra.state import HomeRecord

SYNC_SECONDS = 30  # the rest must follow within this time, or users get their old place back
SLOW_TELL = 5.0  # seconds between two lines about a long copy
NEAR = 2**20  # bytes behind at which the pause can begin: far less than a second's work
NEAR_SECONDS = 5.0  # of a pass over all files, likewise
PASSES = 10  # then the last one shows how long users would wait
BACKGROUND_SECONDS = 60  # for work in the background to come to an end, before users wait


@dataclass
class Work:
    """A move under way. tell lets the gateways know the homes as they are recorded; files: those
    of the application, or nothing to carry."""

    move: Move
    record: MoveRecord
    homes: HomeRecord
    source: End
    target: End
    files: Carrying
    say: Callable[[str], None]
    tell: Callable[[], None]

    def home(self, *, moved: bool, paused: bool) -> None:
        """Record where the application is now."""
        first, second = self.move.ends
        serving, other = (second, first) if moved else (first, second)
        self.homes.record(self.move.application, self.move.unit, Home(serving, other, paused))


class Again(Exception):
    """The copy cannot be continued, so it begins anew; args: why."""


Step = Callable[[Work], None]
STEPS: dict[str, Step] = {}


def step(phase: str) -> Callable[[Step], Step]:
    def register(function: Step) -> Step:
        STEPS[phase] = function
        return function

    return register


@step(phases.PREPARE)
def prepare(work: Work) -> None:
    """The second place gets the first one's structure, in a new database."""
    move = work.move
    unusable = work.source.sql(sql.not_replicated(), move.database)
    if unusable:
        raise error(
            "HN-T003",
            move.name,
            f"tables that replication leaves out: {', '.join(unusable[:5])}",
            "make them ordinary tables (ALTER TABLE … SET LOGGED) or drop them, then run again",
        )
    work.say(f"{move.name}: the structure of {move.database} to {move.target}")
    drop_copy(work.target, work.source, move)
    work.target.sql(sql.empty_database(move.database))
    structure = work.source.dump(
        move.database, "--schema-only", "--no-publications", "--no-subscriptions"
    )
    work.target.restore(move.database, structure)


@step(phases.COPY)
def copy(work: Work) -> None:
    """All files, then all rows, while users go on working at the first place.

    Files first: they may take hours, in which PostgreSQL would keep all of its log for the copy.
    """
    move = work.move
    if work.files:
        work.say(f"{move.name}: copying files")
        work.files.once(sums=True)
        work.files.known()
    if work.target.value(sql.subscription(move.link), move.database) != "1":
        work.source.sql(sql.drop_slot(move.link))
        work.source.sql(sql.publish(move.link, move.database), move.database)
        words = work.source.words(move.database, work.target)
        work.target.sql(sql.subscribe(move.link, words, with_rows=True), move.database)
    told = 0.0
    while True:
        _check_slot(work)
        left = work.target.value(sql.tables_left(move.link), move.database).split()
        if left and left[0] == "0" and left[1] != "0":
            break
        if time.monotonic() - told > SLOW_TELL:
            told = time.monotonic()
            work.say(f"{move.name}: copying rows, {' of '.join(left) or 'all'} tables left")
        time.sleep(0.5)


@step(phases.FOLLOW)
def follow(work: Work) -> None:
    """Until the second place is nearly level: only then is a pause short."""
    if work.files:
        _files_follow(work)
    told = 0.0
    while (distance := _check_slot(work)) > NEAR:
        if time.monotonic() - told > SLOW_TELL:
            told = time.monotonic()
            work.say(f"{work.move.name}: {distance} bytes behind")
        time.sleep(0.5)


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


@step(phases.FENCE)
def fence(work: Work) -> None:
    """Nobody writes at the first place any more, whatever was still on its way."""
    if work.files:
        work.files.still()
    work.source.sql(sql.fence(work.move.database))


@step(phases.SYNC)
def sync(work: Work) -> None:
    """The last changes, then what replication does not carry."""
    move = work.move
    work.say(f"{move.name}: the last changes follow")
    if work.files:
        work.files.once(gentle=False, durable=True)
    position = work.source.sql(sql.position(), move.database)[0]
    end = time.monotonic() + SYNC_SECONDS
    while work.source.value(sql.confirmed(move.link, position)) != "t":
        _check_slot(work)
        if time.monotonic() > end:
            raise error(
                "HN-T004",
                move.name,
                f"the last changes did not follow within {SYNC_SECONDS} s; users are back at"
                f" {move.source}",
                "run the same command again; when it repeats, look at the load of both places",
            )
        time.sleep(0.1)
    statements = work.source.sql(sql.sequences(), move.database)
    work.target.sql("\n".join(statements), move.database)
    compare.large_objects_along(work.source, work.target, move.database)


@step(phases.COMPARE)
def compare_both(work: Work) -> None:
    """Both copies, before anybody relies on the second."""
    work.say(f"{work.move.name}: comparing both copies")
    differs = compare.differences(work.source, work.target, work.move.database)
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
    move = work.move
    if work.target.value(sql.subscription(move.link), move.database) == "1":
        work.target.sql(sql.unsubscribe(move.link), move.database)
    work.source.sql(sql.drop_slot(move.link))
    work.source.sql(sql.unpublish(move.link), move.database)
    work.target.sql(sql.publish(move.link, move.database), move.database)
    if work.source.value(sql.subscription(move.link), move.database) != "1":
        work.target.sql(sql.drop_slot(move.link))
        words = work.target.words(move.database, work.source)
        work.source.sql(sql.subscribe(move.link, words, with_rows=False), move.database)
    work.home(moved=True, paused=True)


@step(phases.OPEN)
def open_(work: Work) -> None:
    """Users are sent to the second place."""
    work.target.sql(sql.admit(work.move.database))
    if work.files:
        work.files.target.awake()
        if not work.files.target.ready():
            work.say(f"{work.move.name}: it is slow to start at {work.move.target}")
    work.home(moved=True, paused=False)
    work.tell()
    work.move = work.record.reached(work.move, phases.OPEN, opened=now())
    if work.files:
        work.files.source.awake()  # it waits, as its database lets it in no more


def reopen(work: Work) -> None:
    """Give users the first place back, after a pause that came to nothing."""
    work.say(f"{work.move.name}: users go back to {work.move.source}")
    # First, so that a move killed from here on never compares or switches while users write.
    work.move = work.record.reached(work.move, phases.FOLLOW, paused="")
    work.source.sql(sql.admit(work.move.database))
    if work.files:
        work.files.source.awake()
        work.files.source.ready()
    work.home(moved=False, paused=False)
    work.tell()
    if work.files:
        work.files.target.awake()


def drop_copy(copy: End, kept: End, move: Move) -> None:
    """The link between both ends, and nothing of the data at `kept`."""
    if (
        copy.value(sql.exists(move.database)) == "1"
        and copy.value(sql.subscription(move.link), move.database) == "1"
    ):
        copy.sql(sql.unsubscribe(move.link), move.database)
    kept.sql(sql.drop_slot(move.link))
    kept.sql(sql.unpublish(move.link), move.database)


def _check_slot(work: Work) -> int:
    """Bytes that the second place is behind. Raises Again where the first one has forgotten what
    the second still needs: its leader was lost, or too much was written meanwhile."""
    answer = work.source.value(sql.behind(work.move.link)).split()
    if not answer or answer[1] in ("lost", "unreserved"):
        raise Again("the first place no longer keeps what the second still needs")
    return int(float(answer[0]))


def give_users_back(work: Work) -> None:
    """reopen(), where the move stopped while users wait and the first place is still the home."""
    if work.move.phase in (phases.PAUSE, phases.FENCE, phases.SYNC, phases.COMPARE):
        reopen(work)
