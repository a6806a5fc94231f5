"""Mayan EDMS 4.12 for documents: one instance for each unit, with its own database and files.

An instance is three containers of one image on one host: the web server, the worker (OCR,
indexing, the schedule) and the valkey between them. Its documents are on the volume
<instance>-media of that host, all else is in its database. It answers over TLS, to gateways
only (client certificate), and its certificate bears its own name: a gateway never takes one
unit's instance for another's. Valkey listens on no port: its socket is in the volume
<instance>-work, beside what is queued and large temporary files. A move takes documents, index
and queue along as they are, while nothing runs: to make an index anew takes hours. A copy that
must not work, though its database would let it in, gets another program, which knows no Mayan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from infra.model.schema import App, Unit
from infra.placement import Placement
from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Files,
    Health,
    Mount,
    OneOff,
    Parts,
    Password,
    Published,
    Volume,
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
    per_unit,
    render,
    unit_name,
)
from infra.services.database import endpoint, login, password_of
from infra.services.per_unit import (
    admin,
    admin_password,
    carried,
    central,
    database_name,
    health,
    instance_name,
    kept,
    pages,
)
from infra.services.relying_party import (
    ALGORITHM,
    SCOPES,
    UNIT_CLAIM,
    Client,
    client_password,
    client_secret,
    of_units,
    provider,
    signs_on,
)
from infra.services.tls import CA, directory, joined, mounted, opening, tls_files

SERVICE = "mayan"
PART = "app:mayan"
ROLE = "applications"
IMAGE = "mayan"
UID = 10090
PORT = 8443  # inside the container; on the host, FIRST_PORT + the instance's slot
CONFIG = "/etc/mayan"
MEDIA = "/var/lib/mayan"
WORK = "/var/lib/mayan-work"
STATIC = "/opt/mayan/static"  # the same for all instances, in the image
LOGIN_PAGE = "/authentication/login/"
CALLBACK = "/oidc/callback/"
SIGN_ON = "hanoi_sign_on"  # a Django application beside the settings; only where there is sign-on
SIGN_ON_FILES = (
    "__init__.py",
    "authentication_backends.py",
    f"templates/{SIGN_ON}/app/login_content.html",
)
SIGN_ON_SECONDS = 3600  # after which it is asked whether who signed on still may
SET_UP_SECONDS = 120
WAITS = 1800  # seconds that an instance may wait for its set-up, after those of others

# Where an instance's containers are on a host: by the unit's id, not by what is free.
SLOTS = 64
FIRST_PORT = 8600
FIRST_ADDRESS = 40
ADDRESSES = 3  # of each slot: web, worker, valkey

PROCESSES = 2
THREADS_MOST = 4
# Seen at work: 260 MiB for the worker, and up to 100 MiB for the programs that read a document.
# With less the kernel ends the worker, and what it had taken from the queue is not read any more.
WORKER_MEMORY, THREAD_MEMORY = 288 * 2**20, 112 * 2**20
VALKEY_MEMORY = 64 * 2**20
WEB_MEMORY = 384 * 2**20
MEMORY = 1024 * 2**20  # where the application states nothing; the worker has what is left

_PROGRAM = "instance.py"
_SCRIPT = ("python3", f"{CONFIG}/{_PROGRAM}")
_SOCKET = f"{WORK}/valkey.sock"
_VALKEY = (
    "valkey-server",
    *("--port", "0", "--unixsocket", _SOCKET, "--unixsocketperm", "700"),
    # What is queued outlives a restart; the volume is on the same host, so no more is promised.
    # --save with nothing after it: never whole; Pulumi's Docker provider takes no empty argument.
    *("--dir", WORK, "--appendonly", "yes", "--save"),
    *("--maxmemory", "40mb", "--maxmemory-policy", "noeviction"),
)


def media_volume(app: App, unit: Unit) -> str:
    return f"{instance_name(app, unit)}-media"


def work_volume(app: App, unit: Unit) -> str:
    return f"{instance_name(app, unit)}-work"


def slots(unit_ids: Iterable[str]) -> dict[str, int]:
    """Each unit's place among the instances of one host, by its id."""
    return per_unit.slots(unit_ids, SLOTS)


def _on(ctx: Context, host_id: str | None) -> tuple[Placement, ...]:
    return ctx.placements(SERVICE, lambda place: place.host == host_id)


@on_host(PART, role=ROLE)
def mayan(ctx: HostContext) -> Parts:
    """The instances of one host, each whole and apart from the others."""
    app, placed = ctx.application(SERVICE), _on(ctx, ctx.host.id)
    slot = slots(p.unit.id for p in placed)
    instances = joined(*(_instance(ctx, p, slot[p.unit.id]) for p in placed))
    parts = joined(instances, carried(placed))
    return joined(parts, _kept(app, placed)) if ctx.own else parts


def _instance(ctx: HostContext, placed: Placement, slot: int) -> Parts:
    app, unit = placed.app, placed.unit
    name = instance_name(app, unit)
    web, worker, valkey = _addresses(ctx, slot)
    port = FIRST_PORT + slot
    certificate = Certificate(
        f"mayan/{ctx.host.id}/{unit.id}",
        f"{name} {ctx.host.id}"[:64],  # as long as X.509 takes
        dns=(name, "localhost"),
        addresses=(str(ctx.host.address), web, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    # Both have loaded what is rendered, and share it with the processes that they have made.
    restarts = tuple(
        Action(f"{c}-restart", ("docker", "restart", c), c) for c in (name, f"{name}-worker")
    )
    files = (
        *_files(ctx, placed, tuple(a.id for a in restarts)),
        *tls_files(name, UID, certificate.id),  # the web server reads them at each connection
    )
    gateways = opening(ctx, port, ctx.hosts("gateway"), f"gateways: {name}, by certificate")
    return Parts(
        files=files,
        actions=restarts,
        volumes=(Volume(media_volume(app, unit)), Volume(work_volume(app, unit))),
        containers=_containers(ctx, placed, (web, worker, valkey), port),
        openings=gateways,
        secrets=(
            certificate,
            *_passwords(app, unit),
            *([Password(client_password(name))] if provider(ctx) else ()),
        ),
    )


def _addresses(ctx: HostContext, slot: int) -> tuple[str, str, str]:
    first = FIRST_ADDRESS + ADDRESSES * slot
    web, worker, valkey = (ctx.container_address(first + i) for i in range(ADDRESSES))
    return web, worker, valkey


def _containers(
    ctx: HostContext, placed: Placement, addresses: tuple[str, str, str], port: int
) -> tuple[Container, ...]:
    app, signs = placed.app, provider(ctx)
    name = instance_name(app, placed.unit)
    work = Mount("volume", work_volume(app, placed.unit), WORK, read_only=False)
    alive = Health(("CMD", *_SCRIPT, "alive"), interval=20, timeout=10, start_period=WAITS)
    mounts = (
        mounted(name, CONFIG),
        Mount("volume", media_volume(app, placed.unit), MEDIA, read_only=False),
        work,
    )
    user = f"{UID}:{UID}"
    environment = (
        ("DJANGO_SETTINGS_MODULE", "hanoi_settings"),
        ("PYTHONPATH", CONFIG),
        ("PYTHONWARNINGS", "ignore"),  # advice to developers of Mayan
        ("MALLOC_ARENA_MAX", "2"),  # threads that come and go leave less memory behind
    )
    needs = (endpoint(ctx).host, f"{name}-valkey")
    web, worker, valkey = addresses
    return (
        Container(
            name=name,
            image=IMAGE,
            user=user,
            command=(*_SCRIPT, "web"),
            address=web,
            memory=WEB_MEMORY,
            mounts=mounts,
            ports=(Published(port, PORT, str(ctx.host.address)),),
            environment=environment,
            hosts=signs.hosts if signs else (),
            stop_timeout=25,
            health=alive,
            needs=needs,
        ),
        Container(
            name=f"{name}-worker",
            image=IMAGE,
            user=user,
            command=(*_SCRIPT, "worker"),
            address=worker,
            memory=_worker_memory(app),
            mounts=mounts,
            environment=environment,
            stop_timeout=60,  # work that has begun is brought to its end
            health=Health(
                ("CMD", *_SCRIPT, "working"), interval=40, timeout=20, start_period=WAITS
            ),
            needs=needs,
        ),
        Container(
            name=f"{name}-valkey",
            image=IMAGE,
            user=user,
            command=_VALKEY,
            address=valkey,
            memory=VALKEY_MEMORY,
            mounts=(work,),
            health=Health(("CMD", "valkey-cli", "-s", _SOCKET, "ping"), interval=20),
        ),
    )


def _worker_memory(app: App) -> int:
    """Bytes: what the web server and the queue leave of the instance's."""
    return (app.resources.memory if app.resources else MEMORY) - WEB_MEMORY - VALKEY_MEMORY


def _threads(app: App) -> int:
    """How many documents are worked on at once; what comes meanwhile waits in the queue."""
    room = (_worker_memory(app) - WORKER_MEMORY) // THREAD_MEMORY
    return max(1, min(THREADS_MOST, room))


def _files(ctx: HostContext, placed: Placement, actions: tuple[str, ...]) -> tuple[File, ...]:
    app, unit = placed.app, placed.unit
    name, database, kept = instance_name(app, unit), database_name(app, unit), endpoint(ctx)
    base, owner = directory(name), str(UID)
    signs = provider(ctx)
    settings = render(
        "mayan/hanoi_settings.py.j2",
        algorithm=ALGORITHM,
        ca=CA,
        claims=json.dumps({UNIT_CLAIM: unit.id}),
        name=name,
        names=[unit_name(ctx, app, unit)],
        database=database,
        host=kept.host,
        port=kept.port,
        provider=signs,
        renewed=SIGN_ON_SECONDS,
        scopes=" ".join(SCOPES),
        sign_on=SIGN_ON,
        timezone=ctx.model.ministry.timezone,
        media=MEDIA,
        work=WORK,
        static=STATIC,
    )
    server = render("mayan/gunicorn.conf.py.j2", port=PORT, config=CONFIG, processes=PROCESSES)
    facts = {
        "database": {
            "host": kept.host,
            "port": kept.port,
            "dbname": database,
            "user": database,
            "sslmode": "verify-full",
            "sslrootcert": f"{CONFIG}/ca.crt",
            "passfile": f"{CONFIG}/pgpass",
        },
        "email": f"admin@{ctx.model.ministry.domain}",
        "health": health(app, LOGIN_PAGE)[0],
        "media": MEDIA,
        "port": PORT,
        "threads": _threads(app),
        "work": WORK,
    }
    open_ = {
        "hanoi_settings.py": settings,
        "gunicorn.conf.py": server,
        "instance.json": json.dumps(facts, indent=2, sort_keys=True) + "\n",
        _PROGRAM: render("mayan/waiting.py" if placed.waits else "mayan/instance.py"),
    }
    closed = {
        "pgpass": login(database),
        "secret_key": secret(_key(app, unit), "password") + "\n",
        "admin": secret(admin(app, unit), "password") + "\n",
    }
    if signs:
        open_ |= {f"{SIGN_ON}/{n}": render(f"mayan/{SIGN_ON}/{n}") for n in SIGN_ON_FILES}
        closed["client_secret"] = client_secret(name) + "\n"
    return (
        *(File(f"{base}/{n}", text, 0o444, actions=actions) for n, text in open_.items()),
        *(
            File(f"{base}/{n}", text, 0o400, owner, owner, actions=actions if n != "admin" else ())
            for n, text in closed.items()
        ),
    )


def _key(app: App, unit: Unit) -> str:
    """The secret's id of what signs sessions. The same at both ends of a move."""
    return f"{app.id}/key/{unit.id}"


def _passwords(app: App, unit: Unit) -> tuple[Password, ...]:
    database = Password(password_of(database_name(app, unit)))
    return (database, admin_password(app, unit), Password(_key(app, unit), 50))


@signs_on(PART)
def clients(ctx: Context) -> tuple[Client, ...]:
    """One for each unit's instance."""
    return of_units(ctx, SERVICE, CALLBACK, "/")


@once(PART)
def shared(ctx: Context) -> Parts:
    """What is in the cluster, and the pages of all units wherever they are served."""
    made = _kept(ctx.application(SERVICE), central(ctx, SERVICE))
    return joined(made, Parts(pages=pages(ctx, SERVICE, LOGIN_PAGE)))


def _kept(app: App, placed: tuple[Placement, ...]) -> Parts:
    return kept(app, placed, _first_contents, _passwords, _moved, _background, _turn_files)


def _moved(app: App, unit: Unit) -> tuple[Files, ...]:
    """All documents, with the index that finds them and the pages already drawn (the database
    counts those), and what is queued: a document that was just put in is still to be read."""
    return (
        Files(media_volume(app, unit)),
        Files(work_volume(app, unit), leaves=("tmp", Path(_SOCKET).name)),
    )


def _background(app: App, unit: Unit) -> tuple[str, ...]:
    return (f"{instance_name(app, unit)}-worker",)


def _turn_files(app: App, unit: Unit) -> tuple[str, ...]:
    return (f"{directory(instance_name(app, unit))}/{_PROGRAM}",)


def _first_contents(app: App, unit: Unit) -> OneOff:
    name = instance_name(app, unit)
    return OneOff(
        name,
        name,
        (*_SCRIPT, "ready"),
        (*_SCRIPT, "create", f"{CONFIG}/admin"),
        SET_UP_SECONDS,
    )


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """Every unit's one instance: by its container's address here, by its host's elsewhere. While
    there are two, a backend for each, named by its place alone: only maps say which of them users
    are sent to, also when another unit's move tells them what no deploy has brought yet."""
    return tuple(
        _backend(ctx, host_id, str(address), p)
        for host_id, address in [(h.id, h.address) for h in (*ctx.hosts(ROLE), *ctx.own_hosts)]
        for p in _on(ctx, host_id)
    )


def _backend(ctx: HostContext, host_id: str, address: str, placed: Placement) -> Backend:
    app, unit = placed.app, placed.unit
    slot = slots(p.unit.id for p in _on(ctx, host_id))[unit.id]
    here = host_id == ctx.host.id
    instance = (
        Instance(host_id, _addresses(ctx, slot)[0], PORT, True)
        if here
        else Instance(host_id, address, FIRST_PORT + slot, False)
    )
    path, status = health(app, LOGIN_PAGE)
    name = instance_name(app, unit)
    route = Route(unit_name(ctx, app, unit), None, unit.id, placed.paused)
    return Backend(
        name=f"{name}-on-{host_id}",
        tls_name=name,
        health_path=path,
        health_status=status,
        routes=(route,) if placed.serving else (),
        instances=(instance,),
    )
