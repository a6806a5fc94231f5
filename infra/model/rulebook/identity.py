"""Every thing has one id, one address and one host name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from infra.model.positions import Path
from infra.model.rules import Broken, View, rule
from infra.model.schema import EVERYTHING, Central, Ministry, Strict, Unit

Entry = tuple[Any, Strict, Path, str]  # value, owner of the file, path in it, what it is


def _twice(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Each entry whose value was there before, with the first that has it."""
    first: dict[Any, Entry] = {}
    for entry in entries:
        if entry[0] in first:
            yield entry, first[entry[0]]
        else:
            first[entry[0]] = entry


@rule("HN-M030")
def host_ids_are_unique(view: View) -> Iterator[Broken]:
    """Hosts, sites and units share one namespace: inventory groups and hosts must not clash."""
    entries: list[Entry] = [(s.id, s, ("id",), f"the site {s.id}") for s in view.sites]
    entries += [(u.id, u, ("id",), f"the unit {u.id}") for u in view.units]
    entries += [
        (h.id, owner, (*path, "id"), f"a host of {owner.id}") for owner, path, h in view.hosts()
    ]
    for (value, owner, path, _), (*_, first) in _twice(entries):
        what = f'the id "{value}" is taken by {first}'
        yield Broken(owner, path, what, "give one of them another id")


@rule("HN-M031")
def addresses_are_unique(view: View) -> Iterator[Broken]:
    """Two hosts with one address would be configured over each other."""
    entries = [(h.address, o, (*p, "address"), f"the host {h.id}") for o, p, h in view.hosts()]
    for (value, owner, path, _), (*_, first) in _twice(entries):
        yield Broken(owner, path, f"the address {value} is that of {first}", "give it its own")


@rule("HN-M032")
def operators_are_unique(view: View) -> Iterator[Broken]:
    """An operator's id is an account on hosts; the same id twice would merge two people."""
    owners: list[Ministry | Unit] = [*([view.ministry] if view.ministry else []), *view.units]
    entries = [
        (person.id, owner, ("operators", n, "id"), f"an operator of {owner.id}")
        for owner in owners
        for n, person in enumerate(owner.operators)
    ]
    for (value, owner, path, _), (*_, first) in _twice(entries):
        yield Broken(owner, path, f'the id "{value}" is taken by {first}', "give it another id")


@rule("HN-M033")
def host_names_are_unique(view: View) -> Iterator[Broken]:
    """The gateway tells units apart by host name: <application>-<label>.<domain>."""
    apps = [a.id for a in view.apps] or ["*"]
    entries = [
        (f"{app}-{label}", unit, path, unit.id)
        for unit in view.units
        for label, path in [(unit.host_label, ("label",) if unit.label else ("id",))]
        for app in apps
    ]
    seen: set[tuple[str, str]] = set()
    for (value, unit, path, name), (*_, first) in _twice(entries):
        if (name, first) not in seen:
            seen.add((name, first))
            what = f'the host name "{value}" would be that of the unit {first} too'
            yield Broken(unit, path, what, "give one of the two units another label")


@rule("HN-M034")
def lists_have_no_entry_twice(view: View) -> Iterator[Broken]:
    """An entry that stands twice in a list is a slip, and one of the two is lost."""
    for owner, path, values in _lists(view):
        for index, value in enumerate(values):
            if value in values[:index]:
                what = f'"{value}" is in this list twice'
                yield Broken(owner, (*path, index), what, "remove one of the two")


def _lists(view: View) -> Iterator[tuple[Strict, Path, list[Any]]]:
    if view.ministry:
        yield view.ministry, ("management_networks",), list(view.ministry.management_networks)
        yield view.ministry, ("user_networks",), list(view.ministry.user_networks)
        yield view.ministry, ("time_servers",), list(view.ministry.time_servers)
        if view.ministry.procedures:
            groups = [g.id for g in view.ministry.procedures.groups]
            yield view.ministry, ("procedures", "groups"), groups
    for owner, path, host in view.hosts():
        yield owner, (*path, "roles"), list(host.roles)
    for unit in view.units:
        yield unit, ("predecessors",), list(unit.predecessors)
        yield unit, ("former_labels",), list(unit.former_labels)
        for source, apps in unit.records.items():
            for name, stated in apps.items():
                if stated.carry != EVERYTHING:
                    yield unit, ("records", source, name, "carry"), list(stated.carry)
                yield unit, ("records", source, name, "same"), list(stated.same)
    for app in view.apps:
        for key in ("modules", "needs", "shares", "uses"):
            yield app, (key,), list(getattr(app, key))
    if view.roadmap:
        yield view.roadmap, ("waves",), [w.id for w in view.roadmap.waves]
        for n, wave in enumerate(view.roadmap.waves):
            yield view.roadmap, ("waves", n, "platform"), list(wave.platform)
            for m, entry in enumerate(wave.applications):
                if entry.units != "all":
                    path = ("waves", n, "applications", m, "units")
                    yield view.roadmap, path, list(entry.units)


@rule("HN-M035")
def predecessors_lead_back_in_time(view: View) -> Iterator[Broken]:
    """Chains of predecessors lead back in time, so none comes back to where it began."""
    before = {
        u.id: (*u.predecessors, *([u.split_from] if u.split_from else ())) for u in view.units
    }
    for unit in view.units:
        if loop := _loop(unit.id, before):
            what = f"the unit is its own predecessor: {' <- '.join(loop)}"
            key = "predecessors" if loop[1] in unit.predecessors else "split_from"
            yield Broken(unit, (key,), what, "name only units that came before it")


@rule("HN-M036")
def applications_do_not_need_each_other(view: View) -> Iterator[Broken]:
    """Of two applications that need each other, neither could come first."""
    needs = {a.id: a.needs for a in view.apps}
    for app in view.apps:
        if loop := _loop(app.id, needs):
            what = f"the application needs itself: {' <- '.join(loop)}"
            yield Broken(app, ("needs",), what, "remove one need of the circle")


def _loop(start: str, links: dict[str, tuple[str, ...]]) -> list[str]:
    """A way from start back to start, or nothing; without recursion."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for following in links.get(way[-1], ()):
            if following == start:
                return [*way, start]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


@rule("HN-M037")
def a_name_of_a_host_fits_in_dns(view: View) -> Iterator[Broken]:
    """A part of a host name has 63 characters at most (RFC 1035)."""
    used = {
        name for u in view.units for name, c in u.applications.items() if isinstance(c, Central)
    }
    for unit in view.units:
        for app in sorted(used):
            name = f"{app}-{unit.host_label}"
            if len(name) > 63:
                path: Path = ("label",) if unit.label else ("id",)
                what = f'the host name "{name}" has {len(name)} characters; 63 are possible'
                yield Broken(unit, path, what, "give the unit a shorter label")
                break
