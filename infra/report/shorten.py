"""What is left out of a report that does not fit, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Entry:
    """One change as text. title always stands while its place is listed; each of the others
    may be replaced by its note, which says what is missing. None: longer than the whole."""

    title: str
    properties: str = ""
    properties_note: str = ""
    diff: str | None = ""
    diff_note: str = ""

    def text(self) -> str:
        return f"{self.title}{self.properties}{self.diff or ''}"


@dataclass
class Place:
    """A host's entries, or instead of them one line with their counts."""

    head: str
    foot: str
    kinds: str
    entries: list[Entry]
    counted: bool = False

    def text(self) -> str:
        inner = self.kinds if self.counted else "".join(e.text() for e in self.entries)
        return f"{self.head}{inner}{self.foot}"


@dataclass
class Left:
    """How much was left out."""

    diffs: int = 0
    properties: int = 0
    places: int = 0
    everything: bool = False
    words: list[str] = field(default_factory=list)


def fit(places: Sequence[Place], room: int | None) -> tuple[str, Left]:
    """The places' text in at most `room` characters (None: as long as it is).

    Left out, until it fits: the longest diffs, then the longest lists of properties, then the
    longest lists of changes, of which the counts by kind stay, then all of it.
    """
    left = Left()
    entries = [e for p in places for e in p.entries]
    _drop_endless(entries, left)
    if room is None:
        return "".join(p.text() for p in places), left
    over = sum(len(p.text()) for p in places) - room
    over = _drop_diffs(entries, over, left)
    over = _drop_properties(entries, over, left)
    over = _count(places, over, left)
    if over > 0:
        left.everything = bool(places)
        return "", left
    return "".join(p.text() for p in places), left


def _drop_endless(entries: list[Entry], left: Left) -> None:
    for entry in entries:
        if entry.diff is None:
            entry.diff = entry.diff_note
            left.diffs += 1


def _drop_diffs(entries: list[Entry], over: int, left: Left) -> int:
    for entry in sorted(entries, key=lambda e: -len(e.diff or "")):
        saved = len(entry.diff or "") - len(entry.diff_note)
        if over <= 0 or saved <= 0:
            break
        entry.diff = entry.diff_note
        over -= saved
        left.diffs += 1
    return over


def _drop_properties(entries: list[Entry], over: int, left: Left) -> int:
    for entry in sorted(entries, key=lambda e: -len(e.properties)):
        saved = len(entry.properties) - len(entry.properties_note)
        if over <= 0 or saved <= 0:
            break
        entry.properties = entry.properties_note
        over -= saved
        left.properties += 1
    return over


def _count(places: Sequence[Place], over: int, left: Left) -> int:
    for place in sorted(places, key=lambda p: -len(p.text())):
        before = len(place.text())
        if over <= 0 or before <= len(place.head) + len(place.kinds) + len(place.foot):
            break
        place.counted = True
        over -= before - len(place.text())
        left.places += 1
    return over
