"""Edits of a YAML text as a careful person makes them: only the lines that say something else.

Every other byte stays: comments, order, quotes, blank lines, the width of lines. A comment above
an entry belongs to that entry and goes with it. What an edit made is read again and held against
the same edit of the plain data; a text that reads otherwise is refused, never written.
Why not a round trip through a library: docs/decisions/0013.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from yaml.nodes import MappingNode

from infra.errors import Exit, error
from infra.model.positions import Path
from infra.model.yamltext import parse
from infra.units.yamlspans import Found, Span, children, find, items

WIDTH = 100


def _as_written(edit: Callable[..., str]) -> Callable[..., str]:
    """Line ends of another system stay as they are."""

    @functools.wraps(edit)
    def edited(text: str, *arguments: Any) -> str:
        foreign = "\r\n" in text and text.count("\r\n") == text.count("\n")
        made = edit(text.replace("\r\n", "\n") if foreign else text, *arguments)
        return made.replace("\n", "\r\n") if foreign else made

    return edited


@_as_written
def put(text: str, path: Path, value: Any, order: Sequence[str] = ()) -> str:
    """The text with `value` (scalars, lists of scalars, mappings) at a path of mappings.

    What is there already is replaced, a mapping key by key. A new key comes after the one that
    stands before it in `order`, else last. Raises HN-U009 where the text has a form that this
    cannot edit.
    """
    before = parse(text).data
    wanted = _put(copy.deepcopy(before), path, value)
    if before == wanted:
        return text
    return _checked(_put_text(text, path, value, order), wanted, path)


@_as_written
def remove(text: str, path: Path) -> str:
    """The text without what stands at a path; what held nothing else goes too.

    Raises HN-U009.
    """
    target, data = path, parse(text).data
    while len(target) > 1 and len(_at(data, target[:-1])) == 1:
        target = target[:-1]
    wanted = copy.deepcopy(data)
    del _at(wanted, target[:-1])[target[-1]]
    found, parent = find(text, target), find(text, target[:-1])
    assert found and parent
    if parent.flow:
        entries = _entries(parent, text)
        at = next(n for n, (key, _) in enumerate(entries) if key == target[-1])
        return _checked(_out_of_brackets(text, [s for _, s in entries], at), wanted, target)
    return _checked(_without_lines(text, found.span), wanted, target)


@_as_written
def append(text: str, path: Path, value: str) -> str:
    """The text with one more entry at the end of the list at a path. Raises HN-U009."""
    found = find(text, path)
    assert found
    wanted = parse(text).data
    _at(wanted, path).append(value)
    spans = items(found, text)
    if found.flow:
        return _checked(_into_brackets(text, found, spans, _flow(value)), wanted, path)
    column = spans[-1].start.column
    line = " " * column + f"- {_scalar(value)}"
    return _checked(_inserted(text, spans[-1].end.line + 1, [line]), wanted, path)


def _checked(text: str, wanted: Any, path: Path) -> str:
    made = parse(text)
    if made.faults or not made.complete or made.data != wanted:
        raise error(
            "HN-U009",
            ".".join(map(str, path)),
            "the file is written in a form that cannot be edited without reading otherwise",
            "make this change by hand, or write that part as plain lines of key: value first",
            Exit.REFUSED,
        )
    return text


def _put(data: Any, path: Path, value: Any) -> Any:
    place = data
    for part in path[:-1]:
        if isinstance(place, dict) and place.get(part) is None:
            place[part] = {}
        place = place[part]
    place[path[-1]] = value
    return data


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _put_text(text: str, path: Path, value: Any, order: Sequence[str]) -> str:
    found = find(text, path)
    if found is None:
        return _added(text, path, value, order)
    there = _at(parse(text).data, path)
    if isinstance(value, dict) and isinstance(there, dict) and there and value:
        for key, inner in value.items():
            text = put(text, (*path, key), inner, tuple(value))
        for key in [k for k in there if k not in value]:
            text = remove(text, (*path, key))
        return text
    in_place = found.flow or not isinstance(there, dict | list)
    if in_place and (not isinstance(value, dict) or (found.flow and there)):
        return _replaced(text, found.span, _like(found, value))
    return _block_in_place(text, found.span, path, value)


def _like(found: Found, value: Any) -> str:
    """The value in the form of what it replaces: quoted alike."""
    style = getattr(found.node, "style", None)
    if isinstance(value, str) and style == '"':
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and style == "'":
        return "'" + value.replace("'", "''") + "'"
    return _flow(value) if found.within or isinstance(value, dict | list) else _scalar(value)


def _block_in_place(text: str, span: Span, path: Path, value: Any) -> str:
    """An entry's value replaced as a whole, its own comments above it kept."""
    lines = text.split("\n")
    entry = _block(str(path[-1]), value, span.start.column)
    return "\n".join([*lines[: span.start.line], *entry, *lines[span.end.line + 1 :]])


def _added(text: str, path: Path, value: Any, order: Sequence[str]) -> str:
    parent = find(text, path[:-1])
    holder = _at(parse(text).data, path[:-1]) if parent else None
    if not holder:  # absent or empty: it comes with its first entry
        return put(text, path[:-1], {path[-1]: value}, order)
    assert parent
    spans = children(parent, text)
    if parent.flow:
        entry = f"{_scalar(path[-1], inside=True)}: {_flow(value)}"
        return _into_brackets(text, parent, [s for _, s in spans], entry)
    wanted = list(order[: order.index(path[-1])]) if path[-1] in order else []
    before = [s for key, s in spans if key in wanted]
    after = before[-1] if before else None
    block = _block(str(path[-1]), value, spans[0][1].start.column)
    if after is None and wanted == [] and path[-1] in order:
        return _inserted(text, spans[0][1].start.line, block)
    return _inserted(text, (after or spans[-1][1]).end.line + 1, block)


def _block(key: str, value: Any, column: int) -> list[str]:
    """key: value as lines of a block mapping at a column."""
    indent = " " * column
    if isinstance(value, dict) and value:
        inner = [line for k, v in value.items() for line in _block(k, v, column + 2)]
        return [f"{indent}{_scalar(key)}:", *inner]
    shown = _flow(value) if isinstance(value, dict | list | tuple) else _scalar(value)
    return [f"{indent}{_scalar(key)}: {shown}"]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return _scalar(value, inside=True)


def _scalar(value: Any, inside: bool = False) -> str:
    """A scalar without quotes where every reader takes it for the same text, else with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    read = parse(f"[{value}]" if inside else f"k: {value}")
    alone = [value] if inside else {"k": value}
    plain = "\n" not in value and not read.faults and read.complete and read.data == alone
    return value if plain else json.dumps(value, ensure_ascii=False)


def _replaced(text: str, span: Span, new: str) -> str:
    """What stands between two spots of the text, replaced."""
    lines = text.split("\n")
    head = lines[span.value.line][: span.value.column]
    tail = lines[span.end.line][span.end.column :]
    return "\n".join([*lines[: span.value.line], head + new + tail, *lines[span.end.line + 1 :]])


def _inserted(text: str, at: int, new: Sequence[str]) -> str:
    lines = text.split("\n")
    if at >= len(lines):  # the last line had no end
        return "\n".join([*lines, *new, ""])
    return "\n".join([*lines[:at], *new, *lines[at:]])


def _without_lines(text: str, span: Span) -> str:
    """The lines of an entry, taken out with the comments right above it and inside it."""
    lines = text.split("\n")
    first, last = span.start.line, span.end.line
    indent = " " * span.start.column
    while first and lines[first - 1].startswith(f"{indent}#"):
        first -= 1
    while lines[last + 1 : last + 2] and lines[last + 1].startswith(f"{indent} "):
        if not lines[last + 1].lstrip().startswith("#"):
            break
        last += 1
    above, below = lines[:first], lines[last + 1 :]
    if above and below and not above[-1].strip() and not below[0].strip() and len(below) > 1:
        below = below[1:]
    return "\n".join([*above, *below])


def _entries(found: Found, text: str) -> list[tuple[str | int, Span]]:
    """The entries of a mapping by key, or of a list by number."""
    if isinstance(found.node, MappingNode):
        return list(children(found, text))
    return list(enumerate(items(found, text)))


def _into_brackets(text: str, found: Found, spans: list[Span], value: str) -> str:
    """One more entry in brackets; in a line of its own where the line would be too wide."""
    if not spans:
        return _replaced(text, found.span, f"[{value}]")
    lines = text.split("\n")
    end, first = spans[-1].end, spans[0].start
    head, tail = lines[end.line][: end.column], lines[end.line][end.column :]
    joined = [f"{head}, {value}{tail}"]
    if len(joined[0]) > WIDTH and len(lines[end.line]) <= WIDTH:
        joined = [f"{head},", " " * first.column + value + tail]
    return "\n".join([*lines[: end.line], *joined, *lines[end.line + 1 :]])


def _out_of_brackets(text: str, spans: list[Span], at: int) -> str:
    """An entry and the comma that parted it from its neighbour, taken out."""
    last = at == len(spans) - 1
    start = spans[at - 1].end if last else spans[at].start
    end = spans[at].end if last else spans[at + 1].start
    return _replaced(text, Span(start, start, end), "")
