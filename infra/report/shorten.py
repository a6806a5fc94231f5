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
    """A host's entries; kinds: a line with their counts, for when not all are listed."""

    head: str
    foot: str
    kinds: str
    entries: list[Entry]
    kept: list[Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = self.entries

    def text(self) -> str:
        kinds = self.kinds if len(self.kept) < len(self.entries) else ""
        return f"{self.head}{kinds}{''.join(e.text() for e in self.kept)}{self.foot}"

    def keep(self, room: int) -> None:
        """List only as many of the first (the worst) as have room beside the counts."""
        room -= len(self.head) + len(self.kinds) + len(self.foot)
        self.kept = []
        for entry in self.entries:
            room -= len(entry.text())
            if room < 0:
                break
            self.kept.append(entry)


@dataclass
class Left:
    """How much was left out."""

    diffs: int = 0
    properties: int = 0
    changes: int = 0
    everything: bool = False


def fit(places: Sequence[Place], room: int) -> tuple[str, Left]:
    """The places' text in at most `room` characters, and what was left out of it.

    Left out, until it fits: the longest diffs, then the longest lists of properties, then of
    the longest lists of changes the end, for which the counts by kind stand, then all of it.
    """
    left = Left()
    entries = [e for p in places for e in p.entries]
    _drop_endless(entries, left)
    over = sum(len(p.text()) for p in places) - room
    over = _drop_diffs(entries, over, left)
    over = _drop_properties(entries, over, left)
    if over > 0:
        over = _list_less(places, room, left)
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


def _list_less(places: Sequence[Place], room: int, left: Left) -> int:
    """Every place gets an equal share of the room; what a short one does not need, the others
    get. Returns how much is still too long."""
    waiting = sorted(places, key=lambda p: len(p.text()))
    for n, place in enumerate(waiting):
        share = room // (len(waiting) - n)
        if len(place.text()) > share:
            place.keep(share)
            left.changes += len(place.entries) - len(place.kept)
        room -= len(place.text())
    return -room
