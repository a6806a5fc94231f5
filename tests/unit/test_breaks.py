"""The planted breaks of the applications' checks, as far as it can be said without a lab: none is
missing, each has something to break where it is planted, and none can be taken for another."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import combinations

import pytest

from infra import paths
from infra.model import load
from infra.plan import plan
from infra.resources import HostPlan, Plan
from tests.lab.breaks import Break, rounds
from tests.lab.breaks_of_applications import BREAKS, WAVE, described

FAMILIES = {"SIGN", "SERV", "DOC", "OWN"}
LEADERS = ("nd-1", "ddn-1", "tdh-1")
EACH = [pytest.param(b, id=b.name.replace(" ", "-")) for b in BREAKS]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan(load(described(tmp_path_factory.mktemp("breaks"))), WAVE)


def places(planted: Break, made: Plan) -> Iterator[HostPlan]:
    """Every host on which it may be planted."""
    for leader in LEADERS:
        yield made.host(planted.on(leader))


def test_every_check_of_these_families_has_a_break() -> None:
    text = "".join(f.read_text("utf-8") for f in paths.compliance().glob("test_*.py"))
    stated = set(re.findall(r'@control\("([A-Z]+-\d+)"', text))
    checks = {c for c in stated if c.partition("-")[0] in FAMILIES}
    assert {b.control for b in BREAKS} == checks
    assert {b.family for b in BREAKS} == FAMILIES


def test_names_are_not_given_twice() -> None:
    assert len({b.name for b in BREAKS}) == len(BREAKS)


@pytest.mark.parametrize("planted", EACH)
def test_its_scripts_can_be_read(planted: Break) -> None:
    for script in (planted.plant, planted.heal):
        subprocess.run(["sh", "-n", "-c", script], check=True)
        for argv in (shlex.split(part) for part in script.split("python3 -c ")[1:]):
            ast.parse(argv[0])


@pytest.mark.parametrize("planted", EACH)
def test_what_it_hurts_is_there(planted: Break, made: Plan) -> None:
    """The containers that its scripts name, on the host where they run."""
    said = f"{planted.plant}; {planted.heal}"
    named = set(re.findall(r"docker (?:exec|stop|start|restart)(?: -i| -t \d+)* ([a-z-]+)", said))
    for host in places(planted, made):
        assert named <= {c.name for c in host.parts.containers}
    if planted.seen_on:
        assert made.host(planted.seen_on)


@pytest.mark.parametrize("planted", EACH)
def test_what_it_changes_is_in_the_file(planted: Break, made: Plan) -> None:
    """Each change by sed changes the planned file, in one line."""
    contents = {f.path: f.content for h in places(planted, made) for f in h.parts.files}
    for change in planted.plant.split("sed -i ")[1:]:
        script, path = shlex.split(change.partition("; }")[0])
        before = contents[path]
        done = subprocess.run(["sed", script], input=before, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(set(before.splitlines()) - set(done.stdout.splitlines())) == 1


@pytest.mark.parametrize("leader", LEADERS)
def test_none_can_be_taken_for_another(leader: str) -> None:
    found = rounds(leader, BREAKS)
    assert sorted(b.name for r in found for b in r) == sorted(b.name for b in BREAKS)
    for together in found:
        for one, other in combinations(together, 2):
            assert one.control != other.control and not one.alone and not other.alone
            if one.family == other.family:
                assert one.still or other.still
            if one.on(leader) == other.on(leader):
                assert one.still and other.still
