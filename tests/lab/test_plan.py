"""What `hanoi plan` promises is what a deploy does; looking changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.errors import Exit
from tests.lab.conftest import Lab, Ran, hanoi
from tests.lab.test_deploy import container_ids, edit, edited, wait_whole  # noqa: F401

JOURNAL = "/etc/systemd/journald.conf.d/10-hanoi.conf"


def tree(directory: Path) -> dict[str, str]:
    """Every file that a deploy could write, with its content. Sockets and the lab's own log
    belong to nobody's plan."""
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() + str(p.stat().st_mtime_ns)
        for p in sorted(directory.rglob("*"))
        if p.is_file() and "lab" not in p.relative_to(directory).parts
    }


def things(report: dict[str, Any], host: str) -> dict[str, str]:
    return {
        f"{c['kind']} {c['name']}": c["operation"] for c in report["changes"] if c["host"] == host
    }


@dataclass(frozen=True)
class Idle:
    """before, after: all that a deploy could write, here and on the hosts."""

    report: dict[str, Any]
    file: Path
    before: Any
    after: Any


@pytest.fixture(scope="module")
def settled(deployed: Lab) -> Lab:
    wait_whole(deployed)
    return deployed


@pytest.fixture(scope="module")
def idle(settled: Lab, tmp_path_factory: pytest.TempPathFactory) -> Idle:
    """A plan of sites where nothing is to be done, saved, with what was there before and after."""

    def written() -> tuple[dict[str, str], dict[str, str]]:
        return tree(paths.state()), {h.id: settled.root(h.id, _ON_HOST) for h in settled.plan.hosts}

    file = tmp_path_factory.mktemp("idle") / "plan.bin"
    before = written()
    report = hanoi("plan", "--json", "--quiet", "-o", str(file)).json
    return Idle(report, file, before, written())


def test_deployed_sites_have_nothing_to_do_and_nothing_is_written(idle: Idle) -> None:
    assert idle.report["changes"] == []
    assert idle.report["summary"]["unknown"] == [] and idle.report["summary"]["findings"] == []
    assert idle.after == idle.before


# Names and times of everything below the directories that a deploy writes, and all containers.
_ON_HOST = (
    "find /etc /var/lib/hanoi -type f -printf '%p %T@ %C@\\n' | sort | sha256sum;"
    " docker ps -a --no-trunc --format '{{.ID}} {{.Names}}' | sort"
)


@pytest.fixture
def smaller_journal(edited: Path) -> Path:  # noqa: F811
    edit(edited, "ministry.yaml", "journal_max: 200MiB", "journal_max: 150MiB")
    return edited


def test_a_plan_is_refused_when_a_host_has_moved_on(settled: Lab, idle: Idle) -> None:
    host = settled.plan.hosts[1].id
    record = "/var/lib/hanoi/pending/time-zone"
    settled.root(host, f"touch {record}")
    try:
        refused = hanoi("deploy", str(idle.file), "--quiet", "--no-verify", check=False)
    finally:
        settled.root(host, f"rm -f {record}")
    assert refused.code == Exit.REFUSED, refused
    assert f"host {host}: HN-R035: action time-zone: was as planned, is due" in refused.err


def test_a_saved_plan_is_what_is_done_and_only_once_and_a_deploy_undoes_it(
    settled: Lab, smaller_journal: Path, tmp_path: Path
) -> None:
    before = container_ids(settled)
    try:
        by_a_saved_plan(settled, smaller_journal, tmp_path / "plan.bin")
        assert container_ids(settled) == before
    finally:
        back = hanoi("deploy", "--json", "--quiet", "--no-verify").json
    # One changed setting touches only what it concerns: on each host one file and the restart
    # that follows it; nothing inside containers.
    assert back["pulumi_changes"] == 0
    assert back["hosts"] == {h.id: 2 for h in settled.plan.hosts}
    assert not any(back["actions"].values()) and not any(back["runtime"].values())
    assert container_ids(settled) == before
    for host in settled.plan.hosts:
        kept = settled.root(host.id, "cat /etc/systemd/journald.conf.d/*hanoi*.conf")
        assert f"SystemMaxUse={200 * 2**20}" in kept


def by_a_saved_plan(lab: Lab, sites: Path, file: Path) -> None:
    """Plan a smaller journal, save the plan, deploy it, and try to once more."""
    report = hanoi("plan", "--json", "--quiet", "-o", str(file), sites=sites).json
    expected = {f"file {JOURNAL}": "update", "service systemd-journald.service": "restart"}
    for host in lab.plan.hosts:
        assert things(report, host.id) == expected
    assert all("+SystemMaxUse=157286400" in c["diff"] for c in report["changes"] if c["diff"])

    other = hanoi("deploy", str(file), "--quiet", check=False)
    assert other.code == Exit.REFUSED and "HN-R034" in other.err, "another description"

    done = hanoi("deploy", str(file), "--json", "--quiet", "--no-verify", sites=sites).json
    assert done["hosts"] == {h.id: len(expected) for h in lab.plan.hosts}
    assert done["pulumi_changes"] == 0
    for host in lab.plan.hosts:
        kept = lab.root(host.id, "cat /etc/systemd/journald.conf.d/*hanoi*.conf")
        assert f"SystemMaxUse={150 * 2**20}" in kept

    again = hanoi("deploy", str(file), "--quiet", "--no-verify", sites=sites, check=False)
    assert again.code == Exit.REFUSED
    assert again.err.count("HN-R035") == len(lab.plan.hosts)
    assert f"file {JOURNAL}: was differs by content, is as planned" in again.err


def with_state(state: Path, *arguments: str) -> Ran:
    """Run hanoi with another state, a copy."""
    kept = os.environ.get("HANOI_STATE")
    os.environ["HANOI_STATE"] = str(state)
    try:
        return hanoi(*arguments)
    finally:
        if kept is None:
            del os.environ["HANOI_STATE"]
        else:
            os.environ["HANOI_STATE"] = kept


def test_containers_are_replaced_when_only_their_image_changes(
    settled: Lab, tmp_path: Path
) -> None:
    """A new digest under the same content tag: the containers' own descriptions stay the same,
    and the new image's id is not known before it is pulled."""
    state = Path(shutil.copytree(paths.state(), tmp_path / "state", ignore=_sockets))
    digests = json.loads((state / "images.json").read_text())
    name = next(n for n in digests if n.startswith("haproxy:"))
    digests[name] = digests[name].partition("@")[0] + "@sha256:" + "1" * 64
    (state / "images.json").write_text(json.dumps(digests))
    report = with_state(state, "plan", "--json", "--quiet").json
    for host in settled.plan.hosts:
        using = [c.name for c in host.parts.containers if c.image == "haproxy"]
        assert using
        found = things(report, host.id)
        assert {k: v for k, v in found.items() if k.startswith("container ")} == {
            f"container {n}": "replace" for n in using
        }
        assert "image haproxy" in found


def _sockets(directory: str, names: list[str]) -> list[str]:
    return [
        n for n in names if not Path(directory, n).is_file() and not Path(directory, n).is_dir()
    ]
