"""Model → Plan: a pure function. Same model, same plan, byte for byte.

No I/O but the toolkit's own templates, no secrets, no clock, no network.
"""

from __future__ import annotations

from dataclasses import fields

from infra.errors import Exit, error
from infra.model.schema import Central, Host, Model, Site, Unit
from infra.resources import HostPlan, Opening, Parts, Plan, SitePlan
from infra.services import Context, HostContext, Registered, Scope, registered


def plan(model: Model, through: str | None = None) -> Plan:
    """The plan of everything up to and including wave `through` (default: the current one).

    Raises HanoiError HN-P001 for an unknown wave.
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
    scope = _scope(model, through)
    context = Context(model, scope)
    on_host, once = registered()
    sites = tuple(
        SitePlan(s.id, s.name.en, tuple(_host_plan(model, scope, s, h, on_host) for h in s.hosts))
        for s in model.sites
    )
    common = _merge([r.build(context) for r in once if _wanted(r, scope)])
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
    )


def _scope(model: Model, through: str | None) -> Scope:
    """Which platform parts and which centrally run applications the waves bring in."""
    parts: set[str] = set()
    units: dict[str, set[str]] = {}
    for wave in model.waves_through(through):
        parts.update(wave.platform)
        for entry in wave.applications:
            wanted = {u.id for u in model.units} if entry.units == "all" else set(entry.units)
            units.setdefault(entry.app, set()).update(wanted)
    applications = []
    for app in model.apps:
        served = tuple(
            u for u in model.units if u.id in units.get(app.id, ()) and _central(u, app.id)
        )
        if app.service and served:
            applications.append((app, served))
            parts.add(f"app:{app.service}")
    return Scope(frozenset(parts), tuple(applications))


def _central(unit: Unit, app_id: str) -> bool:
    return unit.closed is None and isinstance(unit.applications.get(app_id), Central)


def _wanted(module: Registered, scope: Scope) -> bool:
    return module.part in scope.parts


def _host_plan(
    model: Model, scope: Scope, site: Site, host: Host, modules: tuple[Registered, ...]
) -> HostPlan:
    built: list[Parts] = []
    openings: tuple[Opening, ...] = ()
    for module in modules:
        if not _wanted(module, scope) or (module.role and module.role not in host.roles):
            continue
        parts = module.build(HostContext(model, scope, site, host, openings))
        openings += parts.openings
        built.append(parts)
    return HostPlan(host.id, site.id, str(host.address), _merge(built))


def _merge(parts: list[Parts]) -> Parts:
    """All contributions in order of modules, packages once and sorted."""
    merged = {
        f.name: tuple(item for p in parts for item in getattr(p, f.name)) for f in fields(Parts)
    }
    merged["packages"] = tuple(sorted(set(merged["packages"])))
    return Parts(**merged)


def _images(sites: tuple[SitePlan, ...]) -> tuple[tuple[str, int], ...]:
    """Every image in use with the uid its containers run as."""
    containers = (c for s in sites for h in s.hosts for c in h.parts.containers)
    return tuple(sorted({(c.image, int(c.user.split(":")[0])) for c in containers}))
