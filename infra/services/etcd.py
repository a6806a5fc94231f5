"""etcd: the three-site quorum that decides which PostgreSQL member leads.

etcd 3.5. Clients and peers both show a certificate of the private authority. It keeps a few
kilobytes of cluster state, no application data.
"""

from __future__ import annotations

from infra.model.schema import Host
from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Health,
    Mount,
    Parts,
    Published,
    Volume,
)
from infra.services import Context, HostContext, on_host, render
from infra.services.tls import CA, CERT, KEY, directory, mounted, opening, tls_files

NAME = "etcd"
ROLE = "database"
CLIENT_PORT = 2379
PEER_PORT = 2380
ADDRESS = 11
UID = 10379
CONFIG = "/etc/etcd"
DATA = "/var/lib/etcd"
VOLUME = "etcd-data"
MEMORY = 256 * 2**20
# etcd's own defaults, far above a round trip between sites of one city. A writer waits for the
# election once, and a new etcd leader adds its time to every lease once more.
HEARTBEAT_MS = 100
ELECTION_MS = 1000
QUOTA_BYTES = 256 * 2**20
RESTART = "etcd-restart"

_ETCDCTL = (
    "etcdctl",
    f"--endpoints=https://127.0.0.1:{CLIENT_PORT}",
    f"--cacert={CONFIG}/{CA}",
    f"--cert={CONFIG}/{CERT}",
    f"--key={CONFIG}/{KEY}",
    "--command-timeout=4s",
    "endpoint",
    "health",
)
GATE = (*_ETCDCTL, "--cluster")


def client_addresses(ctx: Context) -> tuple[str, ...]:
    """host:port of every member, for clients."""
    return tuple(f"{h.address}:{CLIENT_PORT}" for h in ctx.hosts(ROLE))


@on_host("database", role=ROLE)
def etcd(ctx: HostContext) -> Parts:
    """One voting member."""
    own = ctx.container_address(ADDRESS)
    certificate = Certificate(
        f"etcd/{ctx.host.id}",
        f"{NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        # A member is a client of the others, and its own gateway is a client of itself.
        usages=("server", "client"),
    )
    members = ctx.hosts(ROLE)
    return Parts(
        # etcd reads its certificate and key anew for every connection; only the authority's
        # certificate and the settings need a restart.
        files=(
            File(f"{directory(NAME)}/etcd.yaml", _config(ctx, members), 0o444, actions=(RESTART,)),
            *tls_files(NAME, UID, certificate.id),
        ),
        actions=(Action(RESTART, ("docker", "restart", NAME), NAME),),
        volumes=(Volume(VOLUME),),
        containers=(_container(ctx, own),),
        openings=(
            *opening(ctx, CLIENT_PORT, members, "etcd clients: Patroni of the members"),
            *opening(ctx, PEER_PORT, members, "etcd peers: the other members"),
        ),
        secrets=(certificate,),
    )


def _config(ctx: HostContext, members: tuple[Host, ...]) -> str:
    return render(
        "etcd/etcd.yaml.j2",
        name=ctx.host.id,
        address=ctx.host.address,
        members=members,
        token=ctx.model.ministry.id,
        client_port=CLIENT_PORT,
        peer_port=PEER_PORT,
        config=CONFIG,
        data=DATA,
        heartbeat=HEARTBEAT_MS,
        election=ELECTION_MS,
        quota=QUOTA_BYTES,
    )


def _container(ctx: HostContext, own: str) -> Container:
    host = str(ctx.host.address)
    return Container(
        name=NAME,
        image=NAME,
        user=f"{UID}:{UID}",
        command=("etcd", "--config-file", f"{CONFIG}/etcd.yaml"),
        address=own,
        memory=MEMORY,
        mounts=(mounted(NAME, CONFIG), Mount("volume", VOLUME, DATA, read_only=False)),
        ports=(
            Published(CLIENT_PORT, CLIENT_PORT, host),
            Published(PEER_PORT, PEER_PORT, host),
        ),
        health=Health(("CMD", *_ETCDCTL), interval=15, timeout=6),
        votes_in=NAME,
        gate=GATE,
    )
