"""Which units, applications and sites a change concerns, and how, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from infra.diff.side import Side
from infra.diff.values import listed
from infra.model.schema import Name
from infra.report.content import OPERATIONS, Change, Touched

Kind = Literal["unit", "application", "site"]
_DONE = {
    "delete": "removed", "replace": "replaced", "create": "created", "restart": "restarted",
    "reload": "reloaded", "update": "changed", "rename": "renamed",
}  # fmt: skip
_DESCRIBED = {"create": "new", "delete": "no longer described", "rename": "renamed"}
_PLURALS = {"opening": "openings in the firewall", "login": "logins"}


def touched(before: Side, after: Side, changes: Sequence[Change]) -> tuple[Touched, ...]:
    """Sorted by kind and id; each with what happens to it, without doubles."""
    names = _names(before, after)
    found: dict[tuple[Kind, str], dict[str, None]] = {}
    for kind, key, how in (*_of_units(changes), *_of_applications(changes), *_of_sites(changes)):
        found.setdefault((kind, key), {})[how] = None
    return tuple(
        Touched(kind, key, *names.get((kind, key), (key, key)), tuple(found[kind, key]))
        for kind, key in sorted(found)
    )


def _names(before: Side, after: Side) -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for model in (before.model, after.model):
        if model is None:
            continue
        groups: tuple[tuple[str, Sequence[object]], ...] = (
            ("unit", model.units),
            ("application", model.apps),
            ("site", model.sites),
        )
        for kind, objects in groups:
            for o in objects:
                name: Name = o.name  # type: ignore[attr-defined]
                found[kind, str(o.id)] = (name.vi, name.en)  # type: ignore[attr-defined]
    return found


def _of_units(changes: Sequence[Change]) -> Iterator[tuple[Kind, str, str]]:
    for c in changes:
        for unit in c.units:
            if c.kind == "unit":
                yield from (("unit", unit, how) for how in _described(c))
            elif c.kind == "host":
                yield "unit", unit, f"its host {c.name}: {_DONE[c.operation]} in the description"
            elif c.kind == "page":
                yield "unit", unit, _page(c)
            elif c.kind == "database":
                yield "unit", unit, f"its database {c.name}: {_DONE[c.operation]}"
            elif c.kind == "wave":
                yield "unit", unit, f"its place in the wave {c.name} changes"
            elif c.kind == "one-off":
                yield "unit", unit, f"{c.name}: {c.why}"


def _described(change: Change) -> Iterator[str]:
    """What the description says now; a new unit's only in short."""
    if change.operation in _DESCRIBED:
        yield _DESCRIBED[change.operation] + (f": {change.why}" if change.why else "")
    elif change.why:
        yield change.why
    if change.operation in ("update", "rename"):
        for p in change.properties:
            yield f"{p.name}: {p.before or 'none'} → {p.after or 'none'}"


def _page(change: Change) -> str:
    address = next((p for p in change.properties if p.name == "address"), None)
    if change.operation == "rename" and address:
        return f"its address: {address.before} → {address.after}"
    if change.operation == "delete":
        return f"{', '.join(change.applications)} is no longer served at {change.name}"
    served = f"{', '.join(change.applications)} at {change.name}"
    return f"{served}: {'served' if change.operation == 'create' else 'its answer changes'}"


def _of_applications(changes: Sequence[Change]) -> Iterator[tuple[Kind, str, str]]:
    moved: dict[tuple[str, str, str], list[str]] = {}
    counted: dict[tuple[str, str, str], int] = {}
    for c in changes:
        for app in c.applications:
            if c.kind == "application":
                yield from (("application", app, how) for how in _described(c))
            elif c.kind == "container":
                moved.setdefault((app, c.name, c.operation), []).append(c.host)
            elif c.kind in ("database", "page", "one-off"):
                key = (app, c.kind, c.operation)
                counted[key] = counted.get(key, 0) + 1
    for (app, name, operation), hosts in moved.items():
        yield "application", app, f"container {name} {_DONE[operation]} on {listed(hosts)}"
    for (app, kind, operation), number in counted.items():
        noun = kind if number == 1 else f"{kind}s"
        yield "application", app, f"{number} {noun} {_DONE[operation]}"


def _of_sites(changes: Sequence[Change]) -> Iterator[tuple[Kind, str, str]]:
    """Containers by name, the rest counted, host by host."""
    for c in changes:
        if c.kind == "site":
            yield from (("site", c.name, how) for how in _described(c))
        elif c.kind == "host" and c.site:
            yield "site", c.site, f"host {c.name}: {_DONE[c.operation]} in the description"
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for c in changes:
        if c.site and c.kind not in ("site", "host"):
            grouped.setdefault((c.site, c.host, c.kind, c.operation), []).append(c.name)
    order = list(OPERATIONS)
    for (site, host, kind, operation), names in sorted(
        grouped.items(),
        key=lambda i: (i[0][:2], i[0][2] != "container", i[0][2], order.index(i[0][3])),  # type: ignore[arg-type]
    ):
        if kind == "container":
            yield "site", site, f"{host}: {', '.join(names)} {_DONE[operation]}"
        else:
            noun = kind if len(names) == 1 else _PLURALS.get(kind, f"{kind}s")
            yield "site", site, f"{host}: {len(names)} {noun} {_DONE[operation]}"
