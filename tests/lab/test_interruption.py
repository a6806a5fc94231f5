"""A deploy killed anywhere continues on re-run. That two at once are not is in test_deploy."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infra.resources import Plan
from tests.lab.conftest import KILLED, Lab, hanoi, start
from tests.lab.test_deploy import edited, wait_whole  # noqa: F401

# Where a deploy is killed: the line of its progress that is waited for, the how-manieth of its
# kind, and how many seconds later. Spread over all steps, in the order in which they come; each
# run continues what the one before left.
BARE = (  # the first deploy, on bare hosts
    ("packages: installing", 1, 6.0),
    ("services: reloading", 1, 0.5),
    ("image postgres: pushing", 1, 1.0),
    ("container postgres: create", 1, 0.5),
    ("(usually ", 1, 6.0),  # contents of the application's databases, half there
)
CHANGE = (  # a change that has work in every step
    ("", 0, 1.0),  # before it has said anything
    ("files: replacing", 1, 0.3),
    ("services: reloading", 1, 0.1),
    ("a voting member changes here", 1, 1.5),
    ("container postgres: ", 1, 0.2),
    ("container postgres: ", 1, 1.0),
    ("container postgres: ", 1, 3.0),
    ("waiting for postgres to be whole", 1, 0.5),
    ("waiting for postgres to be whole", 1, 4.0),
    ("waiting for containers that are starting", 1, 0.0),
)


def descendants(pid: int) -> list[int]:
    """The process and all its children's children, by /proc (they may have own sessions)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += parents.get(current, [])
    return found


def kill_tree(process: subprocess.Popen[str]) -> None:
    for pid in descendants(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def vary(sites: Path, round_: int) -> None:
    """Another description, with work in every step: a host's file and its action, and the
    containers of a voting member."""
    edit_value(sites, "journal_max", f"{200 + round_}MiB")
    edit_value(sites, "memory", f"{1100 + round_}MiB")


def killed_at(process: subprocess.Popen[str], line: str, count: int, seconds: float) -> bool:
    """Kill the deploy at the point; false when it ended before it came there."""
    assert process.stdout
    told = []
    while count and (said := process.stdout.readline()):
        told.append(said)
        count -= line in said
    if count:
        assert process.wait() == 0, "it failed by itself:\n" + "".join(told)
        return False
    time.sleep(seconds)
    kill_tree(process)
    return True


def edit_value(sites: Path, key: str, value: str) -> None:
    file = sites / "ministry.yaml"
    text, count = re.subn(rf"^  {key}:.*$", f"  {key}: {value}", file.read_text(), flags=re.M)
    assert count == 1, f"{key} is no longer in {file.name}"
    file.write_text(text)


def bare(plan: Plan) -> bool:
    """Whether no deploy has come to any host of the lab yet."""
    look = f"id -u {plan.ssh_user} >/dev/null 2>&1 && echo known || echo bare"
    return all(hanoi("lab", "ssh", h.id, look).out.strip() == "bare" for h in plan.hosts)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(BARE, id="all", marks=pytest.mark.long),
        pytest.param(BARE[::2], id="some"),
    ],
)
def test_a_first_deploy_killed_at_spread_points_continues(
    plan: Plan, points: tuple[tuple[str, int, float], ...], request: pytest.FixtureRequest
) -> None:
    """On bare hosts. `make lab` shows the first deploy in one go."""
    hanoi("lab", "up", "--quiet")
    if not bare(plan):
        pytest.skip("the lab is deployed already: a change is killed instead")
    began = time.monotonic()
    for line, count, seconds in points:
        killed = killed_at(start("deploy", "--no-verify"), line, count, seconds)
        print(f"{time.monotonic() - began:5.0f}s killed at {line!r}: {killed}")
        assert killed, f"a first deploy never says {line!r}"
    hanoi("deploy", "--quiet", "--no-verify")
    request.config.stash[KILLED] = True


def test_nothing_is_orphaned(deployed: Lab) -> None:
    """That it is whole as well, test_deploy shows next: nothing is left to do, all checks pass."""
    assert_nothing_orphaned(deployed)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(CHANGE[1::3], id="some"),
        pytest.param(CHANGE, id="all", marks=pytest.mark.long),
    ],
)
def test_a_change_killed_at_spread_points_continues(
    deployed: Lab,
    edited: Path,  # noqa: F811
    points: tuple[tuple[str, int, float], ...],
    request: pytest.FixtureRequest,
) -> None:
    if points != CHANGE and request.config.stash.get(KILLED, False):
        pytest.skip("the first deploy was killed instead")
    wait_whole(deployed)
    round_, changed, began = 0, False, time.monotonic()
    for line, count, seconds in points:
        for _ in range(2):
            if not changed:  # the run before came to its end: there is nothing left to continue
                round_ += 1
                vary(edited, round_)
            changed = killed_at(start("deploy", "--no-verify", sites=edited), line, count, seconds)
            print(f"{time.monotonic() - began:5.0f}s killed at {line!r} {count}: {changed}")
            if changed:
                break
        assert changed, f"a deploy never says {line!r} {count} times"
    # One run, with no repair by hand, ends where an uninterrupted one would have ended. It brings
    # the description back too, so that it has work in every step.
    hanoi("deploy", "--quiet")
    assert_settled(deployed)


def assert_settled(lab: Lab) -> None:
    settled = hanoi("deploy", "--json", "--quiet", "--no-verify").json
    assert (settled["pulumi_changes"], settled["ansible_changes"]) == (0, 0)
    assert_nothing_orphaned(lab)


def assert_nothing_orphaned(lab: Lab) -> None:
    for host in lab.plan.hosts:
        wanted = {c.name for c in host.parts.containers}
        present = set(lab.root(host.id, "docker ps -a --format '{{.Names}}'").split())
        assert present == wanted
        networks = lab.root(host.id, "docker network ls --format '{{.Name}}'").split()
        ours = [n.name for n in host.parts.networks]
        assert sorted(networks) == sorted(["bridge", "host", "none", *ours])
        assert lab.root(host.id, "ls -A /var/lib/hanoi/pending 2>/dev/null || true") == ""


@pytest.mark.long  # each deploy above that continues a killed one took its lock
def test_the_lock_of_a_killed_deploy_is_free(deployed: Lab) -> None:
    first = start("deploy", "--no-verify")
    time.sleep(2)
    kill_tree(first)
    after = hanoi("deploy", "--json", "--quiet", "--no-verify")
    assert json.loads(after.out)["pulumi_changes"] == 0
