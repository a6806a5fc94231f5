"""Text for Markdown that means only itself, on GitLab and on GitHub.

Both hosts read more into rendered text than Markdown does: names of people and issues, which
notify those people, addresses, emoji. A zero-width space behind the sign ends that; code is
left alone by both.
"""

from __future__ import annotations

import re

from infra.report.words import Cell, Code, visible

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "\\": "&#92;", "~": "&#126;"}
_NOTHING = "&#8203;"  # breaks the word without being seen
# Signs that begin a reference (a person, an issue, a merge request, a label …), schemes and
# host names that would become links, and emoji.
_REFERENCE = re.compile(
    r"[@#!%^~$&\[](?=[\w\"])|:(?=[:/])|:(?=[\w+-]+:)|\bGH-(?=\d)|\bwww(?=\.)", re.IGNORECASE
)
_SPECIAL = re.compile(r"[&<>|\\~]|[`*_\[\]{}$]")
_PUNCTUATION = re.compile(r"[!-'*+:-@\[-`{-~]")  # ASCII's, but for ( ) , - . /
_COMMAND = re.compile(r"^[ \t]*::|##\[", re.MULTILINE)


def prose(text: str) -> str:
    """Text for inside a line: a paragraph, a table's cell, a heading."""
    parts = []
    last = 0
    shown = visible(text)
    for match in _REFERENCE.finditer(shown):
        parts += [_special(shown[last : match.end()]), _NOTHING]
        last = match.end()
    return "".join(parts) + _special(shown[last:])


def _special(text: str) -> str:
    return _SPECIAL.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), text)


def code(text: str) -> str:
    """Text in a code span, also inside a table; what a span cannot hold, as an HTML element."""
    shown = visible(text)
    if not shown:
        return "*(empty)*"
    if shown.strip() == shown and not set(shown) & set("`|\\"):
        return f"`{shown}`"
    return f"<code>{entities(shown)}</code>"


def entities(text: str) -> str:
    """Text whose punctuation is character numbers: safe in HTML and in Markdown alike."""
    return _PUNCTUATION.sub(lambda m: f"&#{ord(m[0])};", text)


def inline(cell: Cell) -> str:
    """A cell as Markdown."""
    return "".join(code(p) if isinstance(p, Code) else prose(p) for p in cell)


def html(cell: Cell) -> str:
    """A cell inside an HTML block, where Markdown is not read."""
    return "".join(
        f"<code>{entities(visible(p))}</code>" if isinstance(p, Code) else _html(visible(p))
        for p in cell
    )


def _html(text: str) -> str:
    broken = _REFERENCE.sub(lambda m: f"{m[0]}\u200b", text)
    return entities(broken).replace("\u200b", _NOTHING)


def fenced(lines: list[str], language: str) -> str:
    """A code block whose fence is longer than any run of backticks in it.

    A line that a CI system's log would take for a command of its own (`::error::`) is broken by
    a zero-width space.
    """
    text = "\n".join(lines)
    text = _COMMAND.sub(lambda m: m[0][:-1] + "\u200b" + m[0][-1], text)
    runs = re.findall(r"`{3,}", text)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return f"{fence}{language}\n{text}\n{fence}\n"
