"""Whether a gate passes, by what is known; and which ones keep a later wave from beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.resources import PlannedWave
from infra.state.waves import GateResult

# passed, failed: the last verification said so, after the last change. old: it passed, and
# something was changed since. unseen: no verification said anything. unchecked: no check of this
# toolkit carries it. ahead: its wave has not begun, so there is nothing to see yet.
State = Literal["passed", "failed", "old", "unseen", "unchecked", "ahead"]


@dataclass(frozen=True)
class Gate:
    """A gate as it stands. at: when it was last looked at, "" for never; passed, failed: how many
    checks did; said: the first that failed."""

    name: str
    state: State
    at: str = ""
    passed: int = 0
    failed: int = 0
    said: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.state == "passed"

    @property
    def why(self) -> str:
        """Why it does not pass, in words."""
        if self.state == "unchecked":
            return "no check carries it"
        if self.state == "ahead":
            return "its wave has not begun"
        if self.state == "unseen":
            return "it was never seen passing"
        if self.state == "old":
            return f"it passed at {self.at}, and something was changed since"
        if not self.failed:
            return "none of its checks passed"
        first = self.said[0] if self.said else "a host could not be reached"
        return first if self.failed == 1 else f"{first}; {self.failed - 1:,} more"

    @property
    def shown_by(self) -> str:
        """The command that shows it."""
        return f"hanoi verify --gate {self.name}"


def gate(
    name: str,
    results: Mapping[str, GateResult],
    changed: str,
    carried: frozenset[str] | None = None,
) -> Gate:
    """carried: the gates that checks carry, None where that is not known; changed: since when a
    success counts. A failure counts until it is seen passing, whatever was changed since."""
    result = results.get(name)
    if result is None:
        missing = carried is not None and name not in carried
        return Gate(name, "unchecked" if missing else "unseen")
    state: State = "failed" if not result.ok else "passed" if result.at >= changed else "old"
    return Gate(name, state, result.at, result.passed, result.failed, result.said)


def ahead(seen: Gate) -> Gate:
    """The gate as one of a wave that has not begun: another wave's success is not its own."""
    return seen if seen.state == "unchecked" else Gate(seen.name, "ahead")


def closed(
    waves: Sequence[PlannedWave],
    entered: Iterable[str],
    results: Mapping[str, GateResult],
    changed: str,
    carried: frozenset[str] | None = None,
) -> tuple[tuple[str, Gate], ...]:
    """(wave, gate) of what keeps `waves` from being deployed; nothing where no wave is new.

    Only waves whose rollout has begun are asked: what one run brings together is verified at its
    end (docs/decisions/0015-gates-of-the-roadmap.md).
    """
    begun = set(entered)
    if begun >= {w.id for w in waves}:
        return ()
    found: dict[str, tuple[str, Gate]] = {}
    for wave in waves:
        for name in wave.gates if wave.id in begun else ():
            if not (seen := gate(name, results, changed, carried)).ok:
                found.setdefault(name, (wave.id, seen))
    return tuple(found.values())
