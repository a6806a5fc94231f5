"""The report for a terminal: at most 100 columns, readable without colour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from rich.cells import cell_len, chop_cells

from infra.report import detail, words
from infra.report.content import Finding, Report
from infra.report.sections import Section, counts, findings, headline, nothing, sections, verdict
from infra.report.words import Cell, visible

WIDTH = 100
LONGEST = 2000  # characters of one value or line that are shown; the other forms have all
SIGNS = {
    "delete": "-",
    "replace": "±",
    "create": "+",
    "restart": "!",
    "reload": "~",
    "update": "~",
    "rename": "=",
}
_COLOURS = {
    "delete": "1;31",
    "replace": "35",
    "create": "32",
    "restart": "33",
    "reload": "36",
    "update": "36",
    "rename": "34",
    "danger": "1;31",
    "heading": "1",
    "+": "32",
    "-": "31",
    "@": "36",
}
_Paint = Callable[[str, str], str]  # (what it is, text) → text, perhaps in colour

# A line that a CI system would take for one of its own commands (`::error::`, `##[group]`).
_COMMAND = re.compile(r"^(\s*)(::|##\[)", re.MULTILINE)


def render(report: Report, colour: bool = False) -> str:
    """The whole report, ending with a newline. colour: ANSI sequences, for a terminal only."""
    if nothing(report):
        en, vi = words.NO_DRIFT if report.source == "drift" else words.NOTHING
        return _safe(f"{en} · {vi}: {visible(report.base)} → {visible(report.head)}") + "\n"
    paint = _paint if colour else _plain
    blocks = [_head(report, paint), *(_finding(f, paint) for f in findings(report))]
    summary = [_section(s, paint) for s in sections(report)]
    if report.changes:
        summary.insert(1 if report.summary.touched else 0, _counts(counts(report), paint))
    blocks += summary
    if report.changes:
        blocks.append(paint("heading", "IN DETAIL · CHI TIẾT"))
        blocks += [_place(p, paint) for p in detail.places(report)]
    return "\n\n".join(blocks) + "\n"


def _plain(name: str, text: str) -> str:
    return text


def _paint(name: str, text: str) -> str:
    code = _COLOURS.get(name)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def columns(text: str) -> int:
    """How many columns a terminal gives to the text."""
    return len(text) if text.isascii() else cell_len(text)


def _safe(text: str) -> str:
    return _COMMAND.sub(r"\1\\\2", text)


def wrap(text: str, first: str = "", rest: str | None = None, width: int = WIDTH) -> list[str]:
    """Lines of at most `width` columns, as a terminal counts them; `first` before the first
    line, `rest` (default: as many spaces) before the others."""
    if columns(first) + columns(text) < width:
        return [_safe(first + text)]
    rest = " " * columns(first) if rest is None else rest
    lines: list[str] = []
    line, later = "", width - columns(rest) - 1  # the last column is kept for _safe
    room = min(later, width - columns(first) - 1)
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if columns(candidate) <= room:
            line = candidate
            continue
        if line:
            lines.append(line)
            room = later
        *full, line = chop_cells(word, room) or [""]
        lines += full
        room = later if full else room
    lines.append(line)
    return [_safe((rest if n else first) + one) for n, one in enumerate(lines)]


def _words(cell: Cell) -> str:
    return visible("".join(words.clipped(cell, LONGEST)))


def _pad(text: str, width: int, right: bool = False) -> str:
    space = " " * max(0, width - columns(text))
    return space + text if right else text + space


def _head(report: Report, paint: _Paint) -> str:
    en, vi = words.TITLES[report.source]
    ministry = words.both(report.ministry_vi, report.ministry_en)
    lines = [
        *(paint("heading", line) for line in wrap(f"{en} · {vi}".upper())),
        *wrap(visible(ministry)),
        *wrap(visible(f"{report.base} → {report.head}")),
        "",
        *(paint("danger" if findings(report) else "", line) for line in wrap(verdict(report))),
        *wrap(headline(report)),
    ]
    return "\n".join(lines)


def _finding(finding: Finding, paint: _Paint) -> str:
    word = " · ".join(words.SEVERITIES[finding.severity])
    head = wrap(visible(f"{word}: {finding.id}: {finding.where}"), "!! ", "   ")
    lines = [paint("danger", line) for line in head]
    lines += wrap(visible(finding.what), "   ")
    lines += wrap(visible(finding.reason), "   Why:     ") if finding.reason else []
    lines += wrap(visible(finding.remedy), "   Instead: ") if finding.remedy else []
    return "\n".join(lines)


def _heading(section: Section, paint: _Paint) -> list[str]:
    return [paint("heading", line) for line in wrap(f"{section.en} · {section.vi}")]


def _counts(section: Section, paint: _Paint) -> str:
    """A table with the numbers right-aligned; a name that is too wide stands on its own line."""
    rows = [tuple(_words(c) for c in row.cells) for row in section.rows]
    table = [section.columns, *rows]
    numbers = [max(columns(r[n]) for r in table) for n in range(2, len(section.columns))]
    host = min(24, max(columns(r[1]) for r in table))
    room = WIDTH - 2 - sum(n + 2 for n in numbers) - host - 3
    site = min(room, max(columns(r[0]) for r in table))
    lines = _heading(section, paint)
    for row in table:
        if columns(row[0]) > site or columns(row[1]) > host:
            lines += wrap(" ".join(c for c in row[:2] if c), "  ", "    ")
            row = ("", "", *row[2:])
        cells = [_pad(row[0], site), _pad(row[1], host)]
        cells += [_pad(c, n, right=True) for c, n in zip(row[2:], numbers, strict=True)]
        lines.append(_safe("  " + "  ".join(cells).rstrip()))
    return "\n".join(lines)


def _section(section: Section, paint: _Paint) -> str:
    rows = [tuple(_words(c) for c in row.cells) for row in section.rows]
    lead = min(24, max(columns(r[0]) for r in rows))
    lines = _heading(section, paint)
    for row, grave in zip(rows, (r.grave for r in section.rows), strict=True):
        if len(row) == 1 or columns(row[0]) > lead:
            said = wrap(" · ".join(c for c in row if c), "! - " if grave else "  - ", "    ")
        else:
            first = f"{'! ' if grave else '  '}{_pad(row[0], lead)}  "
            said = wrap(" · ".join(c for c in row[1:] if c), first)
        lines += [paint("danger", line) for line in said] if grave else said
    return "\n".join(lines)


def _place(place: detail.Place, paint: _Paint) -> str:
    lines = [paint("heading", x) for x in wrap(f"{_words(place.name)}: {place.summary}")]
    for change in place.changes:
        sign = f"{SIGNS[change.operation]} {change.operation}"
        head = wrap(_words(detail.title(change)), f"  {_pad(sign, 10)} ")
        lines += [paint(change.operation, head[0]), *head[1:]]
        for cell in detail.listed(change):
            lines += wrap(_words(cell), " " * 13, " " * 15)
        if concerned := detail.concerns(change):
            lines += wrap(_words(concerned), f"{' ' * 13}for ", " " * 17)
        if change.diff:
            lines += _diff(detail.diff_lines(change.diff), paint)
    return "\n".join(lines)


def _diff(lines: Iterable[str], paint: _Paint) -> list[str]:
    """The diff behind a gutter; what is wider than the terminal goes on behind a `…`."""
    room = WIDTH - 15
    out: list[str] = []
    for line in lines:
        line = words.clip(line, LONGEST).expandtabs(4)
        pieces: Sequence[str] = [line] if line.isascii() and len(line) <= room else _cut(line, room)
        out += [paint(line[:1], f"             │ {piece}".rstrip()) for piece in pieces]
    return out


def _cut(line: str, room: int) -> list[str]:
    first, *rest = chop_cells(line, room) or [""]
    if not rest:
        return [first]
    return [first, *(f"…{piece}" for piece in chop_cells(line[len(first) :], room - 1))]
