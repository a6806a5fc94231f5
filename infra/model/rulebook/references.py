"""Whatever names another object names one that exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from infra.model.explain import suggestion
from infra.model.positions import Path
from infra.model.rules import Broken, View, rule
from infra.model.schema import Platform, Strict

PLATFORM = frozenset(Platform.__args__)  # type: ignore[attr-defined]


def _missing(
    owner: Strict, path: Path, name: str, kind: str, known: Collection[str]
) -> Iterator[Broken]:
    if name not in known:
        known = sorted(known)
        shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        remedy = f"{suggestion(name, known)}known: {shown or 'none'}"
        yield Broken(owner, path, f'there is no {kind} "{name}"', remedy)


@rule("HN-M050")
def references_exist(view: View) -> Iterator[Broken]:
    """A name that leads nowhere is a slip, and would surface only while deploying."""
    yield from _of_ministry(view)
    yield from _of_units(view)
    yield from _of_apps(view)
    yield from _of_roadmap(view)


def _of_ministry(view: View) -> Iterator[Broken]:
    if not view.ministry:
        return
    if "site" not in view.unread:
        yield from _missing(view.ministry, ("hub",), view.ministry.hub, "site", view.ids("site"))
    procedures = view.ministry.procedures
    if procedures and procedures.portal and "unit" not in view.unread:
        path, units = ("procedures", "portal"), view.ids("unit")
        yield from _missing(view.ministry, path, procedures.portal, "unit", units)


def _of_units(view: View) -> Iterator[Broken]:
    sites, units, apps = view.ids("site"), view.ids("unit"), view.ids("app")
    for unit in view.units:
        yield from _missing(unit, ("home",), unit.home, "site", sites or {unit.home})
        for app in unit.applications if "app" not in view.unread else ():
            yield from _missing(unit, ("applications", app), app, "application", apps)
        for n, name in enumerate(unit.predecessors if "unit" not in view.unread else ()):
            yield from _missing(unit, ("predecessors", n), name, "unit", units)
        if unit.split_from and "unit" not in view.unread:
            yield from _missing(unit, ("split_from",), unit.split_from, "unit", units)
        for n, host in enumerate(unit.hosts):
            if host.site and sites:
                yield from _missing(unit, ("hosts", n, "site"), host.site, "site", sites)


def _of_apps(view: View) -> Iterator[Broken]:
    apps = view.ids("app")
    shared = {name for app in view.apps for name in app.shares}
    all_read = len(view.apps) == len(apps)
    for app in view.apps:
        for n, name in enumerate(app.needs):
            kind = "platform part or application"
            yield from _missing(app, ("needs", n), name, kind, PLATFORM | apps)
        for n, name in enumerate(app.uses if all_read else ()):
            yield from _missing(app, ("uses", n), name, "shared data set", shared)


def _of_roadmap(view: View) -> Iterator[Broken]:
    if not view.roadmap:
        return
    roadmap, units, apps = view.roadmap, view.ids("unit"), view.ids("app")
    groups: set[str] | None = None
    if view.ministry:
        listed = view.ministry.procedures.groups if view.ministry.procedures else ()
        groups = {g.id for g in listed}
    for n, wave in enumerate(roadmap.waves):
        if "unit" not in view.unread:
            yield from _missing(roadmap, ("waves", n, "owner"), wave.owner, "unit", units)
        for m, entry in enumerate(wave.applications):
            at: Path = ("waves", n, "applications", m)
            if "app" not in view.unread:
                yield from _missing(roadmap, (*at, "app"), entry.app, "application", apps)
            listed_units = () if entry.units == "all" or "unit" in view.unread else entry.units
            for i, name in enumerate(listed_units):
                yield from _missing(roadmap, (*at, "units", i), name, "unit", units)
            for i, name in enumerate(entry.groups if groups is not None else ()):
                known = groups or set()
                yield from _missing(roadmap, (*at, "groups", i), name, "group of procedures", known)


@rule("HN-M051")
def current_wave_exists(view: View) -> Iterator[Broken]:
    """Deploy goes as far as the current wave."""
    if view.roadmap:
        waves = [w.id for w in view.roadmap.waves]
        yield from _missing(view.roadmap, ("current",), view.roadmap.current, "wave", waves)
