"""Applications that are described by their YAML file and an image alone (service: web)."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.files import IMAGES
from infra.model.positions import Path
from infra.model.rules import Broken, View, instances, rule
from infra.model.scalars import written_size
from infra.model.schema import App, Site, UnitHost, Web
from infra.model.web import (
    FIRST_PORT,
    FRONT_MEMORY,
    LAST_PORT,
    LEAST_MEMORY,
    SERVICE,
    TOLD,
    places,
)


def _described(view: View) -> Iterator[tuple[App, Web]]:
    for app in view.apps:
        if app.service == SERVICE and app.web:
            yield app, app.web


@rule("HN-M083")
def service_and_description_fit(view: View) -> Iterator[Broken]:
    """The service web knows nothing but the description, and no other service reads it."""
    for app in view.apps:
        if app.service == SERVICE and app.web is None:
            what = 'the key "web" is missing, and the service is web'
            yield Broken(app, ("web",), what, "add web: with user, port and command")
        elif app.web and app.service != SERVICE:
            what = "only the service web reads this"
            yield Broken(app, ("web",), what, "write service: web, or remove web:")


@rule("HN-M084")
def web_applications_can_run(view: View) -> Iterator[Broken]:
    """What cannot be kept, moved or told apart is refused, not run in part."""
    for app, web in _described(view):
        yield from _size_and_port(app)
        yield from _data(app, web)
        for name in web.environment:
            if name in TOLD:
                what = f"{name} is what the toolkit tells the application"
                yield Broken(app, ("web", "environment", name), what, "choose another name")


def _size_and_port(app: App) -> Iterator[Broken]:
    if app.port and not FIRST_PORT <= app.port <= LAST_PORT:
        what = f"the port {app.port} is not one of those for such applications"
        yield Broken(app, ("port",), what, f"choose one from {FIRST_PORT} to {LAST_PORT}")
    least = FRONT_MEMORY + LEAST_MEMORY
    if app.resources and app.resources.memory < least:
        front = written_size(FRONT_MEMORY)
        what = f"the memory is too little: {front} of it are for the TLS before the application"
        yield Broken(app, ("resources", "memory"), what, f"write {written_size(least)} or more")


def _data(app: App, web: Web) -> Iterator[Broken]:
    if app.database and app.database.per != "unit":
        what = "one database for all units, which none of them could move with"
        yield Broken(app, ("database", "per"), what, "write per: unit")
    if app.database is None and web.set_up:
        what = "there is no database to set up"
        yield Broken(app, ("web", "set_up"), what, "add database:, or remove set_up:")
    if web.volumes and app.database is None:
        what = "files alone cannot move with their unit"
        yield Broken(app, ("web", "volumes"), what, "add database: {per: unit}, or remove volumes:")
    if web.volumes and app.serves == "many-units":
        what = "instances at several sites do not share their files"
        remedy = "write serves: one-unit, or keep everything in the database"
        yield Broken(app, ("web", "volumes"), what, remedy)
    for key in ("name", "path"):
        seen: set[str] = set()
        for n, volume in enumerate(web.volumes):
            value = getattr(volume, key)
            if value in seen:
                at: Path = ("web", "volumes", n, key)
                yield Broken(app, at, f"the {key} {value} is there twice", f"choose another {key}")
            seen.add(value)


@rule("HN-M085")
def web_applications_have_an_image(view: View) -> Iterator[Broken]:
    """Known before anything is built."""
    for app, _ in _described(view):
        if app.id not in view.ids("image"):
            what = f"there is no {IMAGES}/{app.id}/Dockerfile beside apps/"
            yield Broken(app, ("web",), what, "add it; docs/applications.md shows one")


@rule("HN-M086")
def web_applications_have_addresses(view: View) -> Iterator[Broken]:
    """Every instance, and the TLS before them, has an address of its own on its host."""
    for owner, at, host in view.hosts():
        if isinstance(host, UnitHost):
            network, at = host.container_network, (*at, "container_network")
        elif isinstance(owner, Site):
            network, at = owner.container_network, ("container_network",)
        counts = [instances(view, app, host) for app, _ in _described(view)]
        wanted = sum(n + 1 for n in counts if n)
        if wanted > (there := places(network)):
            what = (
                f"{host.id} would have {wanted} containers of web applications, and {network}"
                f" has addresses for {there}"
            )
            yield Broken(owner, at, what, "widen it before the first deploy, or place less there")
