"""What `hanoi plan` promises is what a deploy does; looking changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def settled(deployed: Lab) -> Lab:
    wait_whole(deployed)
    return deployed


def test_deployed_sites_have_nothing_to_do_and_nothing_is_written(settled: Lab) -> None:
    before = tree(paths.state())
    hosts = {h.id: settled.root(h.id, _ON_HOST) for h in settled.plan.hosts}
    report = hanoi("plan", "--json", "--quiet").json
    assert report["changes"] == []
    assert report["summary"]["unknown"] == [] and report["summary"]["findings"] == []
    assert tree(paths.state()) == before
    assert {h.id: settled.root(h.id, _ON_HOST) for h in settled.plan.hosts} == hosts


# Names and times of everything below the directories that a deploy writes, and all containers.
_ON_HOST = (
    "find /etc /var/lib/hanoi -type f -printf '%p %T@ %C@\\n' | sort | sha256sum;"
    " docker ps -a --no-trunc --format '{{.ID}} {{.Names}}' | sort"
)


@pytest.fixture
def smaller_journal(edited: Path) -> Path:  # noqa: F811
    edit(edited, "ministry.yaml", "journal_max: 200MiB", "journal_max: 150MiB")
    return edited


@pytest.fixture
def put_back() -> Iterator[None]:
    yield
    hanoi("deploy", "--quiet", "--no-verify")


@pytest.mark.usefixtures("put_back")
def test_a_saved_plan_is_what_is_done_and_only_once(
    settled: Lab, smaller_journal: Path, tmp_path: Path
) -> None:
    file = tmp_path / "plan.bin"
    report = hanoi("plan", "--json", "--quiet", "-o", str(file), sites=smaller_journal).json
    expected = {f"file {JOURNAL}": "update", "service systemd-journald.service": "restart"}
    for host in settled.plan.hosts:
        assert things(report, host.id) == expected
    assert all("+SystemMaxUse=157286400" in c["diff"] for c in report["changes"] if c["diff"])

    other = hanoi("deploy", str(file), "--quiet", check=False)
    assert other.code == Exit.REFUSED and "HN-R034" in other.err, "another description"

    before = container_ids(settled)
    done = hanoi("deploy", str(file), "--json", "--quiet", "--no-verify", sites=smaller_journal)
    assert done.json["hosts"] == {h.id: len(expected) for h in settled.plan.hosts}
    assert done.json["pulumi_changes"] == 0
    assert container_ids(settled) == before

    again = hanoi("deploy", str(file), "--quiet", "--no-verify", sites=smaller_journal, check=False)
    assert again.code == Exit.REFUSED
    assert again.err.count("HN-R035") == len(settled.plan.hosts)
    assert f"file {JOURNAL}: was differs by content, is as planned" in again.err


def test_a_plan_is_refused_when_a_host_has_moved_on(settled: Lab, tmp_path: Path) -> None:
    file, host = tmp_path / "plan.bin", settled.plan.hosts[1].id
    hanoi("plan", "--quiet", "-o", str(file))
    record = "/var/lib/hanoi/pending/time-zone"
    settled.root(host, f"touch {record}")
    try:
        refused = hanoi("deploy", str(file), "--quiet", "--no-verify", check=False)
    finally:
        settled.root(host, f"rm -f {record}")
    assert refused.code == Exit.REFUSED, refused
    assert f"host {host}: HN-R035: action time-zone: was as planned, is due" in refused.err


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
