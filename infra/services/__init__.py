"""One module a service: its containers, files, ports, databases, found by registration.

A module defines its ports, paths and names as constants, and functions registered with
``@on_host(part)`` (what it needs on one host) or ``@once(part)`` (what exists once for the
ministry). ``part`` is the platform part or ``app:<service>`` whose wave brings it in. No list
of modules is kept anywhere: every module in infra/services and infra/host is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from infra.model.schema import App, External, Host, Model, Operator, Site, Unit, UnitHost
from infra.placement import Place, Placement
from infra.resources import Opening, Parts, secret

OWN_DATABASE = "own-database"  # the part of a unit's host that has the unit's data


@dataclass(frozen=True)
class Scope:
    """What is deployed so far on the roadmap: platform parts, where each unit's applications
    stand, and whose own systems are joined."""

    parts: frozenset[str]
    placements: tuple[Placement, ...] = ()
    externals: tuple[tuple[App, Unit, External], ...] = ()

    def offers(self, part: str) -> bool:
        """Whether the part is in scope anywhere, be it on a unit's own host only."""
        return part in self.parts or any(f"app:{p.app.service}" == part for p in self.placements)

    def on_own(self, host_id: str) -> frozenset[str]:
        """The parts of a unit's own host; none where it has nothing to run yet."""
        mine = [p for p in self.placements if p.place.own and p.place.host == host_id]
        services = {f"app:{p.app.service}" for p in mine}
        return frozenset({"infrastructure", OWN_DATABASE, *services} if mine else ())


@dataclass(frozen=True)
class Context:
    """What a service module may look at: the model, what is in scope, and who is who."""

    model: Model
    scope: Scope

    def hosts(self, role: str | None = None) -> tuple[Host, ...]:
        """The sites' hosts that have the role, in the order of sites and hosts."""
        return tuple(
            h for s in self.model.sites for h in s.hosts if role is None or role in h.roles
        )

    @property
    def own_hosts(self) -> tuple[UnitHost, ...]:
        """The units' own hosts that have something to run, in order of units and hosts."""
        return tuple(h for u in self.model.units for h in u.hosts if self.scope.on_own(h.id))

    def application(self, service: str) -> App:
        """The application of the catalogue that runs on the service (rules: one per service)."""
        return next(p.app for p in self.scope.placements if p.app.service == service)

    def placements(self, service: str, place: Callable[[Place], bool]) -> tuple[Placement, ...]:
        """The service's placements at the places that `place` accepts, in order of units."""
        found = self.scope.placements
        return tuple(p for p in found if p.app.service == service and place(p.place))

    @property
    def hub_host(self) -> Host:
        """The host that runs the registry: the hub site's first with role applications."""
        hosts = self.model.hub.hosts
        return next((h for h in hosts if "applications" in h.roles), hosts[0])


@dataclass(frozen=True)
class HostContext(Context):
    """The same, seen from one host. site: its site; None for a unit's own host."""

    site: Site | None
    host: Host
    openings: tuple[Opening, ...] = ()  # filled for modules registered with last=True

    @property
    def container_network(self) -> IPv4Network:
        """The network of the host's containers."""
        if isinstance(self.host, UnitHost):
            return self.host.container_network
        assert self.site, "a host that is no unit's stands at a site"
        return self.site.container_network

    def container_address(self, number: int) -> str:
        """The number-th address of the container network (its gateway is number 1)."""
        return str(self.container_network[number])

    @property
    def own(self) -> bool:
        """Whether the host is a unit's own, with its own database."""
        return self.site is None

    @property
    def operators(self) -> tuple[Operator, ...]:
        """Who may log in here, by id: the ministry's, and on a unit's own host the unit's too."""
        owner = next((u for u in self.model.units if self.host in u.hosts), None)
        more = owner.operators if owner else ()
        named = {o.id: o for o in (*self.model.ministry.operators, *more)}
        return tuple(named[i] for i in sorted(named))

    def here(self, service: str) -> tuple[Placement, ...]:
        """The service's placements on this host."""
        mine = {None, self.host.id} if not self.own else {self.host.id}
        return self.placements(service, lambda p: p.host in mine)

    @property
    def moving_hosts(self) -> tuple[Host, ...]:
        """The hosts at the other end of a move from or to this host's database."""
        ends = [p for p in self.scope.placements if p.moving and p.place.own]
        if self.own:
            busy = any(p.place.host == self.host.id for p in ends)
            return self.hosts("database") if busy else ()
        ids = {p.place.host for p in ends}
        return tuple(h for h in self.own_hosts if h.id in ids)


OnHost = Callable[[HostContext], Parts]
Once = Callable[[Context], Parts]


@dataclass(frozen=True)
class Registered:
    name: str
    part: str
    role: str | None
    last: bool
    build: Callable[[Any], Parts]


def shared_name(ctx: Context, app: App) -> str:
    """The host name of an application as a whole."""
    return f"{app.id}.{ctx.model.ministry.domain}"


def unit_name(ctx: Context, app: App, unit: Unit, label: str | None = None) -> str:
    """The host name of a unit's application; label: another than the unit's present one."""
    return f"{app.id}-{label or unit.host_label}.{ctx.model.ministry.domain}"


@dataclass(frozen=True)
class Route:
    """A host name of an application; start is where its bare address leads, if elsewhere;
    paused: users are told that they are waited for; prefix: what the application wants before
    the path that users ask for, and what they cannot leave."""

    host: str
    start: str | None = None
    unit: str | None = None
    paused: bool = False
    prefix: str | None = None


@dataclass(frozen=True)
class Instance:
    """One running copy of an application: its host, and the address as seen from the gateway."""

    host: str
    address: str
    port: int
    local: bool


@dataclass(frozen=True)
class Backend:
    """An application behind the gateways. tls_name: the name its certificates hold.

    health_method: HEAD where the application minds that a check does not read the page.
    """

    name: str
    tls_name: str
    health_path: str
    health_status: int
    routes: tuple[Route, ...]
    instances: tuple[Instance, ...]
    health_method: str = "GET"


Behind = Callable[[HostContext], tuple[Backend, ...]]

_on_host: dict[str, Registered] = {}
_once: dict[str, Registered] = {}
_behind: dict[str, tuple[str, Behind]] = {}


def on_host(
    part: str, *, role: str | None = None, last: bool = False
) -> Callable[[OnHost], OnHost]:
    """Register what a module needs on every host that has `role` (None: on every host).

    last: built after the others, and told all their openings (the firewall).
    """

    def register(build: OnHost) -> OnHost:
        name = build.__module__
        _on_host[name] = Registered(name, part, role, last, build)
        return build

    return register


def once(part: str) -> Callable[[Once], Once]:
    """Register what a module needs once for the whole ministry."""

    def register(build: Once) -> Once:
        _once[build.__module__] = Registered(build.__module__, part, None, False, build)
        return build

    return register


def behind_gateway(part: str) -> Callable[[Behind], Behind]:
    """Register the applications of a module that users reach through the gateways."""

    def register(build: Behind) -> Behind:
        _behind[build.__module__] = (part, build)
        return build

    return register


def backends(ctx: HostContext) -> tuple[Backend, ...]:
    """Every application in scope as the gateway of ctx.host reaches it, sorted by name."""
    found = (b for part, build in _behind.values() if ctx.scope.offers(part) for b in build(ctx))
    return tuple(sorted(found, key=lambda b: b.name))


@lru_cache(maxsize=1)
def registered() -> tuple[tuple[Registered, ...], tuple[Registered, ...]]:
    """All modules of infra.host and infra.services: (on each host, once), sorted by name."""
    for package_name in ("infra.host", "infra.services"):
        package = importlib.import_module(package_name)
        for info in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package_name}.{info.name}")

    def by_name(table: dict[str, Registered]) -> tuple[Registered, ...]:
        return tuple(sorted(table.values(), key=lambda r: (r.last, r.name)))

    return by_name(_on_host), by_name(_once)


@lru_cache(maxsize=4)
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package, "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # configuration files, not HTML
        auto_reload=False,  # the toolkit's own files do not change under it
    )
    environment.globals["secret"] = secret
    return environment


def render(template: str, package: str = "infra.services", **values: object) -> str:
    """A template of <package>/templates with the values; an undefined name is an error."""
    if (text := _plain(template, package)) is not None:
        return text
    return _environment(package).get_template(template).render(**values)


@lru_cache
def _plain(template: str, package: str) -> str | None:
    """The text of a file that has nothing to fill in (a program, say): it need not be compiled."""
    environment = _environment(package)
    assert environment.loader
    text, _, _ = environment.loader.get_source(environment, template)
    return None if any(mark in text for mark in ("{{", "{%", "{#")) else text
