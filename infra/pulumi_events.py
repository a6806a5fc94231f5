"""Pulumi's events of one run: what changes is said and counted, what would change is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi import automation

Say = Callable[[str], None]


@dataclass(frozen=True)
class Previewed:
    """What Pulumi would do to one stack: resource name → its operations ("same" left out), and
    the properties it says differ."""

    host: str
    operations: Mapping[str, tuple[str, ...]]
    differences: Mapping[str, tuple[str, ...]]


class Events:
    """Pulumi's events of one run: what changes is said, what was done is counted."""

    def __init__(self, host_id: str, say: Say) -> None:
        self.counts: dict[str, int] = {}
        self._host = host_id
        self._say = say

    def __call__(self, event: automation.EngineEvent) -> None:
        if event.summary_event is not None:
            changes = event.summary_event.resource_changes or {}
            self.counts = {_name(operation): count for operation, count in changes.items()}
        if event.resource_pre_event is None:
            return
        change = event.resource_pre_event.metadata
        name = change.urn.rsplit("::", 1)[-1]
        if _name(change.op) != "same" and "/" in name:
            why = f" ({', '.join(sorted(change.diffs))})" if change.diffs else ""
            self._say(f"{self._host}: {name.replace('/', ' ')}: {_name(change.op)}{why}")


class Steps:
    """Pulumi's events of a preview, by resource."""

    def __init__(self) -> None:
        self._operations: dict[str, tuple[str, ...]] = {}
        self._differences: dict[str, tuple[str, ...]] = {}

    def __call__(self, event: automation.EngineEvent) -> None:
        if event.resource_pre_event is None:
            return
        change = event.resource_pre_event.metadata
        name, operation = change.urn.rsplit("::", 1)[-1], _name(change.op)
        if operation == "same" or "/" not in name:
            return
        self._operations[name] = (*self._operations.get(name, ()), operation)
        if change.diffs:
            self._differences[name] = tuple(sorted(change.diffs))

    def previewed(self, host: str) -> Previewed:
        return Previewed(host, self._operations, self._differences)


def _name(operation: Any) -> str:
    return str(getattr(operation, "value", operation))
