"""Applications that speak HTTP and are described by their YAML file and an image alone.

The image is images/<app>/ of the description; what runs in it listens on a plain port inside the
host's container network. Before it stands one HAProxy for each application and host, which
speaks TLS to gateways, and to nobody else, on the application's port. With serves: one-unit each
unit has an instance on one host; with many-units one instance on each of the sites' hosts serves
all. Each unit has a database and role of its own where the application has a database.

An instance finds in /etc/app/: units.json (host name → unit's id), ca.crt, and for each unit
units/<id>/database-url and units/<id>/admin-password.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from infra.images.content import MINISTRYS
from infra.model.schema import App, Host, Unit, Web
from infra.model.web import FIRST_ADDRESS, FRONT_MEMORY, SERVICE, places
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
    Page,
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
    proxy,
    render,
    shared_name,
    unit_name,
)
from infra.services.database import endpoint, password_of
from infra.services.per_unit import (
    admin_file,
    admin_password,
    carried,
    database_name,
    health,
    instance_name,
    kept,
    nearest_first,
    page,
    slots,
)
from infra.services.tls import AUTHORITY, CA, directory, joined, mounted, opening, pem_files

PART = f"app:{SERVICE}"
ROLE = "applications"
CONFIG = "/etc/app"
URL = "database-url"
FRONT = "tls-"  # the container that speaks TLS for an application on a host: tls-<app>
FRONT_PORT = 8443  # inside its container; on the host the application's own port
CONNECTIONS = 200  # to one application on one host; what FRONT_MEMORY is enough for
# One line of HTTP from inside the container; every image on the base has bash.
_ASK = (
    "exec 3<>/dev/tcp/127.0.0.1/{port};"
    " printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' '{path}' >&3;"
    " read -r _ code _ <&3; [ $code = {status} ]"
)


@dataclass(frozen=True)
class _Instance:
    """A running copy of an application on one host, and the units that it serves there."""

    app: App
    name: str
    placed: tuple[Placement, ...]

    @property
    def web(self) -> Web:
        assert self.app.web, "the rules see to it that there is one"
        return self.app.web


def _apps(ctx: Context) -> tuple[App, ...]:
    """The applications of this service in scope, by id."""
    found = {p.app.id: p.app for p in ctx.placements(SERVICE, lambda _: True)}
    return tuple(found[i] for i in sorted(found))


def _placed(ctx: Context, app: App, own: bool) -> tuple[Placement, ...]:
    """Where the application's units are: on units' own hosts, or with the data in the cluster."""
    placed = ctx.placements(SERVICE, lambda place: place.own is own)
    return tuple(p for p in placed if p.app.id == app.id)


def _container(app: App) -> str:
    return f"{MINISTRYS}{app.id}"


def _instances(ctx: Context, app: App, host: Host, own: bool) -> tuple[_Instance, ...]:
    """What runs of the application on a host, in order of units."""
    wanted = {host.id} if own or app.serves == "one-unit" else {host.id, None}
    here = tuple(p for p in _placed(ctx, app, own) if p.place.host in wanted)
    if app.serves == "many-units":
        return (_Instance(app, _container(app), here),) if here else ()
    return tuple(_Instance(app, f"{MINISTRYS}{instance_name(app, p.unit)}", (p,)) for p in here)


def _addresses(ctx: HostContext) -> dict[str, str]:
    """Container → its address, of all that this service runs on the host."""
    names = []
    for app in _apps(ctx):
        if found := _instances(ctx, app, ctx.host, ctx.own):
            names += [FRONT + app.id, *(i.name for i in found)]
    taken = slots(names, places(ctx.container_network))
    return {n: ctx.container_address(FIRST_ADDRESS + slot) for n, slot in taken.items()}


@on_host(PART, role=ROLE)
def web(ctx: HostContext) -> Parts:
    """The instances of one host, each application with its front."""
    address = _addresses(ctx)
    built = []
    for app in _apps(ctx):
        if found := _instances(ctx, app, ctx.host, ctx.own):
            built += [_front(ctx, app, found, address)]
            built += [_instance(ctx, i, address[i.name]) for i in found]
            placed = tuple(p for i in found for p in i.placed)
            if app.web and app.web.volumes:
                built.append(carried(placed))
            if ctx.own:
                built.append(_kept(app, placed))
    return joined(*built)


def _instance(ctx: HostContext, instance: _Instance, address: str) -> Parts:
    app, name, web = instance.app, instance.name, instance.web
    restart = Action(f"{name}-restart", ("docker", "restart", name), name)
    memory = app.resources.memory if app.resources else 0
    path, status = health(app)
    ask = _ASK.format(port=web.port, path=path, status=status)
    volumes = _volumes(instance)
    return Parts(
        files=_files(ctx, instance, restart.id),
        actions=(restart,),
        volumes=tuple(Volume(source) for source, _ in volumes),
        containers=(
            Container(
                name=name,
                image=_container(app),
                user=f"{web.user}:{web.user}",
                command=web.command,
                address=address,
                memory=memory - FRONT_MEMORY,
                mounts=(
                    mounted(name, CONFIG),
                    *(Mount("volume", s, path, read_only=False) for s, path in volumes),
                ),
                environment=_environment(instance),
                health=Health(("CMD", "bash", "-c", ask), interval=10),
                needs=(endpoint(ctx).host,) if app.database else (),
            ),
        ),
        secrets=tuple(s for p in instance.placed for s in _passwords(app, p.unit)),
    )


def _volumes(instance: _Instance) -> tuple[tuple[str, str], ...]:
    """(volume, where it is mounted); named by the unit's instance, as a move takes it along."""
    paths = [v.path for v in instance.web.volumes]
    found = (zip(_volume_names(instance.app, p.unit), paths, strict=True) for p in instance.placed)
    return tuple(pair for pairs in found for pair in pairs)


def _environment(instance: _Instance) -> tuple[tuple[str, str], ...]:
    """What the description states, and where to find what is mounted. No secret is in it."""
    told = {**instance.web.environment, "UNITS_FILE": f"{CONFIG}/units.json"}
    if instance.app.serves == "one-unit":
        (unit,) = (p.unit.id for p in instance.placed)
        told["UNIT"] = unit
        if instance.app.database:
            told["DATABASE_URL_FILE"] = f"{CONFIG}/units/{unit}/{URL}"
            told["ADMIN_PASSWORD_FILE"] = f"{CONFIG}/units/{unit}/admin-password"
    return tuple(sorted(told.items()))


def _files(ctx: HostContext, instance: _Instance, restart: str) -> tuple[File, ...]:
    """A restart follows, as nothing is known of how the application reads a file again."""
    app, base, owner = instance.app, directory(instance.name), str(instance.web.user)
    units = {unit_name(ctx, app, p.unit): p.unit.id for p in instance.placed}
    text = json.dumps(units, indent=2, sort_keys=True) + "\n"
    many = app.serves == "many-units"  # one unit's own is told its unit, whatever its names are
    files = [
        File(f"{base}/units.json", text, 0o444, actions=(restart,) if many else ()),
        File(f"{base}/{CA}", AUTHORITY, 0o444, actions=(restart,)),
    ]
    for p in instance.placed if app.database else ():
        place = f"{base}/units/{p.unit.id}"
        url = _url(ctx, database_name(app, p.unit), waits=p.waits)
        files += [
            File(f"{place}/{URL}", url, 0o400, owner, owner, actions=(restart,)),
            admin_file(f"{place}/admin-password", instance.web.user, app, p.unit),
        ]
    return tuple(files)


def _url(ctx: HostContext, database: str, *, waits: bool) -> str:
    """As libpq and its like read it. A generated password has letters and digits only. A copy that
    must not work gets none, so that the database does not let it in."""
    at = endpoint(ctx)
    password = "" if waits else f":{secret(password_of(database), 'password')}"
    place = f"{database}{password}@{at.host}:{at.port}/{database}"
    return f"postgresql://{place}?sslmode=verify-full&sslrootcert={CONFIG}/{CA}\n"


def _front(
    ctx: HostContext, app: App, instances: tuple[_Instance, ...], address: dict[str, str]
) -> Parts:
    """TLS for all instances of one application on the host, told apart by the host name."""
    name = FRONT + app.id
    own, host = address[name], str(ctx.host.address)
    certificate = Certificate(
        f"{app.id}/tls/{ctx.host.id}",
        f"{name} {ctx.host.id}"[:64],  # as long as X.509 takes
        dns=tuple(i.name for i in instances),
        addresses=(host, own),
    )
    reload, base = f"{name}-reload", directory(name)
    config = render(
        "web/haproxy.cfg.j2",
        instances=[{"name": i.name, "address": address[i.name]} for i in instances],
        config=proxy.CONFIG,
        port=FRONT_PORT,
        inner_port=instances[0].web.port,
        health_port=proxy.HEALTH_PORT,
        connections=CONNECTIONS,
        gateway=f"gateway.{ctx.model.ministry.domain}",
    )
    hosts = "".join(f"{h} {i.name}\n" for i in instances for h in _host_names(ctx, i))
    port = app.port or 0
    return Parts(
        files=(
            File(f"{base}/haproxy.cfg", config, 0o444, actions=(reload,)),
            File(f"{base}/hosts.map", hosts, 0o444, actions=(reload,)),
            *pem_files(name, proxy.UID, certificate.id, (reload,)),
        ),
        actions=(Action(reload, ("docker", "exec", name, "sh", "-c", proxy.RELOAD_SCRIPT), name),),
        containers=(
            Container(
                name=name,
                image=proxy.IMAGE,
                user=f"{proxy.UID}:{proxy.UID}",
                command=proxy.COMMAND,
                address=own,
                memory=FRONT_MEMORY * len(instances),
                mounts=(mounted(name, proxy.CONFIG),),
                ports=(Published(port, FRONT_PORT, host),),
                stop_signal="SIGUSR1",
                stop_timeout=10,
                health=proxy.HEALTH,
            ),
        ),
        openings=opening(ctx, port, ctx.hosts("gateway"), f"gateways: {app.id}, by certificate"),
        secrets=(certificate,),
    )


def _host_names(ctx: HostContext, instance: _Instance) -> Iterator[str]:
    """What users ask for, and the name by which gateways ask whether it is well."""
    yield instance.name
    if instance.app.serves == "many-units" and not ctx.own:
        yield shared_name(ctx, instance.app)
    yield from (unit_name(ctx, instance.app, p.unit) for p in instance.placed)


@once(PART)
def shared(ctx: Context) -> Parts:
    """What is in the cluster, and the pages of all units wherever they are served."""
    built = []
    for app in _apps(ctx):
        built += [_kept(app, _placed(ctx, app, own=False)), Parts(pages=tuple(_pages(ctx, app)))]
    return joined(*built)


def _pages(ctx: Context, app: App) -> Iterator[Page]:
    central = _placed(ctx, app, own=False)
    if app.serves == "many-units" and central:
        yield Page(shared_name(ctx, app), *health(app), app.id)
    for p in (*central, *_placed(ctx, app, own=True)):
        if p.serving:
            yield page(ctx, p, *health(app))


def _kept(app: App, placed: tuple[Placement, ...]) -> Parts:
    if app.database is None:
        return Parts()
    web = app.web
    first_contents = _first_contents if web and web.set_up else None
    return kept(app, placed, first_contents, _passwords, _moved, turn_files=_turn_files)


def _moved(app: App, unit: Unit) -> tuple[Files, ...]:
    return tuple(Files(name) for name in _volume_names(app, unit))


def _turn_files(app: App, unit: Unit) -> tuple[str, ...]:
    """None where it keeps no files: a move finds by these what it stops and starts."""
    base = directory(f"{MINISTRYS}{instance_name(app, unit)}")
    return (f"{base}/units/{unit.id}/{URL}",) if _volume_names(app, unit) else ()


def _volume_names(app: App, unit: Unit) -> tuple[str, ...]:
    volumes = app.web.volumes if app.web else ()
    return tuple(f"{instance_name(app, unit)}-{v.name}" for v in volumes)


def _passwords(app: App, unit: Unit) -> tuple[Password, ...]:
    if app.database is None:
        return ()
    return (Password(password_of(database_name(app, unit))), admin_password(app, unit))


def _first_contents(app: App, unit: Unit) -> OneOff:
    assert app.web and app.web.set_up, "asked for only where there is one"
    name, steps = instance_name(app, unit), app.web.set_up
    container = _container(app) if app.serves == "many-units" else f"{MINISTRYS}{name}"
    return OneOff(name, container, (*steps.done, unit.id), (*steps.run, unit.id), steps.seconds)


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """Every application's instances; those that serve all units under its own name too."""
    return tuple(b for app in _apps(ctx) for b in _backends(ctx, app))


def _backends(ctx: HostContext, app: App) -> Iterator[Backend]:
    central = _placed(ctx, app, own=False)
    hosts = ctx.hosts(ROLE)
    if app.serves == "many-units":
        if central:
            own_name = Route(shared_name(ctx, app))
            found = nearest_first(_at(ctx, app, h) for h in hosts)
            yield _backend(ctx, app, app.id, _container(app), central, found, own_name)
    else:
        for host in hosts:
            for i in _instances(ctx, app, host, own=False):
                name = f"{instance_name(app, i.placed[0].unit)}-on-{host.id}"
                yield _backend(ctx, app, name, i.name, i.placed, (_at(ctx, app, host),))
    for host in ctx.own_hosts:
        for i in _instances(ctx, app, host, own=True):
            name = f"{app.id}-on-{host.id}"
            yield _backend(ctx, app, name, i.name, i.placed, (_at(ctx, app, host),))


def _at(ctx: HostContext, app: App, host: Host) -> Instance:
    """The application's front on a host, as the gateway of ctx.host reaches it."""
    if host.id == ctx.host.id:
        return Instance(host.id, _addresses(ctx)[FRONT + app.id], FRONT_PORT, True)
    return Instance(host.id, str(host.address), app.port or 0, False)


def _backend(
    ctx: HostContext,
    app: App,
    name: str,
    tls_name: str,
    placed: tuple[Placement, ...],
    instances: tuple[Instance, ...],
    *routes: Route,
) -> Backend:
    units = (
        Route(unit_name(ctx, app, p.unit), None, p.unit.id, p.paused) for p in placed if p.serving
    )
    path, status = health(app)
    return Backend(name, tls_name, path, status, (*routes, *units), instances)
