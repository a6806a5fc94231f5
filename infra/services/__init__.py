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
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from infra.model.schema import App, Host, Model, Site, Unit
from infra.resources import Opening, Parts, secret


@dataclass(frozen=True)
class Scope:
    """What is deployed so far on the roadmap: platform parts and, per application, units."""

    parts: frozenset[str]
    applications: tuple[tuple[App, tuple[Unit, ...]], ...]

    def units(self, app_id: str) -> tuple[Unit, ...]:
        """Units served centrally by the application within the scope."""
        return next((units for app, units in self.applications if app.id == app_id), ())


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
    def hub_host(self) -> Host:
        """The host that runs the registry: the hub site's first with role applications."""
        hosts = self.model.hub.hosts
        return next((h for h in hosts if "applications" in h.roles), hosts[0])


@dataclass(frozen=True)
class HostContext(Context):
    """The same, seen from one host."""

    site: Site
    host: Host
    openings: tuple[Opening, ...] = ()  # filled for modules registered with last=True

    def container_address(self, number: int) -> str:
        """The number-th address of the site's container network (its gateway is number 1)."""
        return str(self.site.container_network[number])


OnHost = Callable[[HostContext], Parts]
Once = Callable[[Context], Parts]


@dataclass(frozen=True)
class Registered:
    name: str
    part: str
    role: str | None
    last: bool
    build: Callable[[Any], Parts]


@dataclass(frozen=True)
class Route:
    """A host name of an application; start is where its bare address leads, if elsewhere."""

    host: str
    start: str | None = None
    unit: str | None = None


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
    found = (b for part, build in _behind.values() if part in ctx.scope.parts for b in build(ctx))
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
