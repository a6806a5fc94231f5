"""The database's two endpoints, on every host: HAProxy in front of the PostgreSQL members.

Writing goes where Patroni says that the primary is, never where a port merely answers. TLS
is passed through, so it reaches from the client to PostgreSQL and the client's password goes
to no one in between. Clients verify the certificate against the name `database-proxy` or
the address of the host that they connect to.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.resources import Action, Certificate, Container, File, Health, Parts, Published
from infra.services import HostContext, on_host, postgres, render
from infra.services.tls import directory, mounted, opening, pem_files

NAME = postgres.PROXY_NAME
PORT = 6432  # read and write: the primary
READ_PORT = 6433  # read only: a replica, the primary while there is none
HEALTH_PORT = 8404  # plain HTTP on the container's loopback only
ADDRESS = postgres.PROXY_ADDRESS
UID = 10080
CONFIG = "/etc/haproxy"
IMAGE = "haproxy"
MEMORY = 128 * 2**20
RELOAD = "database-proxy-reload"

# The new file is tried before the running process is told: a bad one changes nothing.
RELOAD_SCRIPT = f"haproxy -c -q -f {CONFIG}/haproxy.cfg && kill -USR2 1"
COMMAND = ("haproxy", "-W", "-db", "-f", f"{CONFIG}/haproxy.cfg")
HEALTH = Health(
    (
        "CMD",
        "bash",
        "-c",
        f"exec 3<>/dev/tcp/127.0.0.1/{HEALTH_PORT};"
        " printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ code _ <&3; [ $code = 200 ]",
    ),
    interval=10,
    start_period=15,
)


@dataclass(frozen=True)
class Member:
    """A PostgreSQL member as this proxy reaches it; local: on the same host."""

    name: str
    address: str
    local: bool


@on_host("database")
def proxy(ctx: HostContext) -> Parts:
    """The endpoints of one host."""
    host = str(ctx.host.address)
    certificate = Certificate(
        f"database-proxy/{ctx.host.id}", f"{NAME} {ctx.host.id}", usages=("client",)
    )
    text = render(
        "proxy/haproxy.cfg.j2",
        members=_members(ctx),
        config=CONFIG,
        port=PORT,
        read_port=READ_PORT,
        health_port=HEALTH_PORT,
        postgres_port=postgres.PORT,
        rest_port=postgres.REST_PORT,
        tls_name=postgres.TLS_NAME,
    )
    return Parts(
        files=(
            File(f"{directory(NAME)}/haproxy.cfg", text, 0o444, actions=(RELOAD,)),
            *pem_files(NAME, UID, certificate.id, (RELOAD,)),
        ),
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
                ports=(Published(PORT, PORT, host), Published(READ_PORT, READ_PORT, host)),
                stop_signal="SIGUSR1",  # HAProxy's own for an orderly end
                stop_timeout=5,
                health=HEALTH,
            ),
        ),
        openings=(
            *opening(ctx, PORT, ctx.hosts(), "database, read and write, from the sites' hosts"),
            *opening(ctx, PORT, ctx.moving_hosts, "units' own databases while data moves"),
            *opening(ctx, READ_PORT, ctx.hosts(), "database, read only, from the sites' hosts"),
        ),
        secrets=(certificate,),
    )


def _members(ctx: HostContext) -> tuple[Member, ...]:
    """The member on this host first, by its container's address, so that no packet of it
    leaves the container network; the others by their hosts' addresses."""
    own = ctx.container_address(postgres.ADDRESS)
    found = (
        Member(h.id, own if h.id == ctx.host.id else str(h.address), h.id == ctx.host.id)
        for h in ctx.hosts(postgres.ROLE)
    )
    return tuple(sorted(found, key=lambda m: (not m.local, m.name)))
