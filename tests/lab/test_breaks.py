"""The compliance suite can fail: every planted break is caught by the control that should.

On the deployed lab, round by round: what is on one host together cannot be taken for one another.
"""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import pytest

from infra.resources import Plan
from infra.verify import Check, verify
from tests.lab.breaks import BREAKS, Break, rounds
from tests.lab.conftest import Lab

pytestmark = pytest.mark.lab

PATIENCE = 90  # seconds until a healed member is whole again
NOTICED = 30  # seconds until a break must have been noticed


@pytest.fixture(scope="module")
def before(deployed: Lab, plan: Plan) -> tuple[Check, ...]:
    """The whole suite on the sites as they were deployed."""
    return verify(plan).checks


def matching(checks: tuple[Check, ...], planted: Break, seen_on: str) -> list[Check]:
    return [
        c
        for c in checks
        if c.id == planted.control and c.host in (seen_on, "all") and planted.title in c.title
    ]


@dataclass
class Told:
    """What became of one break; reason: why it could not be planted or healed."""

    good: bool
    caught: bool = False
    whole: bool = False
    reason: str = ""


class Planting:
    """Plants and heals the breaks round by round, each round when a break of it is asked for."""

    def __init__(
        self,
        lab: Lab,
        plan: Plan,
        before: tuple[Check, ...],
        breaks: tuple[Break, ...] = BREAKS,
    ) -> None:
        self._lab, self._plan, self._before = lab, plan, before
        self._leader = lab.leader()
        self._rounds = rounds(self._leader, breaks)
        self._told: dict[str, Told] = {}

    def told(self, planted: Break) -> Told:
        if planted.name not in self._told:
            self._carry_out(next(r for r in self._rounds if planted in r))
        return self._told[planted.name]

    def _carry_out(self, together: tuple[Break, ...]) -> None:
        told = {b.name: Told(self._is_good(b)) for b in together}
        self._told |= told
        sound = [b for b in together if told[b.name].good]
        try:
            for planted, why in self._run(sound, heal=False):
                told[planted.name].reason = f"the break could not be planted: {why}"
            for name in self._reached(sound, "failed", NOTICED):
                told[name].caught = True
        finally:
            failed = self._run(sound, heal=True)
        for planted, why in failed:
            told[planted.name].reason = f"the break could not be healed: {why}"
        for name in self._reached(sound, "passed", PATIENCE):
            told[name].whole = True

    def _is_good(self, planted: Break) -> bool:
        found = matching(self._before, planted, self._seen_on(planted))
        return bool(found) and all(c.outcome == "passed" for c in found)

    def _seen_on(self, planted: Break) -> str:
        return planted.seen_on or planted.on(self._leader)

    def _run(self, together: list[Break], *, heal: bool) -> list[tuple[Break, str]]:
        """Run the scripts on their hosts, side by side; what failed, and why."""

        def run(planted: Break) -> str:
            given = pem(planted.pem) if planted.pem and not heal else None
            script = planted.heal if heal else planted.plant
            host = self._lab.connection(planted.on(self._leader))
            done = host.run(script, input=given, timeout=120)
            return (done.stderr or f"exit {done.rc}") if done.rc else ""

        with ThreadPoolExecutor() as pool:
            said = list(pool.map(run, together))
        return [(b, why) for b, why in zip(together, said, strict=True) if why]

    def _reached(self, together: list[Break], outcome: str, seconds: float) -> set[str]:
        """The breaks whose control comes to the outcome in time: some of its checks failed, or
        all passed."""
        left = {b.name: b for b in together}
        end = time.monotonic() + seconds
        while left:
            expression = " or ".join(b.control for b in left.values())
            checks = verify(self._plan, expression=expression).checks
            for planted in list(left.values()):
                found = {c.outcome for c in matching(checks, planted, self._seen_on(planted))}
                if found == {"passed"} if outcome == "passed" else outcome in found:
                    del left[planted.name]
            if time.monotonic() > end:
                break
            if left:
                time.sleep(1)
        return {b.name for b in together} - set(left)


@pytest.fixture(scope="module")
def planting(deployed: Lab, plan: Plan, before: tuple[Check, ...]) -> Planting:
    return Planting(deployed, plan, before)


def pem(kind: str) -> bytes:
    """A self-signed certificate with its key: of nobody's authority, and perhaps expired."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.mic.example")])
    now = dt.datetime.now(dt.UTC)
    end = now + dt.timedelta(days=-1 if kind == "expired" else 365)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return built.public_bytes(serialization.Encoding.PEM) + secret


@pytest.mark.parametrize("planted", [pytest.param(b, id=b.name.replace(" ", "-")) for b in BREAKS])
def test_break_is_caught(planted: Break, planting: Planting) -> None:
    assert_caught(planted, planting.told(planted))


def assert_caught(planted: Break, told: Told) -> None:
    assert told.good, "it failed before"
    assert not told.reason, told.reason
    assert told.caught, f"{planted.control} did not notice: {planted.name}"
    assert told.whole, "it is not whole again"


def test_no_break_can_be_taken_for_another() -> None:
    for together in rounds("nd-1"):
        for one, other in combinations(together, 2):
            assert one.control != other.control and not one.alone and not other.alone
            if one.on("nd-1") == other.on("nd-1"):
                assert one.still and other.still and one.family != other.family
    assert sorted(b.name for r in rounds("nd-1") for b in r) == sorted(b.name for b in BREAKS)


def test_there_are_enough_breaks() -> None:
    assert len({b.control for b in BREAKS}) >= 15


def test_all_is_well_afterwards(plan: Plan, before: tuple[Check, ...]) -> None:
    """Nothing is left of the breaks: what passed before passes again."""
    passed = {(c.id, c.host, c.title) for c in before if c.outcome == "passed"}
    end = time.monotonic() + PATIENCE
    while True:
        now = {(c.id, c.host, c.title): c for c in verify(plan).checks}
        lost = [now[k] for k in passed if k in now and now[k].outcome != "passed"]
        if not lost or time.monotonic() > end:
            break
        time.sleep(2)
    assert not lost, "\n".join(map(str, lost))
