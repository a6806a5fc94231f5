"""Model × Model: what changes in the description itself, by ids that renames do not touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from infra.diff.values import properties
from infra.model.schema import App, Central, External, Model, SelfHosted, Site, Unit, Wave
from infra.report.content import Change, Property

_RENAME = frozenset({"name", "label"})


def changes(before: Model, after: Model) -> Iterator[Change]:
    """Ministry, sites with their hosts, units with theirs, applications, waves."""
    yield from _ministry(before, after)
    yield from _sites(before, after)
    yield from _units(before, after)
    yield from _apps(before.apps, after.apps)
    yield from _waves(before, after)


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Objects of the same id beside each other (None where there is none); only what differs."""
    before, after = {o.id: o for o in old}, {n.id: n for n in new}
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        if was is not now and was != now:
            yield was, now


def _operation(was: object, now: object) -> Any:
    return "create" if was is None else "delete" if now is None else "update"


def _ministry(before: Model, after: Model) -> Iterator[Change]:
    was, now = before.ministry, after.ministry
    if was == now:
        return
    nested = ("ssh", "database", "logs", "operators")
    found = list(properties(was, now, nested))
    for name in nested[:3]:
        inner = properties(getattr(was, name), getattr(now, name))
        found += [Property(f"{name} {p.name}", p.before, p.after) for p in inner]
    for old, new in _pairs(was.operators, now.operators):
        found.append(_operator(old, new))
    operation = "rename" if {p.name for p in found} == {"name"} else "update"
    yield Change("ministry", now.id, operation, properties=tuple(found))  # type: ignore[arg-type]


def _operator(old: Any, new: Any) -> Property:
    """An operator by name and number of keys; the keys are in the rendered files."""

    def told(who: Any) -> str | None:
        return f"{who.name}, {len(who.keys)} keys" if who else None

    before, after = told(old), told(new)
    if before == after:
        before, after = f"{before} (as before)", f"{after} (other keys)"
    return Property(f"operator {(old or new).id}", before, after)


def _sites(before: Model, after: Model) -> Iterator[Change]:
    for was, now in _pairs(before.sites, after.sites):
        site: Site = now or was
        shown = properties(was, now, ("id", "hosts"))
        if shown or was is None or now is None:
            only_name = bool(was and now) and {p.name for p in shown} == {"name"}
            yield Change(
                "site", site.id, "rename" if only_name else _operation(was, now),
                site=site.id, properties=shown,
            )  # fmt: skip
        yield from _hosts(was.hosts if was else (), now.hosts if now else (), site.id)


def _hosts(
    old: Sequence[Any], new: Sequence[Any], site: str, units: tuple[str, ...] = ()
) -> Iterator[Change]:
    for was, now in _pairs(old, new):
        host = now or was
        yield Change(
            "host", host.id, _operation(was, now), host.id, site,
            properties=properties(was, now, ("id",)), units=units,
        )  # fmt: skip


def _units(before: Model, after: Model) -> Iterator[Change]:
    heirs: dict[str, list[str]] = {}
    for unit in after.units:
        for old in unit.predecessors:
            heirs.setdefault(old, []).append(unit.id)
    for was, now in _pairs(before.units, after.units):
        unit = now or was
        shown = _unit_properties(was, now)
        touched = {p.name for p in shown}
        renamed = bool(was and now and touched) and touched <= _RENAME
        if shown or was is None or now is None:
            yield Change(
                "unit",
                unit.id,
                "rename" if renamed else _operation(was, now),
                why=_why(was, now, heirs),
                properties=shown,
                units=(unit.id,),
                applications=_changed_apps(was, now),
            )
        hosts = (was.hosts if was else (), now.hosts if now else ())
        yield from _hosts(*hosts, "", (unit.id,))


def _unit_properties(was: Unit | None, now: Unit | None) -> tuple[Property, ...]:
    found = list(properties(was, now, ("id", "hosts", "applications", "operators")))
    for app in _changed_apps(was, now):
        old = was.applications.get(app) if was else None
        new = now.applications.get(app) if now else None
        found.append(Property(app, mode(old), mode(new)))
    for old, new in _pairs(was.operators if was else (), now.operators if now else ()):
        found.append(_operator(old, new))
    return tuple(found)


def _changed_apps(was: Unit | None, now: Unit | None) -> tuple[str, ...]:
    old, new = (u.applications if u else {} for u in (was, now))
    return tuple(a for a in dict.fromkeys((*old, *new)) if old.get(a) != new.get(a))


def mode(choice: Central | SelfHosted | External | None) -> str | None:
    """A unit's choice in words."""
    if isinstance(choice, SelfHosted):
        kept = choice.backup
        backup = (
            f", backup daily at {kept.at} to {kept.directory}, {kept.keep} copies"
            if kept
            else ", no backup stated"
        )
        return f"self-hosted on {choice.host}{backup}"
    if isinstance(choice, External):
        return f"external at {choice.endpoint}"
    if choice is None:
        return None
    return f"central on {choice.host}" if choice.host else "central"


def _why(was: Unit | None, now: Unit | None, heirs: dict[str, list[str]]) -> str:
    if now and now.predecessors and (was is None or was.predecessors != now.predecessors):
        return f"it follows {', '.join(now.predecessors)}"
    if now and now.closed and not (was and was.closed):
        later = heirs.get(now.id)
        told = f", followed by {', '.join(later)}" if later else ""
        return f"it is closed on {now.closed}{told}"
    return ""


def _apps(old: Sequence[App], new: Sequence[App]) -> Iterator[Change]:
    for was, now in _pairs(old, new):
        app = now or was
        shown = properties(was, now, ("id",))
        only_name = bool(was and now) and {p.name for p in shown} == {"name"}
        yield Change(
            "application", app.id, "rename" if only_name else _operation(was, now),
            properties=shown, applications=(app.id,),
        )  # fmt: skip


def _waves(before: Model, after: Model) -> Iterator[Change]:
    old, new = before.roadmap, after.roadmap
    if old == new:
        return
    if old.current != new.current:
        yield Change(
            "wave", new.current, "update", why="the roadmap goes on as far as here",
            properties=(Property("current wave", old.current, new.current),),
        )  # fmt: skip
    order = [w.id for w in old.waves], [w.id for w in new.waves]
    moved = _moved(*order)
    for was, now in _pairs_of_waves(old.waves, new.waves, moved):
        wave: Wave = now or was
        shown = properties(was, now, ("id",))
        if was and now and wave.id in moved:
            place = Property("place", *(str(o.index(wave.id) + 1) for o in order))
            shown = (place, *shown)
        apps = dict.fromkeys(a.app for w in (was, now) if w for a in w.applications)
        units = _wave_units(was, now)
        yield Change("wave", wave.id, _operation(was, now), properties=shown,
                     units=units, applications=tuple(apps))  # fmt: skip


def _pairs_of_waves(
    old: Sequence[Wave], new: Sequence[Wave], moved: set[str]
) -> Iterator[tuple[Any, Any]]:
    yield from _pairs(old, new)
    before = {w.id: w for w in old}
    yield from ((before[w.id], w) for w in new if w.id in moved and before[w.id] == w)


def _moved(old: list[str], new: list[str]) -> set[str]:
    """Waves that stand elsewhere among those that both roadmaps have: the fewest that explain
    the order, of which the later ones stay."""
    kept_old = [w for w in old if w in new]
    kept_new = [w for w in new if w in old]
    if kept_old == kept_new:
        return set()
    chains: list[list[str]] = []
    for wave in kept_new:
        place = kept_old.index(wave)
        before = [c for c in chains if kept_old.index(c[-1]) < place] or [[]]
        chains.append([*_longest(before), wave])
    return set(kept_old) - set(_longest(chains))


def _longest(chains: list[list[str]]) -> list[str]:
    return sorted(chains, key=len)[-1]


def _wave_units(was: Wave | None, now: Wave | None) -> tuple[str, ...]:
    """Units that a wave gains or loses by name."""

    def named(wave: Wave | None) -> set[str]:
        entries = wave.applications if wave else ()
        return {u for a in entries if a.units != "all" for u in a.units}

    return tuple(sorted(named(was) ^ named(now)))
