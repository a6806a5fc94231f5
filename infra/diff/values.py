"""Values of the plan and the model in words, and two nouns property by property."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from infra.model.scalars import written_size
from infra.model.schema import Name
from infra.report.content import Property
from infra.resources import Health, Mount, Published

_SIZES = frozenset(
    {"memory", "shm", "storage", "shared_buffers", "max_slot_wal_keep_size", "container_max_size",
     "journal_max", "log_max_size"}
)  # fmt: skip
_SECONDS = frozenset({"stop_timeout", "interval", "timeout", "start_period", "ttl", "loop_wait"})


def shown(name: str, value: Any) -> str | None:
    """A property's value in one line; None for what is not there."""
    if value is None or value in ((), {}):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mount):
        return f"{value.source} at {value.target} ({'read' if value.read_only else 'write'})"
    if isinstance(value, Published):
        return f"{value.address}:{value.host_port} to {value.container_port}"
    if isinstance(value, Name):
        return f"{value.vi} ({value.en})"
    if isinstance(value, BaseModel):
        return _inner((n, getattr(value, n)) for n in type(value).model_fields)
    if is_dataclass(value):
        return _inner((f.name, getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {shown(str(k), v)}" for k, v in value.items())
    if isinstance(value, tuple | list):
        return " ".join(value) if name in _ARGV else ", ".join(_each(name, value))
    if isinstance(value, int) and name == "mode":
        return f"{value:04o}"
    if isinstance(value, int) and name in _SIZES:
        return written_size(value)
    if isinstance(value, int) and name in _SECONDS:
        return f"{value} s"
    return str(value)


_ARGV = frozenset({"command", "gate", "test", "argv", "probe", "validate"})


def _each(name: str, values: Collection[Any]) -> list[str]:
    pairs = all(isinstance(v, tuple) and len(v) == 2 for v in values) and values
    return [f"{v[0]}={v[1]}" if pairs else str(shown(name, v)) for v in values]


def _inner(items: Any) -> str:
    told = ((n, shown(n, v)) for n, v in items if v not in (None, (), {}, False))
    return ", ".join(f"{n} {t}" for n, t in told)


def described(noun: Any) -> dict[str, Any]:
    """A noun's properties by name; a health check's one by one, the rest as they are."""
    if isinstance(noun, BaseModel):
        return {n: getattr(noun, n) for n in type(noun).model_fields}
    found: dict[str, Any] = {}
    for f in fields(noun):
        value = getattr(noun, f.name)
        if isinstance(value, Health):
            found |= {f"health {n}": v for n, v in described(value).items()}
        else:
            found[f.name] = value
    return found


def properties(before: Any, after: Any, skip: Collection[str] = ()) -> tuple[Property, ...]:
    """What differs between two nouns (one may be None), in the order of their fields."""
    old = _told(before)
    new = _told(after)
    names = dict.fromkeys((*old, *new))
    found = (
        Property(n.replace("_", " "), shown(n.removeprefix("health "), old.get(n)),
                 shown(n.removeprefix("health "), new.get(n)))
        for n in names if n not in skip and old.get(n) != new.get(n)
    )  # fmt: skip
    return tuple(p for p in found if (p.before, p.after) != (None, None))


def _told(noun: Any) -> Mapping[str, Any]:
    if noun is None:
        return {}
    return noun if isinstance(noun, Mapping) else described(noun)


def unified(before: str, after: str, context: int = 3) -> str:
    """A unified diff without the two lines of file names; "" for the same text."""
    if before == after:
        return ""
    old, new = before.splitlines(), after.splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm="", n=context))[2:]
    if before.endswith("\n") != after.endswith("\n") and before and after:
        lines.append("\\ the end of the last line differs")
    return "\n".join(lines)


def listed(names: Collection[str], most: int = 4) -> str:
    """ "a, b, c and 5 more"."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
