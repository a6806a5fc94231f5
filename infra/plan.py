"""Model → Plan: a pure function. Same model, same plan, byte for byte.

No I/O but the toolkit's own templates, no secrets, no clock, no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from infra.errors import Exit, error
from infra.model.schema import EVERYTHING, External, Host, Model, Site
from infra.placement import Home, Homes, Place, Places, placements
from infra.resources import Copies, HostPlan, Opening, Parts, Plan, PlannedWave, SitePlan, Transfer
from infra.services import Context, HostContext, Registered, Scope, registered
from infra.services.per_unit import database_name


def plan(model: Model, through: str | None = None, homes: Homes | None = None) -> Plan:
    """The plan of everything up to and including wave `through` (default: the current one).

    homes: where the data of units' applications is now, where that is known (see
    infra.placement). Raises HanoiError HN-P001 for an unknown wave.
    """
    waves = [w.id for w in model.roadmap.waves]
    if through is not None and through not in waves:
        raise error(
            "HN-P001",
            f"wave {through}",
            "the roadmap has no such wave",
            f"choose one of: {', '.join(waves)}",
            Exit.USAGE,
        )
    scope = _scope(model, through, homes or {})
    context = Context(model, scope)
    on_host, once = registered()
    sites = tuple(
        SitePlan(s.id, s.name.en, tuple(_host_plan(model, scope, s, h, on_host) for h in s.hosts))
        for s in model.sites
    )
    sites += _units_own(model, scope, on_host)
    common = _merge([r.build(context) for r in once if scope.offers(r.part)])
    ssh = model.ministry.ssh
    return Plan(
        ministry=model.ministry.id,
        through=through or model.roadmap.current,
        hub=context.hub_host.id,
        ssh_user=ssh.user,
        ssh_bootstrap_user=ssh.bootstrap_user,
        ssh_port=ssh.port,
        log_max_size=model.ministry.logs.container_max_size,
        log_files=model.ministry.logs.container_files,
        sites=sites,
        common=common,
        images=_images(sites),
        waves=tuple(PlannedWave(w.id, w.gates) for w in model.waves_through(through)),
        transfers=tuple(_transfers(model, scope)),
    )


def plan_after(
    places: Places,
    model: Model,
    through: str | None = None,
    copies: Mapping[str, Copies] | None = None,
) -> Plan:
    """The plan as it is once a deploy has carried along what is elsewhere by now.

    Where the model wants data at another place than it is, users are sent there, and the copy that
    it came from is still there, with its own copies (place → those there). What was at a place that
    is no longer described cannot be carried. Raises as `plan` does.
    """
    made = plan(model, through)
    hosts = {h.id for s in model.sites for h in s.hosts}
    hosts |= {h.id for u in model.units for h in u.hosts}
    homes = {}
    for data in made.data:
        key = (data.application, data.unit)
        if places.get(key, data.place) != data.place:
            old = Place.parse(places[key])
            if old.host is None or old.host in hosts:
                known = (copies or {}).get(places[key])
                kept = {old: known} if known else {}
                homes[key] = Home(Place.parse(data.place), old, copies=kept)
    return plan(model, through, homes) if homes else made


def _scope(model: Model, through: str | None, homes: Homes) -> Scope:
    """Which platform parts and which units' applications the waves bring in, and where."""
    parts: set[str] = set()
    units: dict[str, set[str]] = {}
    for wave in model.waves_through(through):
        parts.update(wave.platform)
        for entry in wave.applications:
            wanted = {u.id for u in model.units} if entry.units == "all" else set(entry.units)
            units.setdefault(entry.app, set()).update(wanted)
    due = [(a, u) for a in model.apps for u in model.units if u.id in units.get(a.id, ())]
    placed = tuple(p for app, unit in due for p in placements(model, app, unit, homes))
    parts.update(f"app:{p.app.service}" for p in placed if not p.place.own)
    externals = tuple(
        (app, unit, choice)
        for app, unit in due
        if isinstance(choice := unit.applications.get(app.id), External) and not unit.closed
    )
    return Scope(frozenset(parts), placed, externals)


def _units_own(model: Model, scope: Scope, modules: tuple[Registered, ...]) -> tuple[SitePlan, ...]:
    """The units' own hosts that have something to run; each unit is a site of its own."""
    found = []
    for unit in model.units:
        hosts = tuple(h for h in unit.hosts if scope.on_own(h.id))
        if hosts:
            plans = tuple(_host_plan(model, scope, None, h, modules, unit.id) for h in hosts)
            found.append(SitePlan(unit.id, unit.name.en, plans))
    return tuple(found)


def _host_plan(
    model: Model,
    scope: Scope,
    site: Site | None,
    host: Host,
    modules: tuple[Registered, ...],
    unit_id: str = "",
) -> HostPlan:
    built: list[Parts] = []
    openings: tuple[Opening, ...] = ()
    parts_here = scope.parts if site else scope.on_own(host.id)
    for module in modules:
        if module.part not in parts_here or (module.role and module.role not in host.roles):
            continue
        parts = module.build(HostContext(model, scope, site, host, openings))
        openings += parts.openings
        built.append(parts)
    place = site.id if site else unit_id
    return HostPlan(host.id, place, str(host.address), _merge(built), own=site is None)


def _merge(parts: list[Parts]) -> Parts:
    """All contributions in order of modules, packages once and sorted."""
    merged = {
        f.name: tuple(item for p in parts for item in getattr(p, f.name)) for f in fields(Parts)
    }
    merged["packages"] = tuple(sorted(set(merged["packages"])))
    return Parts(**merged)


def _transfers(model: Model, scope: Scope) -> Iterator[Transfer]:
    """The records that come into units whose application is planned."""
    for placed in scope.placements:
        for source, apps in placed.unit.records.items() if placed.serving else ():
            if stated := apps.get(placed.app.id):
                unit = model.unit(source)
                yield Transfer(
                    placed.app.id,
                    placed.app.service or "",
                    source,
                    placed.unit.id,
                    database_name(placed.app, unit),
                    database_name(placed.app, placed.unit),
                    unit.closed is not None,
                    None if stated.carry == EVERYTHING else stated.carry,
                    stated.same,
                )


def _images(sites: tuple[SitePlan, ...]) -> tuple[tuple[str, int], ...]:
    """Every image in use with the uid its containers run as."""
    containers = (c for s in sites for h in s.hosts for c in h.parts.containers)
    return tuple(sorted({(c.image, int(c.user.split(":")[0])) for c in containers}))
