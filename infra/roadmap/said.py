"""The roadmap in words, as pieces that the forms for people share."""

from __future__ import annotations

from infra.report.words import Cell, Code, both, codes, joined, number
from infra.roadmap.content import Blocker, Coverage, Entering, Mode, Overview, WaveState, WaveView
from infra.roadmap.gates import Gate, State

TITLE = ("Roadmap", "Lộ trình")
WAVES = ("Waves", "Các đợt triển khai")
PROCEDURES = ("Administrative procedures", "Thủ tục hành chính")
STATES: dict[WaveState, tuple[str, str]] = {
    "done": ("done", "đã xong"),
    "deployed": ("deployed, not proven yet", "đã triển khai, chưa được kiểm chứng"),
    "begun": ("begun", "đang triển khai"),
    "next": ("next", "tiếp theo"),
    "later": ("later", "về sau"),
}
GATES: dict[State, str] = {
    "passed": "passes",
    "failed": "fails",
    "old": "to be looked at again",
    "unseen": "not seen yet",
    "unchecked": "no check carries it",
    "ahead": "to come",
}
MODES: dict[Mode, str] = {
    "central": "central",
    "self-hosted": "self-hosted",
    "external": "with their own system",
    "none": "without a choice",
}
STOPS = ("Blocked by", "Vướng mắc")
OPEN = ("To settle", "Cần giải quyết")
DESPITE = ("Begun in spite of", "Triển khai dù chưa đạt")


def headline(value: Overview) -> Cell:
    """How far it has come, what is next, and how far a deploy goes by itself."""
    said: list[str] = [f"{value.done} of {number(len(value.waves), 'wave')} done"]
    if value.next is not None:
        word = "next, and blocked: " if value.next.stopped else "next: "
        said += ["; ", word, Code(value.next.id)]
    return (*said, "; a deploy goes as far as ", Code(value.current))


def source(value: Overview) -> str:
    """How current what is said about gates is."""
    if value.live:
        return f"{value.today}; gates as just looked at"
    return f"{value.today}; gates as last recorded (--live looks now)"


def name(view: WaveView) -> str:
    return both(view.name.vi, view.name.en)


def state(view: WaveView) -> str:
    return " · ".join(STATES[view.state])


def dates(view: WaveView) -> str:
    """`2027-01-04 to 2027-03-31`, or what is known of it."""
    if view.starts and view.ends:
        return f"{view.starts} to {view.ends}"
    if view.starts:
        return f"from {view.starts}"
    return f"until {view.ends}" if view.ends else "no dates"


def owner(view: WaveView) -> Cell:
    return (both(view.owner_name.vi, view.owner_name.en), " (", Code(view.owner), ")")


def brings(view: WaveView) -> list[Cell]:
    """A line for the platform, and one for each application."""
    lines: list[Cell] = []
    if view.platform:
        lines.append(("platform: ", *codes(view.platform)))
    return [*lines, *(_entering(e) for e in view.applications)]


def _entering(entry: Entering) -> Cell:
    units = dict(entry.units)
    counts = [(f"{len(units[m])} {MODES[m]}",) for m in MODES if m in units]
    said: Cell = (Code(entry.app), f": {number(entry.unit_count, 'unit')}")
    if counts:
        said = (*said, " (", *joined(counts), ")")
    if entry.unit_count and entry.fresh and entry.fresh != entry.unit_count:
        said = (*said, f", {entry.fresh} of them new")
    if not entry.groups:
        return said
    groups = joined(
        ((Code(g.id), f" {g.count:,}") for g in entry.groups),
    )
    return (*said, f"; {number(entry.procedures, 'procedure')}: ", *groups)


def gate(found: Gate) -> Cell:
    """`database passes (40 checks, 2027-05-02 08:00 UTC)`"""
    said: Cell = (Code(found.name), f" {GATES[found.state]}")
    if not found.at:
        return said
    count = found.failed if found.state == "failed" else found.passed
    checks = f"{number(count, 'check')}, "
    return (*said, f" ({checks}{minute(found.at)})")


def minute(at: str) -> str:
    """A recorded moment as people read it."""
    return f"{at[:16].replace('T', ' ')} UTC"


def blocked(blocker: Blocker) -> Cell:
    """What is in the way and what to do about it; a command stands alone."""
    command = blocker.remedy.startswith("hanoi ")
    return (blocker.what, " → ", Code(blocker.remedy) if command else blocker.remedy)


def despite(view: WaveView) -> list[Cell]:
    return [
        (*codes(d.gates), f": {d.reason} (", Code(d.who), f", {minute(d.at)})")
        for d in view.despite
    ]


def procedures(value: Overview) -> list[Cell]:
    """How many there are and are done, then each group with the wave that brings it."""
    stated = value.procedures
    if stated is None:
        return []
    lines: list[Cell] = [(f"{stated.total:,} in all; {stated.done:,} of {stated.listed:,} done",)]
    lines += [_coverage(c) for c in stated.groups]
    return [*lines, (stated.note,)] if stated.note else lines


def _coverage(coverage: Coverage) -> Cell:
    group = coverage.group
    lead: Cell = (Code(group.id), f": {group.count:,}, ", both(group.name.vi, group.name.en), ", ")
    return (*lead, Code(coverage.wave)) if coverage.wave else (*lead, "in no wave")
