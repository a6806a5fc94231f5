"""The report as a comment on a change: it renders natively on GitLab and on GitHub.

First a hidden marker by which a CI step finds its own comment, then the summary, then folded
detail. What does not fit the host's limit is left out of the detail (infra/report/shorten);
only a summary that is too long by itself is grouped, in the steps of LEVELS.
"""

from __future__ import annotations

import re

from infra.report import detail, words
from infra.report.concise import LEVELS, Level, refusals, topics
from infra.report.content import Change, Report
from infra.report.markup import code, fenced, html, inline, prose
from infra.report.mermaid import mermaid
from infra.report.sections import Section, counts, headline, nothing, verdict
from infra.report.shorten import Entry, Left, Place, fit
from infra.report.words import Code, number

HEADING = "### In detail · Chi tiết\n\n"
FOOTER = 400  # characters kept for the note on what was left out, without the pointer


def render(
    report: Report,
    limit: int | None = None,
    artifact: str | None = None,
    target: str | None = None,
) -> str:
    """The comment's text, of at most `limit` characters.

    artifact: where the whole report is, an http(s) address or a path; target: what the hidden
    marker names (default: the report's source).
    """
    head = _head(report, target)
    if nothing(report):
        en, vi = words.NO_DRIFT if report.source == "drift" else words.NOTHING
        return _cut(f"{head}**{en}** · {vi}: {_compared(report)}\n", limit)
    pointer = _pointer(artifact)
    places = [_place(p, limit) for p in detail.places(report)]
    whole = _whole(report, places)
    text = None if whole is None else _ended(head, *whole, pointer)
    if text is not None and (limit is None or len(text) <= limit):
        return text
    assert limit is not None  # without a limit no diff is above it
    room = limit - len(head) - len(pointer) - FOOTER
    level, summary = _shortest(report, room)
    if len(summary) > room:
        said = f"**{prose(verdict(report))}; {prose(headline(report))}**"
        return _cut(f"{head}{said}\n\n{pointer}", limit)
    room -= len(summary) + len(HEADING)
    picture = _picture(report)
    body, left = fit(places, room - len(picture))
    if left.everything and picture:  # rather a list than a picture
        picture = ""
        body, left = fit([_place(p, limit) for p in detail.places(report)], room)
    footer = _footer(left, level, limit, pointer)
    return _ended(head, summary, picture, HEADING + body if body else "", footer)


def _whole(report: Report, places: list[Place]) -> tuple[str, str, str] | None:
    """Summary, picture and detail with nothing left out; None where a diff alone is too long."""
    if any(e.diff is None for p in places for e in p.entries):
        return None
    body = HEADING + "".join(p.text() for p in places) if places else ""
    return _summary(report, LEVELS[0], 0), _picture(report), body


def _shortest(report: Report, room: int) -> tuple[Level, str]:
    """The summary at the first level at which it has room, else at the last."""
    for level in LEVELS:
        summary = _summary(report, level, room)
        if len(summary) <= room:
            break
    return level, summary


def _ended(*parts: str) -> str:
    return "".join(parts).rstrip() + "\n"


def marker(target: str) -> str:
    """The first line of a comment about `target`."""
    return f"<!-- hanoi-report: {re.sub(r'[^a-zA-Z0-9_./]+', '-', target)[:100].strip('-')} -->"


def _cut(text: str, limit: int | None) -> str:
    """The last resort, for limits that hold not even a few lines."""
    return text if limit is None else text[: max(0, limit)]


def _head(report: Report, target: str | None) -> str:
    en, vi = words.TITLES[report.source]
    return f"{marker(target or report.source)}\n## {en} · {vi}\n\n"


def _compared(report: Report) -> str:
    base, head = (code(words.clip(x, 200)) for x in (report.base, report.head))
    return f"{base} → {head}"


def _pointer(artifact: str | None) -> str:
    if not artifact:
        return ""
    if re.fullmatch(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+", artifact):
        return f"[The whole report · Báo cáo đầy đủ](<{artifact}>)"
    return f"The whole report · Báo cáo đầy đủ: {code(artifact)}"


def _summary(report: Report, level: Level, room: int) -> str:
    ministry = words.clip(words.both(report.ministry_vi, report.ministry_en), 200)
    parts = [f"{_compared(report)} · {prose(ministry)}"]  # no line begins with foreign text
    if stops := refusals(report, level, room):
        lines = ["[!CAUTION]", f"**{verdict(report)}**", *stops]
        parts.append("\n".join(f"> {line}\n>" for line in lines).removesuffix("\n>"))
        parts[-1] = parts[-1].replace("> [!CAUTION]\n>\n", "> [!CAUTION]\n", 1)
    said = headline(report)
    parts.append(f"**{said}**" if stops else f"**{said}** · {verdict(report)}")
    if rows := topics(report, level):
        parts.append("\n".join(["| Summary · Tóm tắt | |", "|---|---|", *rows]))
    if report.changes:
        parts.append(_counts(counts(report, level.by)))
    return "\n\n".join(parts) + "\n\n"


def _counts(section: Section) -> str:
    lines = [
        "| " + " | ".join(section.columns) + " |",
        "|---|---|" + "--:|" * (len(section.columns) - 2),
    ]
    for row in section.rows:
        lines.append("| " + " | ".join(inline(c) if "".join(c) else "" for c in row.cells) + " |")
    return "\n".join(lines)


def _picture(report: Report) -> str:
    source = mermaid(report)
    if not source:
        return ""
    summary = "<summary>What changes where · Sơ đồ thay đổi</summary>"
    return f"<details open>{summary}\n\n```mermaid\n{source}```\n\n</details>\n\n"


def _place(place: detail.Place, limit: int | None) -> Place:
    return Place(
        f"<details><summary>{html(place.name)}: {html((place.summary,))}</summary>\n\n",
        "</details>\n\n",
        f"*Not all are listed. {prose(place.kinds)}*\n\n",
        [_entry(c, limit) for c in place.changes],
    )


def _entry(change: Change, limit: int | None) -> Entry:
    title = f"**{change.operation}** {inline(detail.title(change))}"
    if concerned := detail.concerns(change):
        title += f" (for {inline(concerned)})"
    listed = detail.listed(change)
    properties = "".join(f"- {inline(cell)}\n" for cell in listed)
    count = change.diff.count("\n") + (not change.diff.endswith("\n"))
    return Entry(
        f"{title}\n\n",
        f"{properties}\n" if properties else "",
        f"*{number(len(listed), 'property')} left out*\n\n" if listed else "",
        _diff(change, count, limit) if change.diff else "",
        f"*diff of {number(count, 'line')} left out*\n\n" if change.diff else "",
    )


def _diff(change: Change, count: int, limit: int | None) -> str | None:
    if limit is not None and len(change.diff) > limit:
        return None
    summary = f"<summary>diff of {html((Code(change.name),))}, {number(count, 'line')}</summary>"
    block = fenced(detail.diff_lines(change.diff), "diff")
    return f"<details>{summary}\n\n{block}\n</details>\n\n"


def _footer(left: Left, level: Level, limit: int | None, pointer: str) -> str:
    said = [number(left.diffs, "diff")] if left.diffs else []
    said += [number(left.properties, "list") + " of properties"] if left.properties else []
    said += [number(left.changes, "change")] if left.changes else []
    if left.everything:
        said = ["the detail"]
    if level.said:
        said.append(level.said)
    if not said:
        return pointer
    note = f"*Shortened to fit {limit:,} characters. Left out: {', '.join(said)}.*"
    return f"{note} {pointer}" if pointer else note
