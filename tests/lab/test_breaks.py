"""The compliance suite can fail: every planted break is caught by the control that should.

One break at a time on the deployed lab; it is healed before the next one is planted.
"""

from __future__ import annotations

import datetime as dt
import time

import pytest

from infra.resources import Plan
from infra.verify import Check, verify
from tests.lab.breaks import BREAKS, Break
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


def outcomes(plan: Plan, planted: Break, seen_on: str) -> set[str]:
    checks = verify(plan, expression=planted.control).checks
    found = matching(checks, planted, seen_on)
    assert found, f"no check {planted.control} on {seen_on}"
    return {c.outcome for c in found}


def wait_for(plan: Plan, planted: Break, seen_on: str, outcome: str, seconds: float) -> bool:
    """Whether the control comes to the outcome: some of its checks failed, or all passed."""
    end = time.monotonic() + seconds
    while True:
        found = outcomes(plan, planted, seen_on)
        if found == {"passed"} if outcome == "passed" else outcome in found:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(1)


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
def test_break_is_caught(
    planted: Break, plan: Plan, deployed: Lab, before: tuple[Check, ...]
) -> None:
    host_id = deployed.leader() if planted.host == "leader" else planted.host
    seen_on = planted.seen_on or host_id
    good = matching(before, planted, seen_on)
    assert good and all(c.outcome == "passed" for c in good), f"it failed before: {good}"
    host = deployed.connection(host_id)
    given = pem(planted.pem) if planted.pem else None
    try:
        done = host.run(planted.plant, input=given, timeout=120)
        assert done.rc == 0, f"the break could not be planted: {done.stderr}"
        caught = wait_for(plan, planted, seen_on, "failed", NOTICED)
    finally:
        healed = host.run(planted.heal, timeout=120)
    assert healed.rc == 0, f"the break could not be healed: {healed.stderr}"
    assert caught, f"{planted.control} did not notice: {planted.name}"
    assert wait_for(plan, planted, seen_on, "passed", PATIENCE), "it is not whole again"


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
