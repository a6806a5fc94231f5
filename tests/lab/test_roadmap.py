"""Gates on the real lab: one seen failing keeps the next wave from beginning, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.errors import Exit
from infra.resources import Plan
from tests.lab.breaks import BREAKS
from tests.lab.conftest import Lab, hanoi

pytestmark = pytest.mark.lab

BROKEN = next(b for b in BREAKS if b.control == "USER-02")  # of the gate infrastructure
GATE = "infrastructure"


def roadmap(*options: str) -> dict[str, Any]:
    return json.loads(hanoi("roadmap", "--format", "json", "--quiet", *options).out)


def containers(lab: Lab) -> dict[str, str]:
    look = "docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.Status}}' | cut -d' ' -f1-3"
    return {h.id: "\n".join(sorted(lab.root(h.id, look).splitlines())) for h in lab.plan.hosts}


@pytest.fixture
def broken(deployed: Lab) -> Iterator[Lab]:
    deployed.root(BROKEN.host, BROKEN.plant)
    try:
        yield deployed
    finally:
        deployed.root(BROKEN.host, BROKEN.heal)


@pytest.mark.long  # the gates below are looked at in the same way
def test_live_shows_what_is_done(deployed: Lab, plan: Plan) -> None:
    shown = roadmap("--live")
    done = [w["id"] for w in shown["waves"] if w["state"] == "done"]
    assert done == [w.id for w in plan.waves]
    assert all(g["passed"] > 5 for w in shown["waves"][: len(done)] for g in w["gates"])
    assert roadmap()["waves"] == shown["waves"], "what was seen is kept"


def test_a_failing_gate_keeps_the_next_wave_from_beginning(broken: Lab) -> None:
    following = roadmap()["next"]
    assert hanoi("verify", "--gate", GATE, "--quiet", check=False).code == Exit.FINDINGS
    before = containers(broken)
    arguments = ("deploy", "--through", following, "--no-verify", "--quiet")
    ran = hanoi(*arguments, check=False)
    assert ran.code == Exit.REFUSED
    assert f"wave {following}: HN-D030" in ran.err and f"gate {GATE}" in ran.err
    assert BROKEN.control in ran.err and f"hanoi verify --gate {GATE}" in ran.err
    assert containers(broken) == before
    assert roadmap()["next"] == following
    # What has begun is not held back by it: a deploy is how a site is mended.
    assert hanoi("deploy", "--no-verify", "--quiet", check=False).code == Exit.OK


def test_the_gate_opens_when_it_is_seen_passing(deployed: Lab) -> None:
    hanoi("verify", "--quiet")
    shown = roadmap()
    first = next(w for w in shown["waves"] if w["id"] == shown["next"])
    assert not [b for b in first["blockers"] if b["kind"] == "gate" and b["stops"]]
