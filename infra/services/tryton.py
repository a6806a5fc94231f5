"""Tryton 7.0 for personnel management: one instance per host, one database per unit.

Everything it keeps is in the database. At the sites any instance serves every unit, and an
instance lost is only capacity lost; a unit that hosts itself has its own instance and its own
database. Each unit's database has its own role: what is asked for one unit cannot reach
another's, whatever the application does. It answers over TLS, to gateways only (client
certificate). Tryton has no payroll, contract or leave module.
"""

from __future__ import annotations

import json

from infra.model.schema import App, Unit
from infra.placement import Placement
from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Health,
    OneOff,
    Page,
    Parts,
    Password,
    Published,
    secret,
)
from infra.services import (
    Backend,
    Context,
    HostContext,
    Instance,
    Route,
    behind_gateway,
    on_host,
    once,
    render,
    shared_name,
    unit_name,
)
from infra.services.database import endpoint, owned, password_of
from infra.services.tls import directory, joined, mounted, opening, tls_files

NAME = "tryton"
SERVICE = "tryton"
PART = "app:tryton"
ROLE = "applications"
PORT = 8443
ADDRESS = 20
UID = 10069
CONFIG = "/etc/tryton"
PROCESSES = 4  # requests served at a time; loaded before they fork, so they share most memory
MEMORY = 512 * 2**20  # where the application states nothing
CREATE_SECONDS = 45
RELOAD = "tryton-reload"

_SCRIPT = ("python3", f"{CONFIG}/tryton.py")


def database_name(app: App, unit: Unit) -> str:
    """By ids, which never change: renaming a unit leaves its database where it is."""
    return f"{app.id}_{unit.id}".replace("-", "_")


@on_host(PART, role=ROLE)
def tryton(ctx: HostContext) -> Parts:
    """One instance, which serves every unit that is here."""
    app, placed, database = ctx.application(SERVICE), ctx.here(SERVICE), endpoint(ctx)
    own = ctx.container_address(ADDRESS)
    certificate = Certificate(
        f"tryton/{ctx.host.id}",
        f"{NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    instance = Parts(
        files=(*_files(ctx, app, placed), *tls_files(NAME, UID, certificate.id, (RELOAD,))),
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", "kill -HUP 1"), NAME),),
        containers=(
            Container(
                name=NAME,
                image=NAME,
                user=f"{UID}:{UID}",
                command=("uwsgi", "--ini", f"{CONFIG}/uwsgi.ini"),
                address=own,
                memory=app.resources.memory if app.resources else MEMORY,
                mounts=(mounted(NAME, CONFIG),),
                ports=(Published(PORT, PORT, str(ctx.host.address)),),
                stop_signal="SIGTERM",
                stop_timeout=15,
                health=Health(("CMD", *_SCRIPT, "alive"), interval=15, start_period=60),
                needs=(database.host,),
            ),
        ),
        openings=opening(ctx, PORT, ctx.hosts("gateway"), "gateways: personnel, by certificate"),
        secrets=(
            certificate,
            *(Password(password_of(database_name(app, p.unit))) for p in placed),
            *(Password(_admin(app, p.unit), 24) for p in placed),
        ),
    )
    return joined(instance, _kept(app, placed)) if ctx.own else instance


def _files(ctx: HostContext, app: App, placed: tuple[Placement, ...]) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    facts = {
        "email": f"admin@{ctx.model.ministry.domain}",
        "health": app.health.path if app.health else "/",
        "modules": list(app.modules),
        "port": PORT,
    }
    database = endpoint(ctx)
    config = render("tryton/trytond.conf.j2", host=database.host, port=database.port, config=CONFIG)
    uwsgi = render("tryton/uwsgi.ini.j2", port=PORT, config=CONFIG, processes=PROCESSES)
    names = [database_name(app, p.unit) for p in placed]
    logins = "".join(f"*:*:{n}:{n}:{secret(password_of(n), 'password')}\n" for n in names)
    admins = tuple(
        File(
            f"{base}/admin/{p.unit.id}",
            secret(_admin(app, p.unit), "password") + "\n",
            0o400,
            owner,
            owner,
        )
        for p in placed
    )
    return (
        File(f"{base}/trytond.conf", config, 0o444, actions=(RELOAD,)),
        File(f"{base}/uwsgi.ini", uwsgi, 0o444, actions=(RELOAD,)),
        File(f"{base}/pgpass", logins, 0o400, owner, owner, actions=(RELOAD,)),
        File(f"{base}/tryton.json", json.dumps(facts, indent=2, sort_keys=True) + "\n", 0o444),
        File(f"{base}/tryton.py", render("tryton/tryton.py"), 0o444),
        File(f"{base}/roles.py", render("tryton/roles.py"), 0o444, actions=(RELOAD,)),
        File(f"{base}/served.py", render("tryton/served.py"), 0o444, actions=(RELOAD,)),
        *admins,
    )


def _admin(app: App, unit: Unit) -> str:
    """The secret's id of the first user of a unit's database."""
    return f"{app.id}/admin/{unit.id}"


@once(PART)
def shared(ctx: Context) -> Parts:
    """What is in the cluster, and the pages of all units wherever they are served."""
    app = ctx.application(SERVICE)
    central = ctx.placements(SERVICE, lambda p: not p.own)
    path, status = (app.health.path, app.health.status) if app.health else ("/", 200)
    pages = tuple(
        Page(unit_name(ctx, app, p.unit), "/index.html", 200, app.id, p.unit.id)
        for p in ctx.placements(SERVICE, lambda _: True)
        if p.serving
    )
    whole = (Page(shared_name(ctx, app), path, status, app.id),) if central else ()
    return joined(_kept(app, central), Parts(pages=(*whole, *pages)))


def _kept(app: App, placed: tuple[Placement, ...]) -> Parts:
    """A database for each unit with its own role, and its first contents.

    A second copy lets nobody in, and gets its contents from the first.
    """
    extensions = app.database.extensions if app.database else ()
    databases = joined(
        *(owned(database_name(app, p.unit), extensions, login=p.serving) for p in placed)
    )
    return joined(
        databases,
        Parts(
            secrets=tuple(Password(_admin(app, p.unit), 24) for p in placed),
            oneoffs=tuple(_first_contents(app, p.unit) for p in placed if p.serving),
            data=tuple(p.data(database_name(app, p.unit)) for p in placed),
        ),
    )


def _first_contents(app: App, unit: Unit) -> OneOff:
    name = database_name(app, unit)
    return OneOff(
        f"{app.id}-{unit.id}",
        NAME,
        (*_SCRIPT, "ready", name),
        (*_SCRIPT, "create", name, f"{CONFIG}/admin/{unit.id}"),
        CREATE_SECONDS,
    )


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """The shared instances, that of this host by its container's address; and every unit's own."""
    central = ctx.placements(SERVICE, lambda p: not p.own)
    app, found = ctx.application(SERVICE), []
    if central:
        own = ctx.container_address(ADDRESS)
        instances = sorted(
            (
                Instance(
                    h.id, own if h.id == ctx.host.id else str(h.address), PORT, h.id == ctx.host.id
                )
                for h in ctx.hosts(ROLE)
            ),
            key=lambda i: (not i.local, i.host),
        )
        routes = (Route(shared_name(ctx, app)), *_routes(ctx, app, central))
        found.append(_backend(app, app.id, routes, tuple(instances)))
    for host in ctx.own_hosts:
        there = ctx.placements(SERVICE, lambda p, name=host.id: p.host == name)  # type: ignore[misc]
        if there:
            instance = Instance(host.id, str(host.address), PORT, False)
            name = f"{app.id}-on-{host.id}"
            found.append(_backend(app, name, _routes(ctx, app, there), (instance,)))
    return tuple(found)


def _routes(ctx: Context, app: App, placed: tuple[Placement, ...]) -> tuple[Route, ...]:
    return tuple(
        Route(
            unit_name(ctx, app, p.unit),
            f"/index.html#{database_name(app, p.unit)}",
            p.unit.id,
            p.paused,
        )
        for p in placed
        if p.serving
    )


def _backend(
    app: App, name: str, routes: tuple[Route, ...], instances: tuple[Instance, ...]
) -> Backend:
    return Backend(
        name=name,
        tls_name=NAME,
        health_path=app.health.path if app.health else "/",
        health_status=app.health.status if app.health else 200,
        routes=routes,
        instances=instances,
        health_method="HEAD",
    )
