"""The words that the forms for people share: names, quantities, and text made harmless.

A cell is a tuple of pieces; a piece is prose, or Code for what machines read (ids, paths,
addresses, values). Each form escapes the two in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from infra.report.content import Change, Operation


class Code(str):
    """Text that a machine reads: shown as it is, in a fixed-width face where there is one."""

    __slots__ = ()


Cell = tuple[str, ...]

# operation → what has been done (for counts), and in Vietnamese
DONE: dict[Operation, tuple[str, str]] = {
    "delete": ("deleted", "xóa"),
    "replace": ("replaced", "thay thế"),
    "create": ("created", "tạo mới"),
    "restart": ("restarted", "khởi động lại"),
    "reload": ("reloaded", "nạp lại"),
    "update": ("updated", "cập nhật"),
    "rename": ("renamed", "đổi tên"),
}
TITLES = {
    "diff": ("What this change does", "Tác động của thay đổi"),
    "plan": ("What a deploy would do", "Triển khai sẽ làm gì"),
    "drift": ("What differs from the description", "Sai khác so với bản mô tả"),
}
NOTHING = ("Nothing changes", "Không có thay đổi")
NO_DRIFT = ("Nothing differs from the description", "Không có sai khác so với bản mô tả")
ONCE = ("Once for the ministry", "Chung cho toàn bộ")
SEVERITIES = {
    "refused": ("REFUSED", "TỪ CHỐI"),
    "danger": ("DANGER", "NGUY HIỂM"),
    "note": ("Note", "Ghi chú"),
}
LISTED = 10  # ids that a line names before it counts them

# What has no picture of its own: controls (an escape sequence moves the terminal's cursor),
# format characters (a right-to-left override shows other text than there is), line and
# paragraph separators, halves of surrogate pairs, invisible fillers and selectors.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ONE_LINE = re.compile(f"[{_HIDDEN}]")
_MANY_LINES = re.compile(f"(?![\n\t])[{_HIDDEN}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\x1b": r"\e"}


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{number:02x}" if number < 256 else f"\\u{{{number:x}}}"


def visible(text: str, lines: bool = False) -> str:
    """The text with every character that cannot be seen spelled out (`\\e`, `\\u{202e}`).

    lines: newlines and tabs stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return (_MANY_LINES if lines else _ONE_LINE).sub(_shown, text)


def clip(text: str, length: int | None) -> str:
    """The text, or its beginning and how much is missing."""
    if length is None or len(text) <= length:
        return text
    return f"{text[:length]}… ({len(text) - length:,} more characters)"


def clipped(cell: Cell, length: int | None) -> Cell:
    """Every piece of the cell clipped; Code stays Code."""
    return tuple(type(p)(clip(p, length)) for p in cell)


def joined(cells: Iterable[Cell], separator: str = ", ") -> Cell:
    """One cell of several, with the separator between them."""
    out: list[str] = []
    for cell in cells:
        if out and cell:
            out.append(separator)
        out += cell
    return tuple(out)


def codes(texts: Iterable[str], noun: str = "", none: str = "") -> Cell:
    """The texts as Code; with a noun and more than LISTED of them, only how many."""
    found = tuple(texts)
    if noun and len(found) > LISTED:
        return (number(len(found), noun),)
    return joined((Code(t),) for t in found) or ((none,) if none else ())


def number(count: int, noun: str) -> str:
    """`1 unit`, `1,000 units`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural(noun)}"


def plural(noun: str) -> str:
    """`units`, `databases`, `switches`, `policies`."""
    if re.search(r"(s|x|ch|sh)$", noun):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"


def both(vi: str, en: str) -> str:
    """A name in both languages: `Nguyễn Du (Nguyen Du)`."""
    return f"{vi} ({en})" if vi and en and vi != en else vi or en


def counted(counts: dict[Operation, int]) -> str:
    """`1 deleted, 2 replaced`, in the order of worry."""
    return ", ".join(f"{n:,} {DONE[o][0]}" for o, n in counts.items())


def duration(seconds: int) -> str:
    """`none worth noting`, `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds <= 0:
        return "none worth noting"
    if seconds < 120:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def amount(resource: str, value: float) -> str:
    """A quantity of a resource: memory in GiB or MiB, the rest as a plain number."""
    if resource != "memory":
        return f"{round(value, 2):,g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if abs(value) < 2**30:
        return f"{value / 2**20:,.0f} MiB"
    return f"{value / 2**30:,.1f} GiB"


def values(change: Change, name: str, before: str | None, after: str | None) -> Cell:
    """A property as a cell: `name: before → after`, or the one side there is."""
    label: Cell = (Code(name), ": ")
    if before is not None and after is not None:
        return (*label, Code(before), " → ", Code(after))
    if after is not None:
        return (*label, *(() if change.operation == "create" else ("added ",)), Code(after))
    if before is not None:
        return (*label, *(() if change.operation == "delete" else ("removed ",)), Code(before))
    return (*label, "changes")
