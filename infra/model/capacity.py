"""What would help a host that is asked for more than it has: who could move, and where to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.model.placement import carrier
from infra.model.rules import View, demand
from infra.model.schema import App, Host, SelfHosted, Site, Unit, UnitHost


def ways_out(view: View, host: Host, resource: str) -> str:
    """What would help a host that is asked for too much, as the end of a remedy.

    resource: "memory" or "cpus". Names an instance that can move and hosts with room for it; where
    none has room, what each has left.
    """
    excess = getattr(demand(view, host), resource) - getattr(host, resource)
    movable = sorted(_movable(view, host, resource), key=lambda m: (m[0] < excess, -m[0]))
    if not movable:
        return "or place less on it"
    for need, unit, app in movable:
        room = [o for o in _others(view, unit, host, resource) if o[0] >= need]
        if room:
            left, there, owner = max(room, key=lambda o: o[0])
            return (
                f"or move {app} of {unit.id} ({_told(need, resource)}) to {there.id} of {owner},"
                f" which has {_told(left, resource)} left"
            )
    _, unit, app = movable[0]
    rest = ", ".join(
        f"{h.id} of {o} {_told(left, resource)}"
        for left, h, o in list(_others(view, unit, host, resource))[:8]
    )
    if rest:
        return f"or place less on it; no other host has room for {app} of {unit.id}: {rest} left"
    if isinstance(host, UnitHost):
        return f"or place less on it, such as {app} with mode: central"
    return "or place less on it; there is no other host that could carry it"


def _told(size: float, resource: str) -> str:
    return f"{size:g} cpus" if resource == "cpus" else f"{size / 2**20:g} MiB"


def _movable(view: View, host: Host, resource: str) -> Iterator[tuple[float, Unit, str]]:
    """(size, unit, application) of the instances on a host that could be on another."""
    apps = {a.id: a for a in view.apps if a.service and a.resources}
    for unit in view.units:
        for name, choice in () if unit.closed else unit.applications.items():
            app = apps.get(name)
            if app and _is_own(app, choice) and carrier(view.sites, unit, choice) is host:
                yield getattr(app.resources, resource), unit, name


def _is_own(app: App, choice: object) -> bool:
    return isinstance(choice, SelfHosted) or app.serves == "one-unit"


def _others(view: View, unit: Unit, host: Host, resource: str) -> Iterator[tuple[float, Host, str]]:
    """(what is left, host, its owner) of the hosts that could carry instead."""
    owners: Sequence[Site | Unit] = (unit,) if isinstance(host, UnitHost) else view.sites
    for owner in owners:
        for other in owner.hosts:
            if other is not host and "applications" in other.roles:
                left = getattr(other, resource) - getattr(demand(view, other), resource)
                yield max(left, 0), other, owner.id
