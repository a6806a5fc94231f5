"""The real lab, deployed once for all end-to-end tests, and the ways to look at it and hurt it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
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
# The bare lab's first deploy comes first. Tests that leave the sites as they were come before
# those that hurt them, and those that need a quiet machine last.
FIRST = ("test_interruption", "test_deploy", "test_plan")
LAST = ("test_breaks", "test_breaks_of_applications", "test_unit_host", "test_availability")
BESIDE = "HANOI_TESTS_BESIDE"  # scripts/test: the process that runs other tests meanwhile
KILLED = pytest.StashKey[bool]()  # the lab's first deploy was killed, and continued, by a test


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Tests without a lab, FIRST, all others of the lab, LAST."""
    if Path(__file__).parent not in item.path.parents:
        return -1
    middle = len(FIRST)
    if item.path.stem in LAST:
        return middle + 1 + LAST.index(item.path.stem)
    return FIRST.index(item.path.stem) if item.path.stem in FIRST else middle


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


def start(*arguments: str, sites: Path | None = None) -> subprocess.Popen[str]:
    """Run the command line beside the test; all that it says comes as its output."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        cwd=ROOT,
        env={**os.environ, **({"HANOI_SITES": str(sites)} if sites else {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    """What the process said, in one, once it has ended."""
    said, _ = process.communicate(timeout=300)
    return Ran(process.returncode, said, said)


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
def deployed(plan: Plan, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab, up and deployed (nothing is done twice when it is already)."""
    if not request.config.stash.get(KILLED, False):
        hanoi("lab", "up", "--quiet")
        hanoi("deploy", "--quiet", "--no-verify")
    hosts = [(h.id, h.address) for h in plan.hosts]
    with ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections:
        yield Lab(plan, connections)


@pytest.fixture(scope="session")
def quiet() -> None:
    """Wait until the tests that scripts/test runs beside these have ended: a pause of the
    database is measured, and their work would be part of it."""
    other = os.environ.get(BESIDE)
    while other and Path("/proc", other).exists() and not _ended(other):
        time.sleep(0.5)


def _ended(process: str) -> bool:
    """Whether it only waits for its parent, the shell, to ask how it ended."""
    try:
        return Path("/proc", process, "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
