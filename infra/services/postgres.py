"""The one central database: PostgreSQL 17 under Patroni 4, a member at each of three sites.

Durability: `synchronous_mode: quorum` and `synchronous_mode_strict: true`. With three members
a row is acknowledged when one standby has it, so the loss of any one site loses no row and
stops no writing. Strict adds that with both standbys away the primary waits instead of
acknowledging rows that only it has; it costs nothing here, because with two sites away etcd
has no majority and Patroni lets nobody write anyway.

Patroni keeps the cluster's settings in etcd and reads bootstrap.dcs only once. So dcs.json is
the same text twice: there for the first start, and compared with the cluster at every deploy
(the one-off `postgres-settings`), which also undoes what somebody changed by hand.
"""

from __future__ import annotations

import json

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
from infra.services import Context, HostContext, etcd, on_host, once, render
from infra.services.tls import directory, mounted, opening, tls_files

NAME = "postgres"
ROLE = "database"
PORT = 5432
REST_PORT = 8008
ADDRESS = 12
UID = 10432
CONFIG = "/etc/patroni"
DATA = "/var/lib/postgresql"  # the parent of PGDATA: Patroni renames PGDATA at times
PGDATA = f"{DATA}/data"
SOCKET = "/run/postgresql"
VOLUME = "postgres-data"
SCOPE = "hanoi"
TLS_NAME = "postgres"
PROXY_NAME = "database-proxy"  # clients check the certificate against the proxy's name
PROXY_ADDRESS = 13
SUPERUSER = "postgres"
REPLICATOR = "replicator"
REWINDER = "rewinder"
MOVER = "mover"  # who reads a database that moves, from the server that it moves to
MOVER_MAP = "servers"
# Whoever shows the certificate of one of our PostgreSQL servers.
MOVER_IDENT = f'{MOVER_MAP} "/^{TLS_NAME} [a-z0-9-]+$" {MOVER}'
REPLICATOR_PASSWORD = "db/replicator"
REWINDER_PASSWORD = "db/rewinder"
SHM = 128 * 2**20
STOP_TIMEOUT = 60  # seconds: a checkpoint has to fit
RELOAD = "postgres-reload"
SETTINGS = "postgres-settings"

_MEMBER = ("python3", f"{CONFIG}/member.py")
GATE = (*_MEMBER, "healthy")


@on_host("database", role=ROLE)
def postgres(ctx: HostContext) -> Parts:
    """One member of the cluster."""
    certificate = _certificate(ctx)
    everywhere = ctx.hosts()
    return Parts(
        files=_files(ctx, certificate.id),
        # The shell's own kill: `docker kill` would mark the container as stopped by hand,
        # and the engine would not start it again after a reboot.
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", "kill -HUP 1"), NAME),),
        volumes=(Volume(VOLUME),),
        containers=(_container(ctx),),
        openings=(
            *opening(ctx, PORT, everywhere, "PostgreSQL: replication, and the database proxies"),
            *opening(ctx, REST_PORT, everywhere, "Patroni: members, and the proxies' checks"),
        ),
        secrets=(
            certificate,
            Password(REPLICATOR_PASSWORD),
            Password(REWINDER_PASSWORD),
        ),
    )


@once("database")
def cluster(ctx: Context) -> Parts:
    """The cluster's settings, compared and brought in line through any one member."""
    settings = OneOff(
        SETTINGS, NAME, (*_MEMBER, "settings-current"), (*_MEMBER, "settings-apply"), 15
    )
    return Parts(oneoffs=(settings,))


def _certificate(ctx: HostContext) -> Certificate:
    """Holds every address by which a client may come: this member's, and every proxy's."""
    hosts = tuple(str(h.address) for h in ctx.hosts())
    own = (ctx.container_address(ADDRESS), ctx.container_address(PROXY_ADDRESS), "127.0.0.1")
    return Certificate(
        f"postgres/{ctx.host.id}",
        f"{TLS_NAME} {ctx.host.id}",
        dns=(TLS_NAME, PROXY_NAME, f"database.{ctx.model.ministry.domain}", "localhost"),
        addresses=(*hosts, *own),
        usages=("server", "client"),
    )


def _files(ctx: HostContext, certificate: str) -> tuple[File, ...]:
    base, owner = directory(NAME), str(UID)
    dcs = dynamic_settings(ctx)
    members = ctx.hosts(ROLE)
    text = render(
        "postgres/patroni.yaml.j2",
        scope=SCOPE,
        name=ctx.host.id,
        address=ctx.host.address,
        members=tuple(str(m.address) for m in members),
        clients=client_sources(ctx),
        etcd_hosts=etcd.client_addresses(ctx),
        dcs=json.dumps(dcs, indent=2, sort_keys=True),
        port=PORT,
        rest_port=REST_PORT,
        config=CONFIG,
        pgdata=PGDATA,
        socket=SOCKET,
        superuser=SUPERUSER,
        replicator=REPLICATOR,
        replicator_password=REPLICATOR_PASSWORD,
        rewinder=REWINDER,
        rewinder_password=REWINDER_PASSWORD,
        mover=MOVER,
        mover_map=MOVER_MAP,
        mover_ident=MOVER_IDENT,
        shared_buffers=_mebibytes(ctx.model.ministry.database.shared_buffers),
        timezone=ctx.model.ministry.timezone,
    )
    facts = {
        "config": CONFIG,
        "members": [m.id for m in members],
        "rest": f"https://localhost:{REST_PORT}",
    }
    return (
        File(f"{base}/patroni.yaml", text, 0o400, owner, owner, actions=(RELOAD,)),
        File(f"{base}/dcs.json", _json(dcs), 0o444),
        File(f"{base}/member.json", _json(facts), 0o444),
        File(f"{base}/member.py", render("postgres/member.py"), 0o444),
        File(f"{base}/first_start.py", render("postgres/first_start.py"), 0o444),
        *tls_files(NAME, UID, certificate, (RELOAD,)),
    )


def client_sources(ctx: HostContext) -> tuple[str, ...]:
    """Networks from which PostgreSQL sees its clients, that is the proxies.

    A proxy on another host comes with that host's address, as its engine translates what
    leaves the container network; the one on this host comes from the container network.
    """
    others = tuple(f"{h.address}/32" for h in ctx.hosts())
    return (*others, str(ctx.container_network))


def dynamic_settings(ctx: Context) -> dict[str, object]:
    """What holds for the whole cluster and is kept in etcd. Times in seconds.

    Source of names: Patroni documentation, "Dynamic Configuration Settings".
    """
    wanted = ctx.model.ministry.database
    return {
        "ttl": wanted.ttl,
        "loop_wait": wanted.loop_wait,
        "retry_timeout": wanted.retry_timeout,
        "maximum_lag_on_failover": 2**20,
        "synchronous_mode": "quorum",
        "synchronous_mode_strict": True,
        "synchronous_node_count": 1,
        "failsafe_mode": True,
        # Those of databases that move; Patroni would drop any slot that it does not know.
        "ignore_slots": [{"type": "logical", "plugin": "pgoutput"}],
        "primary_start_timeout": 0,  # rather another member at once than a crash recovery
        "primary_stop_timeout": STOP_TIMEOUT // 2,
        "postgresql": {
            "use_pg_rewind": True,
            "use_slots": True,
            "parameters": {
                "max_connections": wanted.max_connections,
                "max_slot_wal_keep_size": _mebibytes(wanted.max_slot_wal_keep_size),
                "max_wal_senders": 10,
                "max_replication_slots": 10,
                "wal_level": "logical",  # databases move to and from units' own servers
                "wal_log_hints": "on",
                "hot_standby": "on",
                # A new leader may write when a standby follows it: that one looks for it at once.
                "wal_retrieve_retry_interval": "1s",
            },
        },
    }


# The watch is a child of nobody who would have to look after it.
_START = f"(python3 {CONFIG}/first_start.py &); exec patroni {CONFIG}/patroni.yaml"


def _container(ctx: HostContext) -> Container:
    host = str(ctx.host.address)
    return Container(
        name=NAME,
        image=NAME,
        user=f"{UID}:{UID}",
        command=("sh", "-c", _START),
        address=ctx.container_address(ADDRESS),
        memory=ctx.model.ministry.database.memory,
        mounts=(mounted(NAME, CONFIG), Mount("volume", VOLUME, DATA, read_only=False)),
        ports=(Published(PORT, PORT, host), Published(REST_PORT, REST_PORT, host)),
        tmpfs=("/tmp", "/run", SOCKET),
        shm=SHM,
        stop_signal="SIGINT",
        stop_timeout=STOP_TIMEOUT,
        health=Health(("CMD", *_MEMBER, "alive"), interval=10, start_period=180),
        needs=(etcd.NAME,),
        votes_in=NAME,
        gate=GATE,
    )


def _mebibytes(size: int) -> str:
    return f"{size // 2**20}MB"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
