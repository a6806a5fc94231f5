"""Moves begun, continued, taken back and ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta

from infra import deploy
from infra.errors import Exit, HanoiError, error
from infra.moves import record as phases
from infra.moves import steps
from infra.moves.record import Move, MoveRecord, now, seconds_between
from infra.moves.rows import Again
from infra.moves.work import Replan, carrying_of, rows_of, unmovable, work_of
from infra.placement import Home, Place, movable
from infra.resources import Data, Plan
from infra.state import HomeRecord

KEEP_DAYS = 14  # how long the first place is kept up to date, so that a move can be undone
ATTEMPTS = 3  # copies begun anew before an operator is asked


def due(plan: Plan, record: MoveRecord) -> list[Move]:
    """The moves that the plan asks for, begun or not. One that was taken back on purpose is none:
    the description has to say something else first, or an operator (`hanoi move run`)."""
    found = []
    for serving, other in pairs(plan):
        known = record.get(serving.application, serving.unit)
        if known and not known.over:
            found.append(known)
        elif other.wanted and not (known and known.undone and known.target == other.place):
            found.append(begun(serving, other, known))
    return found


def refuse_unmovable(plan: Plan) -> None:
    """Before anything is touched. Raises HanoiError HN-T010."""
    problems = [
        unmovable(f"{other.application} of {other.unit}", other.unit, serving.place, other.place)
        for serving, other in pairs(plan)
        if other.wanted and not movable(other, Place.parse(serving.place), Place.parse(other.place))
    ]
    if problems:
        raise HanoiError(problems, Exit.REFUSED)


def pairs(plan: Plan) -> Iterator[tuple[Data, Data]]:
    """(where it serves, the second place) of everything that has two."""
    moving = [d for d in plan.data if d.moving]
    for serving in (d for d in moving if d.serving):
        key = (serving.application, serving.unit)
        yield serving, next(d for d in moving if (d.application, d.unit) == key and not d.serving)


def begun(serving: Data, other: Data, known: Move | None) -> Move:
    """A new move. Where the second place still follows the first, there is nothing to copy."""
    places = {serving.place, other.place}
    follows = known and known.phase == phases.KEPT and {known.source, known.target} == places
    return Move(
        serving.application,
        serving.unit,
        serving.database,
        serving.place,
        other.place,
        phase=phases.FOLLOW if follows else phases.PREPARE,
        started=now(),
    )


def carry_out(run: deploy.Deployment, move: Move, replan: Replan) -> Move:
    """Take the move from where it is to its end. Users wait only from PAUSE to OPEN.

    When a step fails while they wait and the first place still has everything, they get it back
    first. Raises HanoiError HN-T001 to HN-T006.
    """
    if move.phase in (phases.SYNC, phases.COMPARE):
        # A deploy in between may have started again what was stopped and let in whom was kept out.
        move = dataclasses.replace(move, phase=phases.FENCE)
    work = work_of(run, move, replan)
    work.record.write(move)
    attempts = 0
    try:
        while not work.move.over:
            try:
                steps.STEPS[work.move.phase](work)
            except Again as why:
                attempts += 1
                if attempts >= ATTEMPTS:
                    raise _gives_up(work.move, str(why)) from None
                run.say(f"{work.move.name}: {why}; the copy begins anew")
                steps.give_users_back(work)
                work.move = work.record.reached(work.move, phases.PREPARE)
                continue
            following = phases.PHASES[phases.PHASES.index(work.move.phase) + 1]
            if following == phases.KEPT:
                work.move = work.record.write(_ended(work.move))
            else:
                work.move = work.record.reached(work.move, following)
    except (HanoiError, KeyboardInterrupt):
        steps.give_users_back(work)
        raise
    done = work.move
    waited = seconds_between(done.paused, done.opened)
    run.say(f"{done.name}: at {done.at} now; users waited {waited:.0f} s")
    return done


def _ended(move: Move) -> Move:
    until = str(date.today() + timedelta(days=KEEP_DAYS))
    ended = dataclasses.replace(move, phase=phases.KEPT, keep_until=until)
    if not move.undoing:
        return ended
    return dataclasses.replace(
        ended, source=move.target, target=move.source, undone=True, undoing=False
    )


def undo(run: deploy.Deployment, move: Move, replan: Replan) -> Move:
    """Bring users back to where they were before the move; nothing where they are back already.

    Before the switch the second copy is given up; after it the same steps lead back, with what
    was written since. The entry stays, so that no deploy begins the move again by itself.
    """
    if move.undone:
        return move
    if move.undoing:
        return carry_out(run, move, replan)
    if not move.over and not move.switched:
        work = work_of(run, move, replan)
        steps.reopen(work)
        work.rows.unlink()
        first, _ = move.ends
        undone = work.record.write(dataclasses.replace(move, phase=phases.PREPARE, undone=True))
        work.homes.record(move.application, move.unit, Home(first))
        return undone
    if not move.over:  # between switch and open: forward is the shorter way to a whole state
        move = carry_out(run, move, replan)
    back = dataclasses.replace(
        move, source=move.target, target=move.source, phase=phases.FOLLOW, started=now(),
        paused="", opened="", undoing=True,
    )  # fmt: skip
    return carry_out(run, back, replan)


def resume(run: deploy.Deployment, move: Move, replan: Replan) -> Move:
    """Go on with a move that is not over. One that was being taken back, and has not switched, is
    no longer: users stay where it had brought them."""
    if not move.undoing or move.switched:
        return carry_out(run, move, replan)
    work = work_of(run, move, replan)
    steps.reopen(work)
    return work.record.write(
        dataclasses.replace(
            move, source=move.target, target=move.source, phase=phases.KEPT, undoing=False
        )
    )


def follow(run: deploy.Deployment, only: tuple[str, str] | None = None) -> list[str]:
    """Bring the files of copies that are kept level with those that are served, as PostgreSQL does
    with rows by itself; what was done, in words. only: (application, unit). Raises HN-T011 to
    HN-T013."""
    record, told = MoveRecord(run.state), []
    for serving, other in pairs(run.plan):
        key = (serving.application, serving.unit)
        known = record.get(*key)
        if known and known.phase == phases.KEPT and only in (None, key):
            first, second = Place.parse(serving.place), Place.parse(other.place)
            if carrying := carrying_of(run, known, first, second):
                done = carrying.once()
                told.append(f"{known.name}: {done.files} files followed to {other.place}")
                run.say(told[-1])
    return told


def finish(run: deploy.Deployment, move: Move, replan: Replan) -> None:
    """Remove the copy that does not serve, for good. Raises HN-T007 while the move runs."""
    if not move.over:
        raise error(
            "HN-T007",
            move.name,
            f"the move is in the phase {move.phase}",
            "run `hanoi deploy` to end it, or `hanoi move undo`, then finish",
            Exit.REFUSED,
        )
    homes = HomeRecord(run.state)
    home = homes.all().get((move.application, move.unit))
    if home and home.other:
        carrying = carrying_of(run, move, home.serving, home.other)
        rows_of(run, move, carrying, replan).remove()
        carrying.finish()
        homes.record(move.application, move.unit, Home(home.serving))
    MoveRecord(run.state).forget(move)
    run.say(f"{move.name}: the copy at {_elsewhere(home)} is gone")


def _elsewhere(home: Home | None) -> str:
    return str(home.other) if home and home.other else "the other place"


def _gives_up(move: Move, why: str) -> HanoiError:
    return error(
        "HN-T004",
        move.name,
        f"{why}, {ATTEMPTS} times; users are at {move.source}",
        "raise database.max_slot_wal_keep_size in ministry.yaml, or move at a quieter hour",
    )


def known(record: MoveRecord, application: str, unit: str) -> Move:
    """The move of a unit's application. Raises HanoiError HN-T008."""
    move = record.get(application, unit)
    if move is None:
        raise error(
            "HN-T008",
            f"{application} of {unit}",
            "nothing of it has been moved",
            "`hanoi move status` lists what has",
            Exit.USAGE,
        )
    return move
