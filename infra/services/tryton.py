"""Tryton 7.0 for personnel management: one instance per host, one database per unit.

Everything it keeps is in the central database, so any instance serves every unit, and an
instance lost is only capacity lost. It answers over TLS, to gateways only (client
certificate). Tryton has no payroll, contract or leave module.
"""

from __future__ import annotations

import json

from infra.model.schema import App, Unit
from infra.resources import (
    Action,
    Certificate,
    Container,
    Database,
    DatabaseRole,
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
    proxy,
    render,
)
from infra.services.tls import directory, mounted, opening, tls_files

NAME = "tryton"
SERVICE = "tryton"
PART = "app:tryton"
ROLE = "applications"
PORT = 8443
ADDRESS = 20
UID = 10069
CONFIG = "/etc/tryton"
DATABASE_ROLE = "tryton"
DATABASE_PASSWORD = "db/tryton"
PROCESSES = 4  # requests served at a time; loaded before they fork, so they share most memory
MEMORY = 512 * 2**20  # where the application states nothing
CREATE_SECONDS = 45
RELOAD = "tryton-reload"

_SCRIPT = ("python3", f"{CONFIG}/tryton.py")


def application(ctx: Context) -> App:
    """The application of the catalogue that runs on Tryton (rules: one per service)."""
    return next(app for app, _ in ctx.scope.applications if app.service == SERVICE)


def database_name(app: App, unit: Unit) -> str:
    """By ids, which never change: renaming a unit leaves its database where it is."""
    return f"{app.id}_{unit.id}".replace("-", "_")


def shared_host(ctx: Context, app: App) -> str:
    return f"{app.id}.{ctx.model.ministry.domain}"


def unit_host(ctx: Context, app: App, unit: Unit) -> str:
    return f"{app.id}-{unit.host_label}.{ctx.model.ministry.domain}"


@on_host(PART, role=ROLE)
def tryton(ctx: HostContext) -> Parts:
    """One instance, which serves every unit."""
    app = application(ctx)
    own = ctx.container_address(ADDRESS)
    certificate = Certificate(
        f"tryton/{ctx.host.id}",
        f"{NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    return Parts(
        files=(*_files(ctx, app), *tls_files(NAME, UID, certificate.id, (RELOAD,))),
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
                needs=(proxy.NAME,),
            ),
        ),
        openings=opening(ctx, PORT, ctx.hosts("gateway"), "gateways: personnel, by certificate"),
        secrets=(certificate, Password(DATABASE_PASSWORD), *_admin_passwords(ctx, app)),
    )


def _files(ctx: HostContext, app: App) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    facts = {
        "email": f"admin@{ctx.model.ministry.domain}",
        "health": app.health.path if app.health else "/",
        "modules": list(app.modules),
        "port": PORT,
    }
    config = render(
        "tryton/trytond.conf.j2",
        role=DATABASE_ROLE,
        host=proxy.NAME,
        port=proxy.PORT,
        config=CONFIG,
    )
    uwsgi = render("tryton/uwsgi.ini.j2", port=PORT, config=CONFIG, processes=PROCESSES)
    login = f"*:*:*:{DATABASE_ROLE}:{secret(DATABASE_PASSWORD, 'password')}\n"
    admins = tuple(
        File(
            f"{base}/admin/{unit.id}",
            secret(_admin(app, unit), "password") + "\n",
            0o400,
            owner,
            owner,
        )
        for unit in ctx.scope.units(app.id)
    )
    return (
        File(f"{base}/trytond.conf", config, 0o444, actions=(RELOAD,)),
        File(f"{base}/uwsgi.ini", uwsgi, 0o444, actions=(RELOAD,)),
        File(f"{base}/pgpass", login, 0o400, owner, owner, actions=(RELOAD,)),
        File(f"{base}/tryton.json", json.dumps(facts, indent=2, sort_keys=True) + "\n", 0o444),
        File(f"{base}/tryton.py", render("tryton/tryton.py"), 0o444),
        *admins,
    )


def _admin(app: App, unit: Unit) -> str:
    """The secret's id of the first user of a unit's database."""
    return f"{app.id}/admin/{unit.id}"


def _admin_passwords(ctx: Context, app: App) -> tuple[Password, ...]:
    return tuple(Password(_admin(app, unit), 24) for unit in ctx.scope.units(app.id))


@once(PART)
def databases(ctx: Context) -> Parts:
    """The login, a database for each unit, their first contents, and the pages to open."""
    app = application(ctx)
    units = ctx.scope.units(app.id)
    extensions = app.database.extensions if app.database else ()
    path, status = (app.health.path, app.health.status) if app.health else ("/", 200)
    return Parts(
        secrets=(Password(DATABASE_PASSWORD), *_admin_passwords(ctx, app)),
        roles=(DatabaseRole(DATABASE_ROLE, DATABASE_PASSWORD),),
        databases=tuple(Database(database_name(app, u), DATABASE_ROLE, extensions) for u in units),
        oneoffs=tuple(_first_contents(app, u) for u in units),
        pages=(
            Page(shared_host(ctx, app), path, status, app.id),
            *(Page(unit_host(ctx, app, u), "/index.html", 200, app.id, u.id) for u in units),
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
    """The instance of this host by its container's address, the others by their hosts'."""
    app = application(ctx)
    own = ctx.container_address(ADDRESS)
    instances = (
        Instance(h.id, own if h.id == ctx.host.id else str(h.address), PORT, h.id == ctx.host.id)
        for h in ctx.hosts(ROLE)
    )
    unit_routes = (
        Route(unit_host(ctx, app, u), f"/index.html#{database_name(app, u)}", u.id)
        for u in ctx.scope.units(app.id)
    )
    return (
        Backend(
            name=app.id,
            tls_name=NAME,
            health_path=app.health.path if app.health else "/",
            health_status=app.health.status if app.health else 200,
            routes=(Route(shared_host(ctx, app)), *unit_routes),
            instances=tuple(sorted(instances, key=lambda i: (not i.local, i.host))),
            health_method="HEAD",
        ),
    )
