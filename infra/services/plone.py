"""Plone 6.2 Classic for online public services: one instance per host, one site per unit.

Everything it keeps is in the database, one for each unit and a small one for what Zope itself
keeps, so any instance serves every unit, and an instance lost is only capacity lost. A unit's
database is joined under /<unit>, and the gateways put the path of the unit's site before what
users ask for. It answers over TLS, to gateways only (client certificate).
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from infra.model.schema import App, Procedures, Unit
from infra.placement import Placement
from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Health,
    Mount,
    OneOff,
    Parts,
    Password,
    Published,
    Volume,
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
    unit_name,
)
from infra.services.database import Endpoint, endpoint, login, owned, password_of
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
from infra.services.relying_party import (
    SCOPES,
    Client,
    client_password,
    client_secret,
    in_scope,
    of_units,
    provider,
    signs_on,
)
from infra.services.tls import CA, directory, joined, mounted, opening, tls_files

NAME = "plone"
SERVICE = "plone"
PART = "app:plone"
ROLE = "applications"
PORT = 8444
ADDRESS = 21
UID = 10074
CONFIG = "/etc/plone"
DATA = "/var/lib/plone"  # copies of files that are in the database
VOLUME = "plone-files"
SITE = "site"  # what a unit's site is called below /<unit>
THREADS = 2  # requests worked at; each keeps a connection to every database that it has read
WAITING = 16  # requests taken in, so that a health check is answered while others wait
OBJECTS = 4000  # kept ready per connection: about one site's worth
CACHE_MIB = 8  # of database records, per database
UPLOAD_MIB = 50  # the largest request
MEMORY = 896 * 2**20  # where the application states nothing
CREATE_SECONDS = 40
HEALTH_PATH = "/alive"  # where the application states nothing; serve.py answers there
RELOAD = "plone-reload"

_ASK = ("python3", f"{CONFIG}/ask.py")
# gunicorn begins a new worker and ends the old one, which takes no more requests from then on. The
# new one answers once Zope has started; until then the health check of the container says nothing.
_RELOAD = (
    f"kill -HUP 1; sleep 2; for _ in $(seq 20); do {shlex.join(_ASK)} alive && exit 0; sleep 1;"
    " done; exit 1"
)
_MAKE = ("python3", f"{CONFIG}/sites.py")
SIGN_ON = ("python3", f"{CONFIG}/sign_on.py")  # in the place of both, where there is sign-on
SIGN_ON_PAGE = {"etc/sign_on.zcml": "sign_on.zcml", "sign_on_page.py": "sign_on_page.py"}


@dataclass(frozen=True)
class Joined:
    """A database as Zope opens it: mount is where it appears, dsn how libpq connects."""

    name: str
    mount: str
    dsn: str


def root_name(app: App) -> str:
    """The database of what Zope itself keeps."""
    return app.id.replace("-", "_")


def databases(app: App, units: tuple[Unit, ...], at: Endpoint) -> tuple[Joined, ...]:
    """What one instance opens: all that depends on where it stands and whom it serves."""

    def opened(unit: Unit | None) -> Joined:
        name = database_name(app, unit) if unit else root_name(app)
        text = render("plone/dsn.j2", name=name, host=at.host, port=at.port, config=CONFIG)
        return Joined(name, f"/{unit.id}" if unit else "/", text.strip())

    return (opened(None), *(opened(u) for u in units))


@on_host(PART, role=ROLE)
def plone(ctx: HostContext) -> Parts:
    """One instance, which serves every unit that is here."""
    app, placed, database = ctx.application(SERVICE), ctx.here(SERVICE), endpoint(ctx)
    own, signs = ctx.container_address(ADDRESS), provider(ctx)
    certificate = Certificate(
        f"plone/{ctx.host.id}",
        f"{NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    instance = Parts(
        files=(*_files(ctx, app, placed), *tls_files(NAME, UID, certificate.id, (RELOAD,))),
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", _RELOAD), NAME),),
        volumes=(Volume(VOLUME),),
        containers=(
            Container(
                name=NAME,
                image=NAME,
                user=f"{UID}:{UID}",
                command=("gunicorn", "--config", f"{CONFIG}/gunicorn.conf.py"),
                address=own,
                memory=app.resources.memory if app.resources else MEMORY,
                mounts=(mounted(NAME, CONFIG), Mount("volume", VOLUME, DATA, read_only=False)),
                ports=(Published(PORT, PORT, str(ctx.host.address)),),
                environment=(("REQUESTS_CA_BUNDLE", f"{CONFIG}/{CA}"),) if signs else (),
                hosts=signs.hosts if signs else (),
                stop_signal="SIGTERM",
                stop_timeout=15,
                health=Health(("CMD", *_ASK, "alive"), interval=15, start_period=90),
                needs=(database.host,),
            ),
        ),
        openings=opening(
            ctx, PORT, ctx.hosts("gateway"), "gateways: online services, by certificate"
        ),
        secrets=(
            certificate,
            Password(password_of(root_name(app))),
            *(Password(password_of(database_name(app, p.unit))) for p in placed),
            *(admin_password(app, p.unit) for p in placed),
            *(Password(client_password(i)) for i in _clients(placed).values() if signs),
        ),
    )
    return joined(instance, _kept(ctx, app, placed)) if ctx.own else instance


def _files(ctx: HostContext, app: App, placed: tuple[Placement, ...]) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    opened = databases(app, tuple(p.unit for p in placed), endpoint(ctx))
    logins = "".join(login(d.name) for d in opened)
    facts = json.dumps(_facts(ctx, app, placed, opened), indent=2, sort_keys=True) + "\n"
    config = render(
        "plone/zope.conf.j2",
        databases=opened,
        config=CONFIG,
        data=DATA,
        threads=THREADS,
        objects=OBJECTS,
        cache_mib=CACHE_MIB,
        upload_mib=UPLOAD_MIB,
    )
    server = render(
        "plone/gunicorn.conf.py.j2", port=PORT, config=CONFIG, threads=THREADS, waiting=WAITING
    )
    site = render("plone/site.zcml.j2", sign_on=provider(ctx) is not None)
    admins = (admin_file(f"{base}/admin/{p.unit.id}", UID, app, p.unit) for p in placed)
    return (
        File(f"{base}/zope.conf", config, 0o444, actions=(RELOAD,)),
        File(f"{base}/etc/site.zcml", site, 0o444, actions=(RELOAD,)),
        File(f"{base}/gunicorn.conf.py", server, 0o444, actions=(RELOAD,)),
        File(f"{base}/pgpass", logins, 0o400, owner, owner, actions=(RELOAD,)),
        File(f"{base}/serve.py", render("plone/serve.py"), 0o444, actions=(RELOAD,)),
        File(f"{base}/databases.py", render("plone/databases.py"), 0o444, actions=(RELOAD,)),
        # Read anew each time: a new name of a unit is no reason to load Plone again.
        File(f"{base}/plone.json", facts, 0o444),
        File(f"{base}/ask.py", render("plone/ask.py"), 0o444),
        File(f"{base}/sites.py", render("plone/sites.py"), 0o444),
        *admins,
        *_sign_on_files(ctx, placed),
    )


@signs_on(PART)
def clients(ctx: Context) -> tuple[Client, ...]:
    """One for each unit's site."""
    return of_units(ctx, SERVICE, "/acl_users/oidc/callback", "")


def _clients(placed: tuple[Placement, ...]) -> dict[str, str]:
    """Unit → its site's client id."""
    return {p.unit.id: instance_name(p.app, p.unit) for p in placed}


def _sign_on_files(ctx: HostContext, placed: tuple[Placement, ...]) -> tuple[File, ...]:
    """What sign_on.py goes by; nothing while there is no sign-on."""
    if not (signs := provider(ctx)):
        return ()
    facts = {
        "issuer": signs.issuer,
        "scopes": SCOPES,
        "units": {
            unit: {"client": client, "secret": client_secret(client)}
            for unit, client in _clients(placed).items()
        },
    }
    base, text = directory(NAME), json.dumps(facts, indent=2, sort_keys=True) + "\n"
    return (
        File(f"{base}/sign-on.json", text, 0o400, str(UID), str(UID)),
        File(f"{base}/sign_on.py", render("plone/sign_on.py"), 0o444),
        *(
            File(f"{base}/{name}", render(f"plone/{source}"), 0o444, actions=(RELOAD,))
            for name, source in SIGN_ON_PAGE.items()
        ),
    )


def _facts(
    ctx: Context, app: App, placed: tuple[Placement, ...], opened: tuple[Joined, ...]
) -> dict[str, object]:
    """What ask.py and sites.py go by: the sites and what is to be in each."""
    ministry = ctx.model.ministry
    units: dict[str, object] = {}
    for p, d in zip(placed, opened[1:], strict=True):
        procedures = ministry.procedures
        portal = procedures is not None and procedures.portal == p.unit.id
        units[p.unit.id] = {
            "dsn": d.dsn,
            "site": {
                "title": p.unit.name.vi,
                "title_en": p.unit.name.en,
                "timezone": ministry.timezone,
                "email": f"admin@{ministry.domain}",
                "procedures": _procedures(procedures) if portal and procedures else None,
            },
        }
    return {
        "dsn": opened[0].dsn,
        "health": health(app, HEALTH_PATH)[0],
        "port": PORT,
        "site_id": SITE,
        "threads": THREADS,
        "units": units,
        "upload": UPLOAD_MIB * 2**20,
    }


def _procedures(procedures: Procedures) -> dict[str, object]:
    return {
        "total": procedures.total,
        "note": procedures.note,
        "groups": [
            {"id": g.id, "level": g.level, "count": g.count, "vi": g.name.vi, "en": g.name.en}
            for g in procedures.groups
        ],
    }


@once(PART)
def shared(ctx: Context) -> Parts:
    """What is in the cluster, and the pages of all units wherever they are served."""
    shared_units = central(ctx, SERVICE)
    made = _kept(ctx, ctx.application(SERVICE), shared_units) if shared_units else Parts()
    return joined(made, Parts(pages=pages(ctx, SERVICE, "/")))


def _kept(ctx: Context, app: App, placed: tuple[Placement, ...]) -> Parts:
    """The database of Zope itself, and each unit's with its site."""
    ready, make = (SIGN_ON, (*SIGN_ON, "make")) if in_scope(ctx) else (_ASK, _MAKE)

    def site(app: App, unit: Unit) -> OneOff:
        commands = (*ready, "ready", unit.id), (*make, unit.id)
        return OneOff(instance_name(app, unit), NAME, *commands, CREATE_SECONDS)

    return joined(owned(root_name(app)), kept(app, placed, site))


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """The shared instances, and every unit's own."""
    app = ctx.application(SERVICE)
    return tuple(
        Backend(
            name=name,
            tls_name=NAME,
            health_path=health(app, HEALTH_PATH)[0],
            health_status=200,
            routes=_routes(ctx, app, placed),
            instances=found,
            health_method="HEAD",
        )
        for name, placed, found in behind(ctx, SERVICE, ROLE, PORT, ADDRESS)
    )


def _routes(ctx: Context, app: App, placed: tuple[Placement, ...]) -> tuple[Route, ...]:
    """The unit's host name with what Zope takes for the address of the unit's site."""
    return tuple(
        Route(
            host := unit_name(ctx, app, p.unit),
            unit=p.unit.id,
            paused=p.paused,
            prefix=f"/VirtualHostBase/https/{host}:443/{p.unit.id}/{SITE}/VirtualHostRoot",
        )
        for p in placed
        if p.serving
    )
