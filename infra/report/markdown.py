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
    room = None if limit is None else limit - len(head) - len(pointer) - FOOTER
    for level in LEVELS:
        summary = _summary(report, level, room)
        if room is None or len(summary) <= room:
            break
    else:
        summary = f"{prose(verdict(report))}; {prose(headline(report))}\n\n"
        return _cut(f"{head}**{summary[:1].upper()}{summary[1:].strip()}**\n\n{pointer}", limit)
    picture = _picture(report)
    rest = None if room is None else room - len(summary)
    if rest is not None and len(picture) > rest:
        picture = ""
    heading = "### In detail · Chi tiết\n\n"
    inner = None if rest is None else rest - len(picture) - len(heading)
    body, left = fit([_place(p, limit) for p in detail.places(report)], inner)
    body = heading + body if body else ""
    return f"{head}{summary}{picture}{body}{_footer(left, level, limit, pointer)}".rstrip() + "\n"


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


def _summary(report: Report, level: Level, room: int | None) -> str:
    ministry = words.clip(words.both(report.ministry_vi, report.ministry_en), 200)
    parts = [f"{prose(ministry)}: {_compared(report)}"]
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
