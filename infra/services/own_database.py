"""A unit's own PostgreSQL 17, on the host where the unit runs its applications itself.

One server, without Patroni: what protects it is the nightly copy (infra/services/backup.py) and
the unit's own host. Settings that matter for safety are those of the central cluster. Data
moves between the two by logical replication, as the role `mover`, which shows the certificate of
a PostgreSQL server of ours and has no password.
"""

from __future__ import annotations

from infra.placement import Place
from infra.resources import (
    Action,
    Certificate,
    Container,
    Copies,
    File,
    Health,
    Mount,
    Parts,
    Published,
    Volume,
)
from infra.services import OWN_DATABASE, HostContext, on_host, postgres, render
from infra.services.tls import directory, mounted, opening, tls_files

NAME = "own-database"
IMAGE = postgres.NAME
PORT = postgres.PORT
ADDRESS = 12
UID = postgres.UID
CONFIG = "/etc/postgres"
VOLUME = "own-database-data"
STORE = "/backup"  # where the container sees the unit's store for copies
MEMORY = 768 * 2**20
RELOAD = "own-database-reload"
STANZA = "own"
COPIES = ("pgbackrest", f"--config={CONFIG}/pgbackrest.conf", f"--stanza={STANZA}")


@on_host(OWN_DATABASE)
def own_database(ctx: HostContext) -> Parts:
    """The server of one unit's host."""
    host = str(ctx.host.address)
    certificate = Certificate(
        f"own-database/{ctx.host.id}",
        f"{postgres.TLS_NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(host, ctx.container_address(ADDRESS), "127.0.0.1"),
        usages=("server", "client"),  # client of the cluster, while data moves here
    )
    return Parts(
        files=(*_files(ctx), *tls_files(NAME, UID, certificate.id, (RELOAD,))),
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", "kill -HUP 1"), NAME),),
        volumes=(Volume(VOLUME),),
        containers=(
            Container(
                name=NAME,
                image=IMAGE,
                user=f"{UID}:{UID}",
                command=("sh", f"{CONFIG}/start.sh"),
                address=ctx.container_address(ADDRESS),
                memory=MEMORY,
                mounts=(
                    mounted(NAME, CONFIG),
                    Mount("volume", VOLUME, postgres.DATA, read_only=False),
                    *_store(ctx),
                ),
                ports=(Published(PORT, PORT, host),),
                tmpfs=("/tmp", "/run", postgres.SOCKET),
                shm=postgres.SHM,
                stop_signal="SIGINT",
                stop_timeout=postgres.STOP_TIMEOUT,
                health=Health(
                    ("CMD", "pg_isready", "-q", "-h", postgres.SOCKET, "-U", postgres.SUPERUSER),
                    interval=10,
                    start_period=60,
                ),
            ),
        ),
        openings=opening(ctx, PORT, ctx.moving_hosts, "the central cluster, while data moves"),
        secrets=(certificate,),
    )


def copies(ctx: HostContext) -> Copies | None:
    """Those of this host's database. Rules see to it that what a unit says for several applications
    is one thing; what it says now goes before what it said of one that leaves."""
    here = Place(ctx.host.id, own=True)
    placed = [p for p in ctx.scope.placements if p.place == here and p.copies]
    return next((p.copies for p in sorted(placed, key=lambda p: not p.wanted)), None)


def _store(ctx: HostContext) -> tuple[Mount, ...]:
    made = copies(ctx)
    return (Mount("bind", made.directory, STORE, read_only=False),) if made else ()


def _files(ctx: HostContext) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    wanted = ctx.model.ministry.database
    settings = render(
        "own_database/postgresql.conf.j2",
        port=PORT,
        config=CONFIG,
        socket=postgres.SOCKET,
        max_connections=wanted.max_connections,
        max_slot_wal_keep_size=f"{wanted.max_slot_wal_keep_size // 2**20}MB",
        timezone=ctx.model.ministry.timezone,
        archive=" ".join(COPIES) if copies(ctx) else "",
    )
    access = render(
        "own_database/pg_hba.conf.j2",
        superuser=postgres.SUPERUSER,
        mover=postgres.MOVER,
        map=postgres.MOVER_MAP,
        network=ctx.container_network,
        cluster=tuple(str(h.address) for h in ctx.hosts(postgres.ROLE)),
    )
    start = render(
        "own_database/start.sh.j2",
        data=postgres.PGDATA,
        config=CONFIG,
        superuser=postgres.SUPERUSER,
    )
    reloaded = {
        "postgresql.conf": settings,
        "pg_hba.conf": access,
        "pg_ident.conf": f"{postgres.MOVER_IDENT}\n",
    }
    return (
        *(
            File(f"{base}/{name}", text, 0o400, owner, owner, actions=(RELOAD,))
            for name, text in reloaded.items()
        ),
        File(f"{base}/start.sh", start, 0o444),
    )
