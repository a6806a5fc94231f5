"""A second deploy changes nothing; no site is read as empty when it is another one or cannot be
reached. What one changed setting touches is in test_plan."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from pathlib import Path

import pytest

from infra import lab, paths
from infra.errors import Exit
from tests.lab.conftest import Lab, Ran, ended, hanoi, start

_IDS = "docker ps --no-trunc --format '{{.Names}} {{.ID}}'"


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of the description that a test may edit."""
    return Path(shutil.copytree(paths.sites(), tmp_path / "sites"))


def edit(sites: Path, name: str, old: str, new: str) -> None:
    file = sites / name
    text = file.read_text()
    assert old in text, f"{name} no longer holds {old!r}"
    file.write_text(text.replace(old, new))


def container_ids(lab_: Lab) -> dict[str, str]:
    return {
        f"{h.id} {line.split()[0]}": line.split()[1]
        for h in lab_.plan.hosts
        for line in lab_.root(h.id, _IDS).splitlines()
    }


def test_second_deploy_changes_nothing_and_one_beside_it_is_refused(deployed: Lab) -> None:
    before = container_ids(deployed)
    second = start("deploy", "--json", "--quiet")
    try:
        holder = paths.state() / "lock"
        end = time.monotonic() + 30
        while f'"pid": {second.pid}' not in holder.read_text():
            assert second.poll() is None and time.monotonic() < end, "it takes no lock"
            time.sleep(0.05)
        refused = hanoi("deploy", "--quiet", "--no-verify", check=False)
        assert refused.code == Exit.REFUSED, refused
        assert "HN-D001" in refused.err
        assert str(second.pid) in refused.err, "the holder is named with its process"
    finally:
        again = ended(second)
    assert again.code == 0, again
    assert again.json["pulumi_changes"] == 0, again
    assert again.json["ansible_changes"] == 0, again
    assert container_ids(deployed) == before


def test_another_engine_is_refused_not_filled(deployed: Lab) -> None:
    host = deployed.plan.hosts[1].id
    identities = paths.state() / "identity.json"
    kept = identities.read_text()
    changed = json.loads(kept)
    entry = changed[host] if host in changed else changed["hosts"][host]
    entry["engine_id"] = "another-engine"
    identities.write_text(json.dumps(changed))
    try:
        before = container_ids(deployed)
        refused = hanoi("deploy", "--quiet", check=False)
        assert refused.code == Exit.REFUSED, refused
        assert "HN-D010" in refused.err and host in refused.err
        assert container_ids(deployed) == before
    finally:
        identities.write_text(kept)


@pytest.mark.long  # test_availability asks the same of a site that is lost under load
def test_unreachable_site_is_said_once_and_nothing_is_done(deployed: Lab) -> None:
    before = container_ids(deployed)
    stopped = deployed.plan.hosts[2]
    lab.stop_host(stopped.id)
    try:
        assert_unreachable(hanoi("deploy", "--quiet", check=False), stopped.id)
    finally:
        lab.start_host(stopped.id)
    wait_whole(deployed)
    assert container_ids(deployed) == before


def assert_unreachable(refused: Ran, host: str) -> None:
    assert refused.code == Exit.UNREACHABLE, refused
    assert refused.err.count("HN-C001") == 1
    assert host in refused.err


def wait_whole(lab_: Lab, seconds: float = 120) -> None:
    """Wait until every host answers and every voting member's gate is open."""
    end = time.monotonic() + seconds
    while True:
        failed = []
        for host in lab_.plan.hosts:
            for container in host.parts.containers:
                if not container.gate:
                    continue
                gate = shlex.join(["docker", "exec", container.name, *container.gate])
                try:
                    lab_.root(host.id, gate)
                except Exception as closed:
                    failed.append(str(closed))
        if not failed:
            return
        assert time.monotonic() < end, failed
        time.sleep(2)
