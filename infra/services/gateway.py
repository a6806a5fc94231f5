"""The way in for users: HTTPS by host name at every site, HAProxy.

Any site's gateway serves every application: through the instance on its own host if it
answers, else through another site's. Modules say what they offer with @behind_gateway.
"""

from __future__ import annotations

from infra.resources import Action, Certificate, Container, File, Opening, Parts, Published
from infra.services import Backend, HostContext, backends, interconnection, on_host, render
from infra.services.interconnection import Redirect, redirects
from infra.services.proxy import COMMAND, CONFIG, HEALTH, HEALTH_PORT, IMAGE, RELOAD_SCRIPT, UID
from infra.services.relying_party import without_gateway
from infra.services.tls import directory, mounted, opening, pem_files

NAME = "gateway"
ROLE = "gateway"
PORT = 443
PLAIN_PORT = 80  # answers with a redirect to PORT only
INNER_PORT = 10443
INNER_PLAIN_PORT = 10080
ADDRESS = 14
MEMORY = 256 * 2**20
HSTS_SECONDS = 31536000
RETRY_AFTER = 15  # seconds: about as long as the database needs to choose a new primary
PAUSE_SECONDS = 10  # what users are asked to wait while a unit's data moves, before they retry
RELOAD = "gateway-reload"
ADMIN_PORT = 8405  # HAProxy's administration, on the container's loopback only
# What reads one command on standard input and prints HAProxy's answer.
SPEAK = (
    "bash",
    "-c",
    f"exec 3<>/dev/tcp/127.0.0.1/{ADMIN_PORT}; cat >&3; timeout 5 cat <&3",
)
# Looked up by host name at each request: where it is served, where its bare address leads, who
# is asked to wait.
MAPS = ("hosts.map", "starts.map", "paused.map")


@on_host("gateway", role=ROLE)
def gateway(ctx: HostContext) -> Parts:
    """The gateway of one host."""
    host = str(ctx.host.address)
    served = backends(ctx)
    certificate = _certificate(ctx, served)
    users = tuple(str(n) for n in ctx.model.ministry.user_networks)
    return Parts(
        files=(*_files(served, redirects(ctx)), *pem_files(NAME, UID, certificate.id, (RELOAD,))),
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", RELOAD_SCRIPT), NAME),),
        containers=(
            Container(
                name=NAME,
                image=IMAGE,
                user=f"{UID}:{UID}",
                command=COMMAND,
                address=ctx.container_address(ADDRESS),
                memory=MEMORY,
                mounts=(mounted(NAME, CONFIG),),
                ports=(
                    Published(PORT, INNER_PORT, host),
                    Published(PLAIN_PORT, INNER_PLAIN_PORT, host),
                ),
                stop_signal="SIGUSR1",
                stop_timeout=10,
                health=HEALTH,
            ),
        ),
        openings=(
            Opening(PORT, users, "users: applications over HTTPS"),
            Opening(PLAIN_PORT, users, "users: redirect to HTTPS"),
            *opening(ctx, PORT, without_gateway(ctx), "applications: sign-on"),
        ),
        secrets=(certificate,),
    )


def _certificate(ctx: HostContext, served: tuple[Backend, ...]) -> Certificate:
    """For users by every host name in scope, and for applications as their client."""
    names = (*(r.host for b in served for r in b.routes), *(r.host for r in redirects(ctx)))
    own = f"gateway.{ctx.model.ministry.domain}"
    return Certificate(
        f"gateway/{ctx.host.id}",
        own,
        dns=(own, *names),
        addresses=(str(ctx.host.address),),
        usages=("server", "client"),
    )


def _files(served: tuple[Backend, ...], elsewhere: tuple[Redirect, ...]) -> tuple[File, ...]:
    base = directory(NAME)
    routes = tuple((r, b) for b in served for r in b.routes)
    config = render(
        "gateway/haproxy.cfg.j2",
        backends=served,
        config=CONFIG,
        port=INNER_PORT,
        plain_port=INNER_PLAIN_PORT,
        health_port=HEALTH_PORT,
        admin_port=ADMIN_PORT,
        hsts=HSTS_SECONDS,
        elsewhere_status=interconnection.STATUS,
        pause=PAUSE_SECONDS,
    )
    hosts = "".join(f"{r.host} {b.name}\n" for r, b in routes)
    starts = "".join(f"{r.host} {r.start}\n" for r, _ in routes if r.start)
    prefixes = "".join(f"{r.host} {r.prefix}\n" for r, _ in routes if r.prefix)
    contents = {
        "haproxy.cfg": config,
        "hosts.map": hosts,
        "starts.map": starts,
        "elsewhere.map": "".join(f"{r.host} {r.to}\n" for r in elsewhere),
        "paused.map": "".join(f"{r.host} paused\n" for r, _ in routes if r.paused),
        "prefixes.map": prefixes,
        "421.html": render("gateway/421.html"),
        "paused.html": render("gateway/paused.html"),
        "503.http": render("gateway/503.http.j2", retry_after=RETRY_AFTER),
    }
    return tuple(
        File(f"{base}/{name}", text, 0o444, actions=(RELOAD,)) for name, text in contents.items()
    )
