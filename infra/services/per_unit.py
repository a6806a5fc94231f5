"""What applications with a database for each unit have in common.

Names are made of ids, which never change: renaming a unit replaces no container and leaves its
data where it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from infra.model.schema import App, Unit
from infra.placement import Placement
from infra.resources import File, Files, OneOff, Page, Parts, Password, secret
from infra.services import Context, HostContext, Instance, unit_name
from infra.services.database import owned
from infra.services.tls import joined

FIRST_USER = "admin"  # what each application's own script calls the user that it makes


def slots(ids: Iterable[str], size: int) -> dict[str, int]:
    """Each id's place, from 0, among `size` places of one host; there are no more ids than that.

    It follows from the id, so that one that comes or goes moves no other; only where two ids
    fall on one place, the later of the two takes the next free one.
    """
    taken: dict[int, str] = {}
    for name in sorted(ids):
        wanted = zlib.crc32(name.encode())
        free = (slot for i in range(size) if (slot := (wanted + i) % size) not in taken)
        taken[next(free)] = name
    return {name: slot for slot, name in taken.items()}


def instance_name(app: App, unit: Unit) -> str:
    """A unit's application, as its containers and its first contents are called."""
    return f"{app.id}-{unit.id}"


def database_name(app: App, unit: Unit) -> str:
    """The unit's database, and its role."""
    return instance_name(app, unit).replace("-", "_")


def admin(app: App, unit: Unit) -> str:
    """The secret's id of the first user of a unit's application."""
    return f"{app.id}/admin/{unit.id}"


def admin_password(app: App, unit: Unit) -> Password:
    return Password(admin(app, unit), 24)


def admin_file(path: str, uid: int, app: App, unit: Unit) -> File:
    """The first user's password, for the container's own user only."""
    content = secret(admin(app, unit), "password") + "\n"
    return File(path, content, 0o400, str(uid), str(uid))


def health(app: App, path: str = "/") -> tuple[str, int]:
    """(path, status) of the application's health check; path: where the description has none."""
    return (app.health.path, app.health.status) if app.health else (path, 200)


def kept(
    app: App,
    placed: tuple[Placement, ...],
    first_contents: Callable[[App, Unit], OneOff] | None,
    secrets: Callable[[App, Unit], tuple[Password, ...]] = lambda a, u: (admin_password(a, u),),
    files: Callable[[App, Unit], tuple[Files, ...]] = lambda a, u: (),
    background: Callable[[App, Unit], tuple[str, ...]] = lambda a, u: (),
    turn_files: Callable[[App, Unit], tuple[str, ...]] = lambda a, u: (),
) -> Parts:
    """A database for each unit with its own role, and its first contents where there are any.

    A second database lets nobody in, and gets its contents from the first. files, background,
    turn_files: what a move has to know (infra.resources.Data).
    """
    extensions = app.database.extensions if app.database else ()
    names = {p.unit.id: database_name(app, p.unit) for p in placed}  # one, also of two places
    served = {p.unit.id for p in placed if p.serving}
    return joined(
        *(owned(name, extensions, login=unit in served) for unit, name in names.items()),
        Parts(
            secrets=tuple(s for p in placed for s in secrets(app, p.unit)),
            oneoffs=tuple(
                replace(first_contents(app, p.unit), host=p.place.host)
                for p in placed
                if first_contents and p.serving and not p.waits
            ),
            data=tuple(
                p.data(
                    names[p.unit.id],
                    files(app, p.unit),
                    background(app, p.unit),
                    turn_files(app, p.unit),
                )
                for p in placed
            ),
        ),
    )


def carried(placed: tuple[Placement, ...]) -> Parts:
    """What a host needs, of whose files some are on their way to or from another."""
    return Parts(packages=("rsync",)) if any(p.moving for p in placed) else Parts()


def central(ctx: Context, service: str) -> tuple[Placement, ...]:
    """The service's placements whose data is in the cluster."""
    return ctx.placements(service, lambda place: not place.own)


def pages(ctx: Context, service: str, path: str) -> tuple[Page, ...]:
    """The page of every unit, wherever it is served."""
    placed = ctx.placements(service, lambda _: True)
    return tuple(page(ctx, p, path) for p in placed if p.serving)


def page(ctx: Context, placed: Placement, path: str, status: int = 200) -> Page:
    """One unit's page."""
    name = unit_name(ctx, placed.app, placed.unit)
    return Page(name, path, status, placed.app.id, placed.unit.id)


def instances(ctx: HostContext, role: str, port: int, address: int) -> tuple[Instance, ...]:
    """One on each of the sites' hosts with the role, as the gateway of ctx.host reaches them: its
    own first and by its container's address, the others by their hosts'."""
    own = ctx.container_address(address)
    found = (
        Instance(h.id, own if h.id == ctx.host.id else str(h.address), port, h.id == ctx.host.id)
        for h in ctx.hosts(role)
    )
    return nearest_first(found)


def nearest_first(found: Iterable[Instance]) -> tuple[Instance, ...]:
    """That of the gateway's own host before the others."""
    return tuple(sorted(found, key=lambda i: (not i.local, i.host)))


def behind(
    ctx: HostContext, service: str, role: str, port: int, address: int
) -> Iterator[tuple[str, tuple[Placement, ...], tuple[Instance, ...]]]:
    """(a backend's name, the units served there, its instances) of a service whose instances
    serve many units: the shared ones, then each unit's own host."""
    app = ctx.application(service)
    if shared := central(ctx, service):
        yield app.id, shared, instances(ctx, role, port, address)
    for host in ctx.own_hosts:
        if there := ctx.placements(service, lambda place, name=host.id: place.host == name):  # type: ignore[misc]
            here = (Instance(host.id, str(host.address), port, False),)
            yield f"{app.id}-on-{host.id}", there, here
