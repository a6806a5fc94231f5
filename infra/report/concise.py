"""The summary as Markdown, whole or, when it is too long by itself, grouped step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from infra.report import words
from infra.report.content import Finding, Report
from infra.report.markup import code, inline, prose
from infra.report.sections import Row, Section, findings, sections
from infra.report.words import clip, clipped, number, plural


@dataclass(frozen=True)
class Level:
    """How short a summary is. rows: per section and noun; clip: characters of one text;
    by: what the counts are listed by; findings: how much is said of each refusal and danger
    ("places" lists every one by where it is; "some", as many as there is room for);
    said: for the note on what was left out."""

    rows: int | None = None
    clip: int | None = None
    by: str = "host"
    findings: Literal["all", "grouped", "places", "some"] = "all"
    said: str = ""


LEVELS = (
    Level(),
    Level(rows=20, said="rows of the summary"),
    Level(rows=20, clip=300, by="site", said="rows and long texts of the summary"),
    Level(20, 300, "site", "grouped", "rows and long texts of the summary"),
    Level(5, 80, "all", "places", "most of the summary's text"),
    Level(0, 80, "all", "some", "most of the summary"),
)


def topics(report: Report, level: Level) -> list[str]:
    """The summary table's rows: a topic, and beside it a line for each thing."""
    return [f"| **{s.en}** · {s.vi} | {'<br>'.join(_lines(s, level))} |" for s in sections(report)]


def _lines(section: Section, level: Level) -> Iterator[str]:
    """A section's rows; of each noun the first few when the level has no room for all."""
    for noun, rows in groupby(section.rows, key=lambda r: r.of):
        found = list(rows)
        if level.rows is None or len(found) <= level.rows:
            yield from (_line(r, level) for r in found)
        elif level.rows == 0:
            yield _of(len(found), noun)
        else:
            yield f"**{_of(len(found), noun)}**, the first {level.rows}:"
            yield from (_line(r, level) for r in found[: level.rows])
            yield f"… and {_of(len(found) - level.rows, noun, 'more ')}"


def _of(count: int, noun: str, more: str = "") -> str:
    """`392 more units`; a noun that is a state ("left behind") takes no plural."""
    if noun in ("deleted", "left behind", "moved", "created", "unknown"):
        return f"{count:,} {more}{noun}"
    return f"{count:,} {more}{noun if count == 1 else plural(noun)}"


def _line(row: Row, level: Level) -> str:
    cells = (inline(clipped(c, level.clip)) for c in row.cells if "".join(c))
    line = " · ".join(cells)
    return f"❗ <b>{line}</b>" if row.grave else line


def refusals(report: Report, level: Level, room: int) -> list[str]:
    """A paragraph for each refusal and danger, or for each kind of them."""
    found = findings(report)
    if level.findings == "all":
        return [_whole(f, level.clip) for f in found]
    if level.findings == "grouped":
        found = tuple(sorted(found, key=_likeness))
        return [_alike(list(group), level.clip) for _, group in groupby(found, key=_likeness)]
    kinds = [list(group) for _, group in groupby(found, key=lambda f: (f.severity, f.id))]
    if level.findings == "places":
        return [_places(group, level.clip, None) for group in kinds]
    share = max(0, room) // 2 // max(1, len(kinds))
    return [_places(group, level.clip, share) for group in kinds]


def _likeness(finding: Finding) -> tuple[bool, str, str, str]:
    return (finding.severity != "refused", finding.id, finding.reason, finding.remedy)


def _name(finding: Finding, length: int | None) -> str:
    word = " · ".join(words.SEVERITIES[finding.severity])
    return f"**{word}** {code(clip(finding.id, length))}"


def _why(finding: Finding, length: int | None) -> str:
    lines = []
    if finding.reason:
        lines.append(f"*Why:* {prose(clip(finding.reason, length))}")
    if finding.remedy:
        lines.append(f"*Instead:* {prose(clip(finding.remedy, length))}")
    return "".join(f"<br>{line}" for line in lines)


def _whole(finding: Finding, length: int | None) -> str:
    where, what = (clip(x, length) for x in (finding.where, finding.what))
    return f"{_name(finding, length)} at {code(where)}: {prose(what)}{_why(finding, length)}"


def _alike(group: list[Finding], length: int | None) -> str:
    """Findings with one reason and remedy: those once, and where and what of each."""
    each = [f"{code(clip(f.where, length))}: {prose(clip(f.what, length))}" for f in group]
    return f"{_name(group[0], length)} {'<br>'.join(['', *each])}{_why(group[0], length)}"


def _places(group: list[Finding], length: int | None, room: int | None) -> str:
    """Where the findings of one kind are, each place once; room: at most so many characters."""
    said = f"{_name(group[0], length)}, {number(len(group), 'place')}: "
    places = Counter(code(clip(f.where, length)) for f in group)
    listed: list[str] = []
    for place, times in places.items():
        text = f"{place} ({times})" if times > 1 else place
        if room is not None and len(said) + len(text) > room:
            break
        listed.append(text)
        room = None if room is None else room - len(text) - 2
    if missing := len(places) - len(listed):
        listed.append(f"and {missing:,} more")
    return said + ", ".join(listed)
