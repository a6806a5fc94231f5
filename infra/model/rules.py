"""The rules between objects: registry, what a rule sees, and what a host is asked to carry.

A rule is a generator registered with its code; it lives in rulebook/, its docstring is its
reason. It gets a View, in which files with faults of their own are absent, and yields a
Finding for each place that breaks it. A rule that would be wrong about an incomplete model
is registered with whole=True and runs only when every file is sound.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from infra.model.placement import carrier
from infra.model.positions import Path
from infra.model.schema import (
    App,
    Central,
    Host,
    Ministry,
    Model,
    Roadmap,
    Site,
    Strict,
    Unit,
    UnitHost,
)


@dataclass(frozen=True)
class View:
    """The model as far as it could be read. known: (kind, id) of all files, faulty ones too;
    unread: kinds of which nothing is known, because their folder could not be read.
    """

    ministry: Ministry | None
    roadmap: Roadmap | None
    sites: tuple[Site, ...]
    units: tuple[Unit, ...]
    apps: tuple[App, ...]
    known: frozenset[tuple[str, str]]
    unread: frozenset[str]
    complete: bool

    def ids(self, kind: str) -> set[str]:
        return {name for k, name in self.known if k == kind}

    def hosts(self) -> Iterator[tuple[Site | Unit, Path, Host]]:
        """Every host of sites and units with its owner and its path in the owner's file."""
        owners: tuple[Site | Unit, ...] = (*self.sites, *self.units)
        for owner in owners:
            for index, host in enumerate(owner.hosts):
                yield owner, ("hosts", index), host


@dataclass(frozen=True)
class Broken:
    """What a rule yields: the object in whose file it stands, where, the fact, the remedy."""

    owner: Strict
    path: Path
    what: str
    remedy: str


@dataclass(frozen=True)
class Finding(Broken):
    code: str


Rule = Callable[[View], Iterator[Broken]]
RULES: dict[str, tuple[Rule, bool]] = {}


def rule(code: str, whole: bool = False) -> Callable[[Rule], Rule]:
    """Registers a rule under its stable code."""

    def register(function: Rule) -> Rule:
        if code in RULES:
            raise ValueError(f"{code} is registered twice")
        RULES[code] = (function, whole)
        return function

    return register


@cache
def _rulebook() -> dict[str, tuple[Rule, bool]]:
    from infra.model import rulebook

    for module in pkgutil.iter_modules(rulebook.__path__):
        importlib.import_module(f"{rulebook.__name__}.{module.name}")
    return RULES


def findings(view: View) -> Iterator[Finding]:
    """Everything that the rules find, in order of their codes."""
    for code, (function, whole) in sorted(_rulebook().items()):
        if whole and not view.complete:
            continue
        for broken in function(view):
            yield Finding(broken.owner, broken.path, broken.what, broken.remedy, code)


@dataclass(frozen=True)
class Demand:
    """What the stack places on one host: memory in bytes, cpus, and the parts of the memory."""

    memory: int
    cpus: float
    parts: tuple[tuple[str, int], ...]


def demand(model: Model | View, host: Host) -> Demand:
    """What the whole roadmap asks of `host`, by the numbers of the model itself.

    The database's memory where the host has that role; each application that the toolkit can
    run (it has a service): on a unit's own host where the unit chose it; an application with an
    instance per unit on the site's host that carries the unit's (placement.py); any other once on
    every site's host with the role applications.
    """
    parts: list[tuple[str, int]] = []
    cpus = 0.0
    if "database" in host.roles and model.ministry is not None:
        parts.append(("database", model.ministry.database.memory))
    for app in model.apps:
        count = instances(model, app, host)
        if app.service and app.resources and count:
            parts.append((app.id, app.resources.memory * count))
            cpus += app.resources.cpus * count
    return Demand(sum(size for _, size in parts), cpus, tuple(parts))


def instances(model: Model | View, app: App, host: Host) -> int:
    """How many of the application's the whole roadmap places on the host."""
    chosen = _choices(model.sites, model.units)
    if isinstance(host, UnitHost):
        return chosen[app.id, host.id]
    if "applications" not in host.roles:
        return 0
    if app.serves == "one-unit":
        return chosen[app.id, host.id]
    return min(chosen[app.id, None], 1)


_Chosen = Counter[tuple[str, str | None]]
_counted: list[tuple[tuple[Site, ...], tuple[Unit, ...], _Chosen]] = []


def _choices(sites: tuple[Site, ...], units: tuple[Unit, ...]) -> _Chosen:
    """(application, host) → open units whose own instance that host carries or would carry;
    (application, None) → open units that have it centrally.

    Kept for the units asked about last, told by identity: every host asks for each application.
    """
    for there, known, counts in _counted:
        if known is units and there is sites:
            return counts
    found: _Chosen = Counter()
    for unit in units:
        for app, choice in () if unit.closed else unit.applications.items():
            if host := carrier(sites, unit, choice):
                found[app, host.id] += 1
            if isinstance(choice, Central):
                found[app, None] += 1
    _counted[:] = [(sites, units, found), *_counted[:3]]
    return found
