"""Detectors: small functions, each comparing one noun of a host with the plan."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from infra.facts import Look
from infra.live.known import Known
from infra.report.content import Operation, Property
from infra.resources import HostPlan, Plan

DEPLOY = "hanoi deploy puts it back"


@dataclass(frozen=True)
class Drifted:
    """One thing that differs.

    kind, name, operation, properties, diff: as in a report's Change (before: the plan, after:
    the host); what: the fact in words; remedy: what to do; danger: it opens something, or a
    deploy does not see it; words: what a command that did this would have named; when: seconds
    since the epoch of the change, where the thing itself tells; by: who, where it tells that.
    """

    kind: str
    name: str
    operation: Operation
    what: str
    remedy: str = DEPLOY
    danger: bool = False
    properties: tuple[Property, ...] = ()
    diff: str = ""
    words: tuple[str, ...] = ()
    when: float | None = None
    by: str = ""


@dataclass(frozen=True)
class Seen:
    """One host: what is planned, and what was seen there. answers: onhost module → its answer;
    tags: image name → content tag; clock: how far the host's clock is off, in seconds;
    inside: what differs in the database, in the database program's words."""

    plan: Plan
    host: HostPlan
    look: Look
    answers: Mapping[str, Any]
    secrets: Known
    tags: Mapping[str, str]
    clock: float = 0.0
    inside: tuple[str, ...] = ()
    oneoffs: tuple[str, ...] = field(default=())

    @property
    def since(self) -> float:
        """When the toolkit came to the host; what is older is no drift."""
        return float((self.answers.get("directories") or {}).get("since", 0.0))


Find = Callable[[Seen], Iterable[Drifted]]


@dataclass(frozen=True)
class Detector:
    """id: stable, for schedulers; needs: the onhost module whose answer it reads ("" for the
    look alone); everywhere: it concerns the ministry, not the host that it was seen on."""

    id: str
    needs: str
    title: str
    find: Find
    severity: Literal["danger", "note"]
    everywhere: bool


_detectors: dict[str, Detector] = {}


def detector(
    id: str, *, needs: str = "", danger: bool = False, everywhere: bool = False
) -> Callable[[Find], Find]:
    """Register a detector. Its docstring's first line says what it finds."""

    def register(find: Find) -> Find:
        title = (find.__doc__ or "").strip().splitlines()[0].rstrip(".")
        severity: Literal["danger", "note"] = "danger" if danger else "note"
        _detectors[id] = Detector(id, needs, title, find, severity, everywhere)
        return find

    return register


@lru_cache(maxsize=1)
def detectors() -> tuple[Detector, ...]:
    """All of them, sorted by id; every module of this package is imported."""
    package = importlib.import_module("infra.live.drift")
    for info in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{info.name}")
    return tuple(_detectors[i] for i in sorted(_detectors))


def stamp(events: Iterable[Mapping[str, Any]], name: str, *actions: str) -> float | None:
    """When the engine last told of such an action on the thing."""
    times = [e["when"] for e in events if e["name"] == name and e["action"] in actions]
    return max(times, default=None)
