"""The checks of the applications, of sign-on and of a unit's own database can fail: on the full
lab, each planted break is caught by the check that should, and heals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from infra import paths, ssh
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import Plan
from infra.verify import Check, verify
from tests.lab.breaks import Break
from tests.lab.breaks_of_applications import BREAKS, WAVE, described
from tests.lab.conftest import Lab, hanoi
from tests.lab.test_breaks import PATIENCE, Planting, assert_caught

pytestmark = pytest.mark.full

CONTROLS = " or ".join(sorted({b.control for b in BREAKS}))


def connected(plan: Plan) -> AbstractContextManager[dict[str, ssh.Connection]]:
    return ssh.connected([(h.id, h.address) for h in plan.hosts], plan.ssh_user, plan.ssh_port)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The full lab with what it needs for these breaks; then as it was."""
    sites = described(tmp_path_factory.mktemp("applications"))
    plan = make_plan(load(sites), WAVE)
    hanoi("lab", "up", "--through", WAVE, "--quiet", sites=sites)
    try:
        hanoi("deploy", "--through", WAVE, "--quiet", "--no-verify", sites=sites)
        with connected(plan) as connections:
            yield Lab(plan, connections)
    finally:
        hanoi("deploy", "--through", WAVE, "--quiet", "--no-verify")
        forget(plan, make_plan(load(paths.sites()), WAVE))


def forget(had: Plan, left: Plan) -> None:
    """Remove the data that a deploy leaves where it was: databases, their roles, and volumes."""
    with connected(left) as connections:
        lab = Lab(left, connections)
        leader = lab.leader()
        for database in set(had.common.databases) - set(left.common.databases):
            lab.sql(leader, f"drop database if exists {database.name} with (force)")
            lab.sql(leader, f"drop role if exists {database.owner}")
        for host in left.hosts:
            gone = set(had.host(host.id).parts.volumes) - set(host.parts.volumes)
            for volume in gone:
                lab.root(host.id, f"docker volume rm -f {volume.name}")


@pytest.fixture(scope="module")
def before(lab: Lab) -> tuple[Check, ...]:
    return verify(lab.plan, expression=CONTROLS).checks


@pytest.fixture(scope="module")
def planting(lab: Lab, before: tuple[Check, ...]) -> Planting:
    return Planting(lab, lab.plan, before, BREAKS)


@pytest.mark.parametrize("planted", [pytest.param(b, id=b.name.replace(" ", "-")) for b in BREAKS])
def test_break_is_caught(planted: Break, planting: Planting) -> None:
    assert_caught(planted, planting.told(planted))


def test_nothing_is_left_of_them(lab: Lab) -> None:
    """Once what the last one restarted has started."""
    end = time.monotonic() + PATIENCE
    while wrong := [c for c in verify(lab.plan).checks if c.outcome not in ("passed", "skipped")]:
        assert time.monotonic() < end, "\n".join(map(str, wrong))
        time.sleep(2)
