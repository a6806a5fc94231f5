"""Text → plain data, by events of PyYAML's C parser: one pass, no recursion, no surprises.

Only a plain part of YAML is taken: mappings, lists and scalars, one document. Anchors,
aliases, merge keys and tags are refused, so a file cannot grow while it is read; so are plain
scalars that YAML 1.1 and 1.2 read differently (no, 012, 1:30). Positions are looked up in a
second pass (positions.py), which only a file with a problem costs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from infra.model.positions import MAX_DEPTH, Path, clip, lines

MAX_FAULTS = 50  # of one file; more help nobody


@dataclass(frozen=True)
class Fault:
    """One problem in a text; line counts from 1."""

    line: int
    path: Path
    code: str
    what: str
    remedy: str


@dataclass
class Parsed:
    """data is None where the text could not be read to its end (complete is then False)."""

    data: Any = None
    faults: list[Fault] = field(default_factory=list)
    complete: bool = False


class _Frame:
    """An open mapping or list while events come in."""

    __slots__ = ("items", "keep", "key")

    def __init__(self, items: dict[str, Any] | list[Any]) -> None:
        self.items = items
        self.key: str | None = None
        self.keep = True


class _Stop(Exception):
    """The rest of the text has nothing to say."""


def parse(text: str) -> Parsed:
    """Reads one document. Never raises for what the text holds."""
    result = Parsed()
    builder = _Builder(text, result)
    loader = yaml.CSafeLoader(text)
    try:
        builder.run(loader.get_event)
        result.complete = True
    except yaml.YAMLError as err:
        result.faults.append(_malformed(err))
    except _Stop:
        pass
    finally:
        loader.dispose()
    return result


class _Builder:
    def __init__(self, text: str, result: Parsed) -> None:
        self.text = text
        self.result = result
        self.stack: list[_Frame] = []

    def run(self, get_event: Any) -> None:
        """The hot loop: one branch and one store for each event of a sound file."""
        stack, values = self.stack, _VALUES
        documents = 0
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                text = event.value
                if event.anchor is not None or event.tag is not None:
                    self.special(event)
                if (event.style is not None and event.style != "") or (
                    text and text[0] not in _SPECIAL_FIRST
                ):
                    value = text
                elif text in values:
                    value = values[text]
                else:
                    value = self.plain(event)
                frame = stack[-1] if stack else None
                if frame is not None and frame.key is None and type(frame.items) is dict:
                    self.key(frame, value, event)
                    continue
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self.open(event, {} if kind is MappingStartEvent else [])
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = stack.pop().items
            elif kind is AliasEvent:
                self.special(event)
                continue
            elif kind is StreamEndEvent:
                return
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.fault(
                        event,
                        "HN-M011",
                        "a second document begins here",
                        'keep one document in a file; remove the line "---"',
                    )
                    raise _Stop
                continue
            else:
                continue
            if not stack:
                self.result.data = value
                continue
            frame = stack[-1]
            items: Any = frame.items
            if type(items) is list:
                items.append(value)
            else:
                if frame.keep:
                    items[frame.key] = value
                frame.key = None

    def open(self, event: Any, items: dict[str, Any] | list[Any]) -> None:
        if event.anchor is not None or event.tag is not None:
            self.special(event)
        if self.stack and type(self.stack[-1].items) is dict and self.stack[-1].key is None:
            self.fault(
                event,
                "HN-M009",
                "a mapping or a list is used as a key",
                "write the key as text",
            )
            raise _Stop
        if len(self.stack) == MAX_DEPTH:
            self.fault(
                event,
                "HN-M013",
                f"nested more than {MAX_DEPTH} levels deep",
                "no file of the model needs that; see docs/model.md for its shape",
            )
            raise _Stop
        self.stack.append(_Frame(items))

    def key(self, frame: _Frame, key: Any, event: Any) -> None:
        if type(key) is not str:
            shown = event.value or "nothing"
            self.fault(event, "HN-M022", f"the key {shown} is not text", _quoted(event.value), True)
            key = event.value
        elif key == "<<" and event.style in (None, ""):
            self.fault(event, "HN-M012", 'a merge key "<<"', _NO_SPECIALS)
            raise _Stop
        frame.key = key
        frame.keep = key not in frame.items
        if not frame.keep:
            first = lines(self.text).get((*self.path()[:-1], key), (0, ""))[0]
            self.fault(
                event,
                "HN-M014",
                f'the key "{clip(key)}" is here twice, first in line {first}',
                "keep one of the two",
            )

    def plain(self, event: Any) -> Any:
        """A scalar without quotes whose first letter may make it more than text."""
        text = event.value
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        if text in _BOOLEAN_WORDS:
            self.fault(
                event,
                "HN-M015",
                f"{text} without quotes is a boolean to some readers and text to others",
                f'write "{text}" in quotes for the text, or true or false for a choice',
                scalar=True,
            )
        elif (_ODD_NUMBER.fullmatch(text) and any(c.isdigit() for c in text)) or text in _ODD_WORDS:
            self.fault(
                event,
                "HN-M015",
                f"{clip(text)} without quotes is a number to some readers and text to others"
                if text not in _ODD_WORDS
                else f"{text} without quotes is read differently by different readers",
                f'write "{clip(text)}" in quotes for the text, or a plain decimal number',
                scalar=True,
            )
        return text

    def special(self, event: Any) -> None:
        if type(event) is AliasEvent:
            what = f"an alias *{clip(event.anchor)}"
        elif event.anchor is not None:
            what = f"an anchor &{clip(event.anchor)}"
        else:
            what = f"a tag {clip(event.tag.replace('tag:yaml.org,2002:', '!!'))}"
        self.fault(event, "HN-M012", what, _NO_SPECIALS)
        raise _Stop

    def path(self) -> Path:
        """Where the next value goes."""
        parts: list[str | int] = []
        for frame in self.stack:
            if type(frame.items) is list:
                parts.append(len(frame.items))
            elif frame.key is not None:
                parts.append(frame.key)
        return tuple(parts)

    def fault(self, event: Any, code: str, what: str, remedy: str, scalar: bool = False) -> None:
        """Notes a fault at an event; scalar: it is a plain one, which may be a key."""
        line, path = event.start_mark.line + 1, self.path()
        top = self.stack[-1] if self.stack else None
        if scalar and top is not None and type(top.items) is dict and top.key is None:
            path = (*path, event.value)
        self.result.faults.append(Fault(line, path, code, what, remedy))
        if len(self.result.faults) >= MAX_FAULTS:
            raise _Stop


_NO_SPECIALS = "write the value out; anchors, aliases, merge keys and tags are not used here"
_BOOLEAN_WORDS = frozenset(
    form for word in ("yes", "no", "on", "off", "true", "false", "y", "n")
    for form in (word, word.capitalize(), word.upper())
) - {"true", "false", "y", "n", "Y", "N"}  # fmt: skip
_ODD_WORDS = frozenset({"Null", "NULL", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF",
                        "+.inf", "+.Inf", "+.INF", ".nan", ".NaN", ".NAN"})  # fmt: skip
_VALUES: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_SPECIAL_FIRST = frozenset("-+.0123456789yYnNtTfFoO~")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,8})\.[0-9]{1,9}")
_ODD_NUMBER = re.compile(
    r"[-+]?(0[xob][0-9a-fA-F_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?)"
)


def _quoted(text: str) -> str:
    return f'write it in quotes: "{clip(text)}"' if text else "write the key before the colon"


def _malformed(err: yaml.YAMLError) -> Fault:
    mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
    if any(part in str(getattr(err, "problem", "")) for part in _FOUND_LATE):
        mark = getattr(err, "context_mark", None) or mark
    problem = clip(getattr(err, "problem", None) or getattr(err, "reason", None) or err, 100)
    remedy = next(
        (r for part, r in _REMEDIES if part in problem), "correct the line or the one above"
    )
    return Fault(
        mark.line + 1 if mark else 1, (), "HN-M009", f"this is not YAML: {problem}", remedy
    )


# What the parser notices only lines later: the place to look at is where it began.
_FOUND_LATE = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")
_REMEDIES = (
    (
        "mapping values are not allowed",
        'put a value that holds ": " in quotes, or check the indentation',
    ),
    ("did not find expected key", "indent the keys of one mapping alike, and close every quote"),
    ("could not find expected ':'", 'write "key: value", with a space after the colon'),
    ("found unexpected end of stream", "close the quote or the bracket that is still open"),
    ("did not find expected ',' or", "close the bracket, or put a comma between the entries"),
    ("did not find expected '-' indicator", "indent the entries of one list alike"),
    ("cannot start any token", "put a value that begins with this character in quotes"),
    ("block sequence entries are not allowed", "begin a list in a line of its own, below its key"),
    ("found undefined tag handle", _NO_SPECIALS),
    ("undefined alias", _NO_SPECIALS),
)
