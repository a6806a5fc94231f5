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
)
from infra.services import (
    Backend,
    Context,
    HostContext,
    Route,
    behind_gateway,
    on_host,
    once,
    render,
    shared_name,
    unit_name,
)
from infra.services.database import endpoint, login, password_of
from infra.services.per_unit import (
    admin_file,
    admin_password,
    behind,
    central,
    database_name,
    health,
    instance_name,
    kept,
    pages,
)
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
            *(admin_password(app, p.unit) for p in placed),
        ),
    )
    return joined(instance, kept(app, placed, _first_contents)) if ctx.own else instance


def _files(ctx: HostContext, app: App, placed: tuple[Placement, ...]) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    facts = {
        "email": f"admin@{ctx.model.ministry.domain}",
        "health": health(app)[0],
        "modules": list(app.modules),
        "port": PORT,
    }
    database = endpoint(ctx)
    config = render("tryton/trytond.conf.j2", host=database.host, port=database.port, config=CONFIG)
    uwsgi = render("tryton/uwsgi.ini.j2", port=PORT, config=CONFIG, processes=PROCESSES)
    logins = "".join(login(database_name(app, p.unit)) for p in placed)
    admins = (admin_file(f"{base}/admin/{p.unit.id}", UID, app, p.unit) for p in placed)
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


@once(PART)
def shared(ctx: Context) -> Parts:
    """What is in the cluster, and the pages of all units wherever they are served."""
    app, shared_units = ctx.application(SERVICE), central(ctx, SERVICE)
    whole = (Page(shared_name(ctx, app), *health(app), app.id),) if shared_units else ()
    return joined(
        kept(app, shared_units, _first_contents),
        Parts(pages=(*whole, *pages(ctx, SERVICE, "/index.html"))),
    )


def _first_contents(app: App, unit: Unit) -> OneOff:
    name = database_name(app, unit)
    return OneOff(
        instance_name(app, unit),
        NAME,
        (*_SCRIPT, "ready", name),
        (*_SCRIPT, "create", name, f"{CONFIG}/admin/{unit.id}"),
        CREATE_SECONDS,
    )


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """The shared instances, under the application's own name too; and every unit's own."""
    app = ctx.application(SERVICE)
    path, status = health(app)
    return tuple(
        Backend(
            name=name,
            tls_name=NAME,
            health_path=path,
            health_status=status,
            routes=(
                *([Route(shared_name(ctx, app))] if name == app.id else ()),
                *_routes(ctx, app, placed),
            ),
            instances=found,
            health_method="HEAD",
        )
        for name, placed, found in behind(ctx, SERVICE, ROLE, PORT, ADDRESS)
    )


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
