"""What a unit's database holds of the records that can be carried, as the program tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("group", "party", "company", "employee", "user")  # in the order in which they are made
Record = dict[str, Any]  # one line: is, id and what belongs to its kind
Identifier = tuple[str, str]  # its type ("" without one) and its code


@dataclass(frozen=True)
class Marker:
    """A record that came from `unit`: its ids there and here; made: it was made here then."""

    unit: str
    kind: str
    source: int
    here: int
    made: bool


@dataclass(frozen=True)
class Content:
    """records: kind → id → the record; others: what else there is, by its title, counted."""

    records: Mapping[str, Mapping[int, Record]] = field(default_factory=dict)
    others: tuple[tuple[str, int], ...] = ()
    markers: tuple[Marker, ...] = ()

    def of(self, kind: str) -> Mapping[int, Record]:
        return self.records.get(kind, {})

    def lines(self) -> list[Record]:
        """The records in the order in which they are to be made."""
        return [r for kind in KINDS for r in self.of(kind).values()]

    def counts(self) -> dict[str, int]:
        return {kind: len(self.of(kind)) for kind in KINDS}


def parsed(lines: Iterable[str]) -> Content:
    """What the program's lines say. Raises ValueError, KeyError for lines of another program."""
    records: dict[str, dict[int, Record]] = {kind: {} for kind in KINDS}
    others, markers = [], []
    for said in map(json.loads, lines):
        what = said["is"]
        if what == "other":
            others.append((str(said["title"]), int(said["count"])))
        elif what == "marker":
            named = ("unit", "kind", "source", "here", "made")
            markers.append(Marker(*(said[name] for name in named)))
        else:
            records[what][said["id"]] = said
    return Content(records, tuple(others), tuple(markers))


def identifiers(party: Record) -> frozenset[Identifier]:
    """A party's identifiers as they are compared: without blanks, whatever the letters' case."""
    return frozenset(
        (kind, "".join(code.split()).casefold()) for kind, code in party["identifiers"]
    )


def written(identifier: Identifier) -> str:
    """An identifier as the description states it: TYPE:CODE, without a type :CODE."""
    return ":".join(identifier)


def stated(text: str) -> Identifier:
    """The inverse of written()."""
    kind, _, code = text.partition(":")
    return kind.strip(), "".join(code.split()).casefold()
