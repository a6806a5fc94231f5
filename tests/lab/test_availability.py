"""Any one site lost under a running write load: nothing acknowledged is lost, writing goes on
within 30 seconds, and the site is whole again by itself. Never two writable primaries."""

from __future__ import annotations

import http.client
import json
import secrets
import shlex
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from infra import lab, paths
from infra.resources import HostPlan, secret
from infra.secrets import Secrets
from infra.services import proxy
from tests.lab.conftest import ROOT, Lab, ended, start
from tests.lab.gateway import connected
from tests.lab.test_deploy import assert_unreachable, container_ids, wait_whole

PAUSE_AIM = 30  # seconds: writing must go on within this time after the loss of any one site
STEADY = 8  # seconds of acknowledged rows after which writing counts as resumed
LEASE = 20  # seconds that a load goes on at least: what a loss does may come with a lease's end
LONGEST = 180  # seconds after which a load ends by itself, whatever becomes of the test
PATIENCE = 60  # seconds that a load waits for that, well above the aim
DATABASE = "availability"


class Load:
    """A writer on one host; what it was acknowledged, and when."""

    def __init__(self, lab_: Lab, host: str, password: str, seconds: float) -> None:
        self.acknowledged: list[tuple[int, float]] = []
        self.errors: list[str] = []
        addresses = [lab_.plan.host(host).address] + [
            h.address for h in lab_.plan.hosts if h.id != host
        ]
        self.settings = {
            "hosts": ",".join(addresses),
            "port": proxy.PORT,
            "database": DATABASE,
            "user": DATABASE,
            "ca": "/etc/patroni/ca.crt",
            "end": time.time() + seconds,
            "stop": f"/tmp/stop-{secrets.token_hex(4)}",
        }
        self._lab, self._host = lab_, host
        program = (ROOT / "tests/lab/writer.py").read_text()
        connection = lab_.connection(host)
        environment = f"WRITER={json.dumps(self.settings)}"
        remote = shlex.join(
            ["docker", "exec", "-i", "-e", environment, "postgres", "python3", "-c", program]
        )
        self._process = subprocess.Popen(
            connection.argv(connection.as_root("sh", "-c", remote)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(password + "\n")
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            said = json.loads(line)
            if said[0] == "error":
                self.errors.append(said[2])
            else:
                self.acknowledged.append((said[0], said[1]))

    def go_on_until_steady(self) -> None:
        """Let rows be written until they have been acknowledged for a while without a gap."""
        begun = time.time()
        while time.time() - begun < PATIENCE:
            time.sleep(0.5)
            times = [t for _, t in self.acknowledged if t > begun]
            gaps = [b for a, b in pairwise([begun, *times]) if b - a > 1]
            since = gaps[-1] if gaps else begun
            steady = times and times[-1] > time.time() - 1 and times[-1] - since > STEADY
            if steady and time.time() - begun > LEASE:
                return

    def finish(self) -> None:
        """Stop writing; everything that was acknowledged is known afterwards."""
        self._lab.root(self._host, f"docker exec postgres touch {self.settings['stop']}")
        self._reader.join(timeout=240)
        assert self._process.wait(timeout=30) == 0, self._process.stderr.read()

    def pause(self) -> float:
        """The longest time between two acknowledgements, in seconds."""
        times = [t for _, t in self.acknowledged]
        return max((b - a for a, b in pairwise(times)), default=float("inf"))


@pytest.fixture(scope="module")
def password(deployed: Lab, quiet: None) -> Iterator[str]:
    """A database of the test's own, through the same roles and rules as an application's."""
    wait_whole(deployed)
    word = secrets.token_hex(16)
    leader = deployed.leader()
    deployed.sql(leader, f"drop database if exists {DATABASE}")
    deployed.sql(leader, f"drop role if exists {DATABASE}")
    deployed.sql(leader, f"create role {DATABASE} login password '{word}'")
    deployed.sql(leader, f"create database {DATABASE} owner {DATABASE}")
    deployed.sql(leader, "create table written (id bigint primary key)", DATABASE)
    deployed.sql(leader, f"alter table written owner to {DATABASE}", DATABASE)
    yield word
    leader = deployed.leader()
    deployed.sql(leader, f"drop database {DATABASE} with (force)")
    deployed.sql(leader, f"drop role {DATABASE}")


def told(what: str, load: Load) -> None:
    print(f"{what}: acknowledged={len(load.acknowledged)} pause={load.pause():.1f}s")


def stored(lab_: Lab) -> set[int]:
    rows = lab_.sql(lab_.leader(), "select id from written", DATABASE)
    return {int(row) for row in rows.splitlines()}


def start_load(lab_: Lab, host: str, password: str) -> Load:
    lab_.sql(lab_.leader(), "truncate written", DATABASE)
    load = Load(lab_, host, password, LONGEST)
    deadline = time.monotonic() + 20
    while len(load.acknowledged) < 20:
        assert time.monotonic() < deadline, f"the load did not start: {load.errors[-3:]}"
        time.sleep(0.2)
    return load


@pytest.mark.parametrize(
    "victim",
    ["leader", *(pytest.param(h, marks=pytest.mark.long) for h in ("nd-1", "tdh-1", "ddn-1"))],
)
def test_a_lost_site_loses_nothing(deployed: Lab, password: str, victim: str) -> None:
    leader = deployed.leader()
    victim = leader if victim == "leader" else victim
    was_leader = leader == victim
    writer = next(h.id for h in deployed.plan.hosts if h.id != victim)
    containers = container_ids(deployed)
    load = start_load(deployed, writer, password)
    lab.kill_host(victim)
    deploy = start("deploy", "--quiet")
    try:
        load.go_on_until_steady()
        load.finish()
        refused = [h.id for h in deployed.plan.hosts if h.id != victim and not logs_in(deployed, h)]
        unreachable = ended(deploy)
    finally:
        lab.start_host(victim)
    wait_whole(deployed)
    # Nobody takes the lost site for an empty one.
    assert_unreachable(unreachable, victim)
    assert container_ids(deployed) == containers
    lost = {n for n, _ in load.acknowledged} - stored(deployed)
    told(f"{victim}: leader={was_leader}", load)
    assert not lost, f"{len(lost)} acknowledged rows lost"
    assert load.pause() <= PAUSE_AIM
    assert not refused, f"the application lets nobody in through {refused}"
    # Whole again: the returned member has all rows too.
    returned = deployed.sql(victim, "select count(*) from written", DATABASE)
    assert int(returned) == len(stored(deployed))


def test_a_cut_off_leader_never_makes_two_primaries(deployed: Lab, password: str) -> None:
    leader = deployed.leader()
    others = [h.id for h in deployed.plan.hosts if h.id != leader]
    load = start_load(deployed, others[0], password)
    seen: list[set[str]] = []
    watched = threading.Event()

    def watch() -> None:
        while not watched.wait(0.5):
            seen.append(writable(deployed))

    watcher = threading.Thread(target=watch)
    lab.cut(leader, others)
    try:
        watcher.start()
        load.go_on_until_steady()
    finally:
        lab.heal(leader)
    time.sleep(3)  # the moment when the old leader meets the new one again
    watched.set()
    watcher.join()
    load.finish()
    wait_whole(deployed)
    assert all(len(primaries) <= 1 for primaries in seen), [p for p in seen if len(p) > 1]
    assert any(primaries and leader not in primaries for primaries in seen), "nobody took over"
    assert not ({n for n, _ in load.acknowledged} - stored(deployed))
    told(f"cut {leader}", load)
    assert load.pause() <= PAUSE_AIM


def logs_in(lab_: Lab, gateway: HostPlan) -> bool:
    """Whether the first user of a unit logs in to the application through the host's gateway."""
    page = next(p for p in lab_.plan.common.pages if p.application == "personnel" and p.unit)
    secrets_ = Secrets.open(paths.secrets())
    trust = ssl.create_default_context(cadata=secrets_.resolve(secret("ca", "cert")))
    word = secrets_.value(f"personnel/admin/{page.unit}", "password")
    database = f"personnel_{page.unit}".replace("-", "_")
    call = {"id": 1, "method": "common.db.login", "params": ["admin", {"password": word}, "en"]}
    end = time.monotonic() + 30  # pools of dead connections are found out at the first use
    while True:
        try:
            with connected(gateway.address, page.url_host, trust, 15) as connection:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", f"/{database}/", json.dumps(call), headers)
                if json.loads(connection.getresponse().read()).get("result"):
                    return True
        except (OSError, http.client.HTTPException, ValueError):
            pass
        if time.monotonic() > end:
            return False
        time.sleep(1)


def writable(lab_: Lab) -> set[str]:
    """Hosts whose PostgreSQL says that it is a primary, asked at the same moment."""
    found: set[str] = set()

    def ask(host: str) -> None:
        try:
            if lab_.sql(host, "select pg_is_in_recovery()") == "f":
                found.add(host)
        except Exception:
            return  # not running is not writable

    threads = [threading.Thread(target=ask, args=(h.id,)) for h in lab_.plan.hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
