"""Where things stand in a text: the second pass, which only a file with a problem costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

MAX_DEPTH = 16  # the deepest file of the schema needs 7
Path = tuple[str | int, ...]
Lines = dict[Path, tuple[int, str]]


def lines(text: str) -> Lines:
    """Every path of a text with its line (a value's is its key's) and its scalar as written.

    Of a key that is there twice, the first counts. Stops where parse would.
    """
    found: Lines = {}
    stack: list[list[Any]] = []  # [path, next index or None for a mapping, key, key's line]
    loader = yaml.CSafeLoader(text)
    next_event: Callable[[], Any] = loader.get_event
    try:
        while type(event := next_event()) is not StreamEndEvent:
            kind = type(event)
            if kind in (MappingEndEvent, SequenceEndEvent):
                stack.pop()
            elif kind in (ScalarEvent, MappingStartEvent, SequenceStartEvent):
                line, written = event.start_mark.line + 1, getattr(event, "value", "")
                if stack and stack[-1][1] is None and stack[-1][2] is None:
                    stack[-1][2:] = [written, line]
                    continue
                path: Path = ()
                if stack:
                    top = stack[-1]
                    if top[1] is None:
                        path, line, top[2] = (*top[0], top[2]), top[3], None
                    else:
                        path, top[1] = (*top[0], top[1]), top[1] + 1
                found.setdefault(path, (line, written))
                if kind is not ScalarEvent:
                    if len(stack) == MAX_DEPTH:
                        break
                    stack.append([path, None if kind is MappingStartEvent else 0, None, 0])
            elif kind is DocumentEndEvent or kind is AliasEvent:
                break
    except yaml.YAMLError:
        pass  # parse reports it; the lines up to there are good
    finally:
        loader.dispose()
    return found


def clip(value: object, width: int = 60) -> str:
    """A value as it may stand in a message: one line, not too long, printable."""
    text = str(value)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= width else text[: width - 3] + "..."
