"""What a move works with: both ends, made of the plan and the connections of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from infra import deploy
from infra.errors import Exit, HanoiError, Problem, error
from infra.moves import gateways, turns
from infra.moves.ends import end
from infra.moves.files import Carrying
from infra.moves.record import Move, MoveRecord
from infra.moves.rows import OneDatabase, Rows, TwoDatabases
from infra.moves.stores import Store, store
from infra.placement import Home, Place, movable, one_database
from infra.resources import Plan
from infra.state import HomeRecord

Replan = Callable[[], Plan]


@dataclass
class Work:
    """A move under way. tell lets the gateways know the homes as they are recorded; files: those
    of the application, or nothing to carry."""

    move: Move
    record: MoveRecord
    homes: HomeRecord
    rows: Rows
    files: Carrying
    say: Callable[[str], None]
    tell: Callable[[], None]

    def home(self, *, moved: bool, paused: bool) -> None:
        """Record where the application is now."""
        record_home(self.homes, self.move, moved=moved, paused=paused)


def record_home(homes: HomeRecord, move: Move, *, moved: bool, paused: bool) -> None:
    first, second = move.ends
    serving, other = (second, first) if moved else (first, second)
    homes.record(move.application, move.unit, Home(serving, other, paused))


def work_of(run: deploy.Deployment, move: Move, replan: Replan) -> Work:
    """The move as it is done in a run. Raises HanoiError HN-T006, HN-T010."""
    first, second = move.ends
    key = (move.application, move.unit)
    if not all(movable(d, first, second) for d in run.plan.data if (d.application, d.unit) == key):
        raise HanoiError(unmovable(move.name, move.unit, move.source, move.target), Exit.REFUSED)
    absent = {h.id for h in run.plan.hosts} - set(run.connections)
    if absent:
        raise error(
            "HN-T006",
            move.name,
            f"a move needs every gateway and both places; not reached: {', '.join(sorted(absent))}",
            "run the command without --site, once all hosts can be reached",
            Exit.REFUSED,
        )

    def tell() -> None:
        plan_again(run, replan)
        gateways.tell(run.plan, run.connections)

    carrying = carrying_of(run, move, first, second)
    rows = rows_of(run, move, carrying, replan)
    return Work(move, MoveRecord(run.state), HomeRecord(run.state), rows, carrying, run.say, tell)


def plan_again(run: deploy.Deployment, replan: Replan) -> None:
    """The run goes on with the plan of the homes as they are recorded now."""
    run.plan = replan()
    run.sites = deploy.chosen(run.plan, [])


def rows_of(run: deploy.Deployment, move: Move, carrying: Carrying, replan: Replan) -> Rows:
    """From the source of what is carried to its target."""
    source, target = carrying.source, carrying.target
    if not one_database(source.place, target.place):
        first, second = (end(run.plan, s.place, run.connections) for s in (source, target))
        return TwoDatabases(move, first, second, run.say, carrying.serving)

    def home(moved: bool) -> None:
        record_home(HomeRecord(run.state), move, moved=moved, paused=False)

    def tell(at: Store) -> None:
        plan_again(run, replan)
        turns.tell(run.plan, at, run.secrets.resolve)

    return OneDatabase(source, target, home, tell)


def carrying_of(run: deploy.Deployment, move: Move, first: Place, second: Place) -> Carrying:
    homes, key = HomeRecord(run.state), (move.application, move.unit)
    one, other = (
        store(run.plan, place, move.unit, move.application, run.connections)
        for place in (first, second)
    )
    return Carrying(
        move.name, one, other, run.say, lambda: homes.all().get(key, Home(first)).serving
    )


def unmovable(name: str, unit: str, first: str, second: str) -> Problem:
    return Problem(
        name,
        "HN-T010",
        f"it is to go from {first} to {second}, which have one database; an application that keeps"
        " no files beside it is not carried between them",
        f"put the choice in units/{unit}.yaml back; docs/moves.md says what moves",
    )
