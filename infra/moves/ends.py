"""One end of a move: the PostgreSQL server of a place, reached over SSH.

Statements go over the standard input of psql inside the server's container, as the superuser on
its local socket; between the ends only certificates are shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.errors import HanoiError, error
from infra.placement import Place
from infra.resources import Plan
from infra.runtime import PSQL, server
from infra.services import own_database, postgres, proxy
from infra.ssh import Connection

_SECONDS = 600


@dataclass
class End:
    """hosts: those that may hold the server that takes writes (the cluster's members, or the
    unit's one host); config: the directory of the certificate inside the container."""

    place: Place
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    container: str
    config: str
    port: int
    connections: Mapping[str, Connection]
    _writes: str = field(default="", init=False)

    def sql(self, text: str, database: str = "postgres") -> list[str]:
        """The rows, one a line, on whichever server takes writes now. Raises HN-T001, HN-T002."""
        try:
            return self._sql(self._leader(), text, database)
        except HanoiError:
            # The cluster may have chosen another leader meanwhile; the new one is asked once.
            before, self._writes = self._writes, ""
            if len(self.hosts) == 1 or self._leader() == before:
                raise
            return self._sql(self._leader(), text, database)

    def value(self, text: str, database: str = "postgres") -> str:
        """The last row that is no empty line; "" without one."""
        rows = self.sql(text, database)
        return rows[-1] if rows else ""

    def dump(self, database: str, *options: str) -> bytes:
        """pg_dump's output. Raises HN-T002."""
        argv = [
            "docker", "exec", self.container, "pg_dump", "-h", postgres.SOCKET,
            "-U", postgres.SUPERUSER, "-d", database, *options,
        ]  # fmt: skip
        done = self.connections[self._leader()].run(shlex.join(argv), timeout=_SECONDS)
        if done.rc:
            raise self._refused(database, done.stderr)
        return done.stdout

    def restore(self, database: str, dump: bytes) -> None:
        """A dump's text, in one transaction. Raises HN-T002."""
        self._psql(self._leader(), dump, database, "-1")

    def words(self, database: str, reader: End) -> str:
        """libpq's words by which the reader's server reaches this one. Nothing in them is secret:
        the reader shows its certificate."""
        values = {
            "host": ",".join(self.addresses),
            "port": self.port,
            "dbname": database,
            "user": postgres.MOVER,
            "sslmode": "verify-full",
            "sslrootcert": f"{reader.config}/ca.crt",
            "sslcert": f"{reader.config}/tls.crt",
            "sslkey": f"{reader.config}/tls.key",
            "connect_timeout": 5,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
        return " ".join(f"{name}={value}" for name, value in values.items())

    def _leader(self) -> str:
        if not self._writes:
            for host in self.hosts:
                try:
                    if self._sql(host, "SELECT pg_is_in_recovery();", "postgres") == ["f"]:
                        self._writes = host
                        break
                except HanoiError:
                    continue
            else:
                raise error(
                    "HN-T001",
                    f"database at {self.place}",
                    "no server there takes writes now",
                    "look at `hanoi status`; then run the same command again: the move goes on"
                    " from where it is",
                )
        return self._writes

    def _sql(self, host: str, text: str, database: str) -> list[str]:
        out = self._psql(host, text.encode(), database)
        return [line for line in out.decode(errors="replace").splitlines() if line]

    def _psql(self, host: str, text: bytes, database: str, *options: str) -> bytes:
        argv = ["docker", "exec", "-i", self.container, *PSQL, *options, "-d", database]
        done = self.connections[host].run(shlex.join(argv), input=text, timeout=_SECONDS)
        if done.rc:
            raise self._refused(database, done.stderr)
        return done.stdout

    def _refused(self, database: str, stderr: str) -> HanoiError:
        said = stderr.splitlines()
        lines = [line for line in said if "ERROR" in line or "FATAL" in line] or said[-1:]
        return error(
            "HN-T002",
            f"database {database} at {self.place}",
            "; ".join(lines[:2])[:400] or "psql ended without saying why",
            "the move stops where it is; users are served by the place that served them before."
            " Run the same command again, or take the move back with `hanoi move undo`",
        )


def end(plan: Plan, place: Place, connections: Mapping[str, Connection]) -> End:
    """The end at a place of the plan."""
    if place.own:
        host = plan.host(str(place.host))
        return End(
            place, (host.id,), (host.address,), own_database.NAME, own_database.CONFIG,
            own_database.PORT, connections,
        )  # fmt: skip
    members = [h for h in plan.hosts if server(h) == postgres.NAME]
    return End(
        place,
        tuple(h.id for h in members),
        tuple(h.address for h in members),
        postgres.NAME,
        postgres.CONFIG,
        proxy.PORT,  # which always leads to the server that takes writes
        connections,
    )
