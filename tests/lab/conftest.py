"""The real lab, deployed once for all end-to-end tests, and the ways to look at it and hurt it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import paths, ssh
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import Plan

ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


def hanoi(*arguments: str, sites: Path | None = None, check: bool = True) -> Ran:
    """Run the command line as an operator does."""
    environment = {**os.environ, **({"HANOI_SITES": str(sites)} if sites else {})}
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
        stdin=subprocess.DEVNULL,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert not check or ran.code == 0, f"hanoi {' '.join(arguments)}: {ran}"
    return ran


class Lab:
    """The deployed lab: the plan, and a root shell on every host."""

    def __init__(self, plan: Plan, connections: dict[str, ssh.Connection]) -> None:
        self.plan = plan
        self._connections = connections

    def root(self, host: str, script: str, stdin: bytes | None = None, timeout: float = 90) -> str:
        """Run a root script on a host; its exit code must be 0."""
        done = self._connections[host].run(script, input=stdin, timeout=timeout)
        assert done.rc == 0, f"{host}: {script}: {done.stderr}"
        return done.text.strip()

    def connection(self, host: str) -> ssh.Connection:
        return self._connections[host]

    def sql(self, host: str, statement: str, database: str = "postgres") -> str:
        """A statement in the host's own PostgreSQL, as its superuser by the local socket."""
        psql = "psql -X -q -A -t -v ON_ERROR_STOP=1 -h /run/postgresql -U postgres"
        return self.root(host, f"docker exec -i postgres {psql} -d {database}", statement.encode())

    def leader(self) -> str:
        """The host whose PostgreSQL is primary."""
        for host in self.plan.hosts:
            try:
                if self.sql(host.id, "select pg_is_in_recovery()") == "f":
                    return host.id
            except (AssertionError, Exception):
                continue
        raise AssertionError("no primary")


@pytest.fixture(scope="session")
def plan() -> Plan:
    return make_plan(load(paths.sites()))


@pytest.fixture(scope="session")
def deployed(plan: Plan) -> Iterator[Lab]:
    """The lab, up and deployed (nothing is done twice when it is already)."""
    hanoi("lab", "up", "--quiet")
    hanoi("deploy", "--quiet", "--no-verify")
    hosts = [(h.id, h.address) for h in plan.hosts]
    with ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections:
        yield Lab(plan, connections)
