"""One unit's database, asked by the application's own code inside its container.

Program, wish and records travel over the standard input of one process on the site's host: what
is secret is in no argument, no file and no log.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.errors import error
from infra.moves.sql import literal
from infra.records.content import Content, Record, parsed
from infra.records.registry import Carrier
from infra.ssh import Connection

SESSION = "hanoi-records"  # what the program's connections are called in pg_stat_activity
SECONDS = 900  # for one reading or taking in; a unit has some thousand people at most

# Reads "<length>\n<program>"; what follows is the program's own input.
_LOADER = (
    "import sys;i=sys.stdin.buffer;s=i.read(int(i.readline()));exec(compile(s,'<records>','exec'))"
)


@dataclass(frozen=True)
class Side:
    """A unit's database at one host that can reach it; password: its role's."""

    unit: str
    database: str
    carrier: Carrier
    connection: Connection
    password: str = field(repr=False)

    def read(self, *, hashes: bool = False) -> Content:
        """What the unit has. hashes: with those of passwords. Raises HN-T024, HN-C…."""
        return parsed(self._asked("read", {"hashes": hashes}))

    def take(
        self, source: str, records: Iterable[Record], given: Mapping[str, Mapping[str, int]]
    ) -> dict[str, int]:
        """Take records of the unit `source` in, all or none of them; kind → how many were made.

        given: what is here already (match.as_wish()). Raises HN-T024, HN-C….
        """
        said = self._asked("take", {"unit": source, "given": given}, records)
        return dict(json.loads(said[-1])["made"])

    def _asked(
        self, verb: str, more: Mapping[str, Any], records: Iterable[Record] = ()
    ) -> list[str]:
        wish = {
            "verb": verb,
            "database": self.database,
            "password": self.password,
            "config": self.carrier.config,
            "session": SESSION,
            **more,
        }
        program = self.carrier.program.encode()
        lines = "".join(f"{json.dumps(line)}\n" for line in (wish, *records))
        argv = ["docker", "exec", "-i", self.carrier.container, "python3", "-c", _LOADER]
        done = self.connection.run(
            shlex.join(argv), input=b"%d\n%s%s" % (len(program), program, lines.encode()),
            timeout=SECONDS,
        )  # fmt: skip
        if done.rc:
            raise error(
                "HN-T024",
                f"{self.database} on {self.connection.host_id}",
                (done.stderr.strip().splitlines() or ["it ended without saying why"])[-1][:400],
                "nothing was taken in. Look at `hanoi status` and at the application's logs, then"
                " run the same command again",
            )
        return done.text.splitlines()


def closed(role: str) -> str:
    """SQL: 1 where the role is there and may not log in."""
    return f"SELECT count(*) FROM pg_roles WHERE rolname = {literal(role)} AND NOT rolcanlogin;"


def end_former(database: str) -> str:
    """SQL: end the program's connections to the database, and wait until they are gone."""
    return f"""SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = {literal(database)} AND application_name = {literal(SESSION)};"""
