"""Whose data a deploy carries to another place, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from infra.placement import Place, movable, one_database
from infra.report.content import DataChange
from infra.resources import Data, Plan


@dataclass(frozen=True)
class Move:
    """A unit's application that moves. source, target: places, as `Data.place` has them; files:
    whether there are some beside the database; possible: whether a deploy can carry it."""

    application: str
    unit: str
    source: str
    target: str
    database: str
    files: bool
    possible: bool = True

    @property
    def data(self) -> DataChange:
        """As a report tells it."""
        shared = one_database(Place.parse(self.source), Place.parse(self.target))
        what = "files" if shared else f"database {self.database}" + " and files" * self.files
        return DataChange(
            f"{self.application} of {self.unit} ({what}): {self.source} → {self.target}; the copy"
            f" at {self.source} stays until `hanoi move finish`",
            "moved",
            units=(self.unit,),
        )


def between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """The moves that a deploy of the later plan makes where the earlier one is deployed."""
    places = before.places
    found = ((places.get((d.application, d.unit)), d) for d in after.data if d.serving)
    return tuple(of(data, old, data.place) for old, data in found if old not in (None, data.place))


def of(data: Data, source: str, target: str) -> Move:
    """The move of what is kept, from place to place."""
    return Move(
        data.application, data.unit, source, target, data.database, bool(data.files),
        movable(data, Place.parse(source), Place.parse(target)),
    )  # fmt: skip
