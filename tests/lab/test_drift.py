"""Drift: nothing on sites as they were deployed; every planted change is found and named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.errors import Exit
from infra.live.drift.registry import detectors
from tests.lab.conftest import Lab, hanoi
from tests.lab.drifts import DRIFTS, Drift
from tests.lab.test_deploy import wait_whole

# Not planted: they need minutes, another clock, or would hurt the host.
NOT_PLANTED = {
    "clock", "container-by-hand", "container-health", "container-image", "container-logs",
    "container-missing", "network-planned", "one-off-undone", "package-missing", "port-silent",
    "volume-missing",
}  # fmt: skip
CANARY = "canary-4711"


def run(lab: Lab, leader: str, scripts: list[tuple[Drift, str]]) -> list[str]:
    """Run the scripts, hosts in parallel; what failed, in words."""

    def on_host(host: str) -> list[str]:
        mine = [(d, s) for d, s in scripts if (leader if d.host == "leader" else d.host) == host]
        failed = []
        for drift, script in mine:
            done = lab.connection(host).run(script, timeout=90)
            if done.rc:
                failed.append(f"{host}: {drift.name}: {done.stderr[-300:]}")
        return failed

    with ThreadPoolExecutor() as pool:
        return [f for found in pool.map(on_host, [h.id for h in lab.plan.hosts]) for f in found]


@pytest.fixture(scope="module")
def planted(deployed: Lab) -> Iterator[tuple[dict[str, Any], str, dict[str, Any], str]]:
    """The report before and with everything planted, with its exit code; healed afterwards."""
    wait_whole(deployed)
    before = settled()
    leader = deployed.leader()
    try:
        failed = run(deployed, leader, [(d, d.plant) for d in DRIFTS])
        assert failed == [], "\n".join(failed)
        ran = hanoi("drift", "--json", "--quiet", check=False)
    finally:
        healed = run(deployed, leader, [(d, d.heal) for d in reversed(DRIFTS)])
    assert healed == [], "\n".join(healed)
    assert ran.code == Exit.FINDINGS, ran
    yield before, leader, ran.json, ran.out + ran.err
    wait_whole(deployed)
    assert found(settled()) == []


def settled(seconds: float = 60) -> dict[str, Any]:
    """The report, once containers that have just been started are well."""
    end = time.monotonic() + seconds
    while True:
        report = hanoi("drift", "--json", "--quiet", check=False).json
        if not report["changes"] or time.monotonic() > end:
            return report
        time.sleep(3)


def found(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f["id"], f["where"]) for f in report["summary"]["findings"]]


def test_sites_as_deployed_have_no_drift(planted: tuple[Any, ...]) -> None:
    before = planted[0]
    assert found(before) == []
    assert before["changes"] == []
    assert before["summary"]["unknown"] == []


@pytest.mark.parametrize("drift", [pytest.param(d, id=d.name.replace(" ", "-")) for d in DRIFTS])
def test_a_planted_drift_is_found_and_named(drift: Drift, planted: tuple[Any, ...]) -> None:
    _, leader, report, _ = planted
    host = leader if drift.host == "leader" else drift.host
    for detector, name in drift.found:
        place = (host, "the database cluster")
        matching = [
            f
            for f in report["summary"]["findings"]
            if f["id"] == detector and f["where"].startswith(place) and name in f["where"]
        ]
        assert matching, f"{detector} did not name {name} on {host}: {found(report)}"
        if drift.by:
            assert "hanoi" in matching[0]["reason"], matching


def test_nothing_is_told_that_was_not_planted(planted: tuple[Any, ...]) -> None:
    """Every finding belongs to a planted drift, or follows from one."""
    _, _, report, _ = planted
    named = [(detector, name) for d in DRIFTS for detector, name in d.found]
    # A container by hand brings these along: named above in another form, or seen a second time.
    follows = {
        ("container-unknown", "drift-crashes"), ("container-limits", "gateway"),
        ("container-restart", "gateway"), ("container-health", "gateway"),
        ("port-silent", "tcp/80"), ("port-silent", "tcp/443"),
    }  # fmt: skip
    extra = [
        (f["id"], f["where"], f["what"])
        for f in report["summary"]["findings"]
        if not any(f["id"] == d and n in f["where"] for d, n in (*named, *follows))
    ]
    assert extra == []


def test_no_secret_is_told(planted: tuple[Any, ...]) -> None:
    assert CANARY not in planted[3]


def test_every_detector_is_planted_or_named_as_not() -> None:
    planted_ids = {detector for d in DRIFTS for detector, _ in d.found}
    assert planted_ids | NOT_PLANTED == {d.id for d in detectors()}
    assert planted_ids & NOT_PLANTED == set()
    assert len(planted_ids) >= 20
