"""`hanoi plan` on faked hosts: what it tells, that it writes nothing, and what it cannot know."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra import paths, ssh, supply
from infra.errors import Exit, HanoiError
from infra.live import preview, state
from infra.live.described import Described, Source
from infra.live.preview import Ahead, look_ahead
from infra.live.state import Copy
from infra.pulumi_events import Previewed
from infra.secrets import Secrets, keeper
from infra.state import Digests, Left
from tests.unit.livehost import SAMPLE, Fake, bare_facts, connecting, sample

MODEL, PLAN = sample()
DESCRIBED = Described(MODEL, PLAN, Source("1a2b3c4d5e", False, "d" * 64))
HOSTS = [h.id for h in PLAN.hosts]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_SITES", str(SAMPLE))
    monkeypatch.setenv("HANOI_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HANOI_SECRETS", raising=False)
    monkeypatch.delenv("HANOI_BACKEND", raising=False)
    monkeypatch.setattr(keeper, "public_key", lambda: "ssh-ed25519 AAAA hanoi-deploy")
    monkeypatch.setattr(
        "infra.secrets.deploykey.public_key", lambda: "ssh-ed25519 AAAA hanoi-deploy"
    )


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    """Three hosts as a deploy leaves them."""
    found = {h.id: Fake(h, PLAN) for h in PLAN.hosts}
    found["nd-1"].inside["leader"] = True
    monkeypatch.setattr(ssh, "connect", connecting(found))
    return found


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every secret of the plan, generated once."""
    directory = tmp_path_factory.mktemp("generated") / "secrets"
    Secrets.open(directory).ensure([*PLAN.secrets, preview.PASSPHRASE])
    return directory


@pytest.fixture
def deployed(generated: Path, fakes: dict[str, Fake]) -> None:
    """The operator's side as a deploy leaves it: secrets, digests, containers."""
    shutil.copytree(generated, paths.secrets())
    tags = supply.tags(PLAN)
    Digests().update({f"{n}:{t}": f"10.0.0.1:5000/hanoi/{n}@sha256:1" for n, t in tags.items()})
    containers = {h: {c["name"]: c["id"] for c in f.facts["containers"]} for h, f in fakes.items()}
    Left().settle(frozenset(fakes), containers)


Previews = dict[str, Previewed]


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Previews:
    """Pulumi's answers by host: nothing, unless a test says otherwise."""
    answers: Previews = {}

    class FakeStacks:
        def preview(self, hosts: Any, images: Any, refresh: Any) -> list[Previewed]:
            self.refreshed = refresh
            return [answers.get(h.id, Previewed(h.id, {}, {})) for h in hosts]

    @contextmanager
    def copied(reading: Any, engine: Any, images: Any, hosts: Any, passphrase: str) -> Any:
        yield Copy(FakeStacks(), {h.id: "checkpoint" for h in hosts})  # type: ignore[arg-type]

    monkeypatch.setattr(state, "copied", copied)
    return answers


def engine() -> Any:
    return None


def ahead(*sites: str, engine: Callable[[], Any] = engine) -> Ahead:
    return look_ahead(DESCRIBED, sites, engine, lambda line: None)


def tree(directory: Path) -> dict[str, str]:
    """Every file below with its content, mode and time."""
    return {
        str(p): f"{p.stat().st_mode:o} {p.stat().st_mtime_ns} "
        + (hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "")
        for p in sorted(directory.rglob("*"))
    }


@pytest.mark.usefixtures("deployed", "pulumi")
def test_deployed_sites_have_nothing_to_do() -> None:
    found = ahead()
    assert found.report.changes == ()
    assert found.report.summary.unknown == ()
    assert found.report.empty
    assert found.failure is None
    assert found.report.head == "sites (1a2b3c4)"


@pytest.mark.usefixtures("deployed", "pulumi")
def test_nothing_is_written(tmp_path: Path) -> None:
    before = tree(tmp_path)
    assert any("secrets" in name for name in before)
    ahead()
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("fakes", "pulumi")
def test_nothing_is_written_before_the_first_deploy(fakes: dict[str, Fake], tmp_path: Path) -> None:
    """No secret is generated, no directory made: what a deploy would generate is told."""
    for host in PLAN.hosts:
        fakes[host.id].facts = bare_facts(host)
    found = ahead()
    assert tree(tmp_path) == {}
    secrets = {c.name for c in found.report.changes if c.kind == "secret"}
    assert {"ca", "pulumi/passphrase", "db/replicator", "etcd/nd-1"} <= secrets


@pytest.mark.usefixtures("deployed", "pulumi")
def test_what_differs_on_a_host(fakes: dict[str, Fake]) -> None:
    """Each thing once, with what is there now, and the actions that follow; per host."""
    fake = fakes["tdh-1"]
    journal = "/etc/systemd/journald.conf.d/10-hanoi.conf"
    planned = next(f for f in PLAN.host("tdh-1").parts.files if f.path == journal)
    fake.facts["drift"] = {
        "packages": ["nftables"],
        "users": ["hanoi"],
        "files": [{"path": journal, "why": "content"}],
        "units": ["ssh.service"],
    }
    fake.answers["current"] = {
        "files": {
            journal: {
                "kind": "file", "mode": "0644", "owner": "root", "group": "root",
                "size": 9, "changed": 1.0, "sha256": "0" * 64,
                "content": planned.content.replace("MaxRetentionSec=90day", "MaxRetentionSec=9day"),
            }
        },
        "users": {"hanoi": {"shell": "/bin/sh", "groups": ["docker"]}},
        "units": {"ssh.service": {"UnitFileState": "disabled", "ActiveState": "active"}},
    }  # fmt: skip
    changes = ahead().report.changes
    assert {c.host for c in changes} == {"tdh-1"}
    assert [(c.kind, c.name, c.operation) for c in changes] == [
        ("package", "nftables", "create"),
        ("login", "hanoi", "update"),
        ("file", journal, "update"),
        ("service", "ssh.service", "update"),
        ("service", "systemd-journald.service", "restart"),
    ]
    file = changes[2]
    assert "-MaxRetentionSec=9day" in file.diff and "+MaxRetentionSec=90day" in file.diff
    assert not file.diff.startswith(("---", "+++"))
    assert changes[1].properties[0].before == "/bin/sh"
    assert [(p.name, p.before, p.after) for p in changes[3].properties] == [
        ("at start-up", "disabled", "enabled")
    ]


KEY = "/etc/hanoi/etcd/tls.key"


@pytest.mark.usefixtures("deployed", "pulumi")
def test_a_file_with_a_secret_is_never_fetched_nor_shown(fakes: dict[str, Fake]) -> None:
    fake = fakes["nd-1"]
    fake.facts["drift"]["files"] = [{"path": KEY, "why": "content"}]
    fake.answers["current"]["files"][KEY] = {
        "kind": "file", "mode": "0400", "owner": "10379", "group": "10379", "size": 9,
        "changed": 1.0, "content": "even if a host told it",
    }  # fmt: skip
    found = ahead()
    [change] = [c for c in found.report.changes if c.kind == "file"]
    assert change.diff == ""
    assert "secret://etcd/nd-1" in change.why
    asked = [p for p in fake.payloads if "current" in p.get("modules", {})]
    assert [KEY] == asked[0]["wanted"]["closed"] == asked[0]["wanted"]["files"]


@pytest.mark.usefixtures("deployed", "pulumi")
def test_no_known_secret_is_in_a_report(fakes: dict[str, Fake]) -> None:
    """Somebody has put a password of ours into a file that has none in the plan."""
    secret = Secrets.open(paths.secrets()).value("db/replicator", "password")
    path = "/etc/systemd/journald.conf.d/10-hanoi.conf"
    fake = fakes["nd-1"]
    fake.facts["drift"]["files"] = [{"path": path, "why": "content"}]
    fake.answers["current"]["files"][path] = {
        "kind": "file", "mode": "0644", "owner": "root", "group": "root", "size": 9,
        "changed": 1.0, "sha256": "0" * 64,
        "content": f"[Journal]\n# {secret}\nDB_PASSWORD=canary-4711\nkey: value\n",
    }  # fmt: skip
    found = ahead()
    [file] = [c for c in found.report.changes if c.kind == "file"]
    assert "-# secret://db/replicator#password" in file.diff
    assert "-DB_PASSWORD=(hidden)" in file.diff and "-key: value" in file.diff
    assert secret not in repr(found.report) and "canary-4711" not in repr(found.report)


@pytest.mark.usefixtures("deployed")
def test_actions_of_containers_that_start_anew_are_moot(
    fakes: dict[str, Fake], pulumi: Previews
) -> None:
    """A container that is replaced reads its new settings anyway; another one reloads them."""
    fake = fakes["nd-1"]
    paths_ = ["/etc/hanoi/gateway/haproxy.cfg", "/etc/hanoi/database-proxy/haproxy.cfg"]
    fake.facts["drift"]["files"] = [{"path": p, "why": "content"} for p in paths_]
    pulumi["nd-1"] = Previewed("nd-1", {"container/gateway": ("replace",)}, {})
    changes = [c for c in ahead().report.changes if c.kind == "container"]
    assert [(c.name, c.operation) for c in changes] == [
        ("gateway", "replace"),
        ("database-proxy", "reload"),
    ]


@pytest.mark.usefixtures("deployed", "pulumi")
def test_an_action_left_from_a_killed_run_is_due(fakes: dict[str, Fake]) -> None:
    fakes["ddn-1"].facts["pending"] = [
        {"id": "etcd-restart", "since": 2000.0, "moot": False},
        {"id": "registry-restart", "since": 1.0, "moot": True},
    ]
    [change] = ahead().report.changes
    assert (change.host, change.kind, change.name, change.operation) == (
        "ddn-1", "container", "etcd", "restart",
    )  # fmt: skip
    assert "left from an earlier change" in change.why


@pytest.mark.usefixtures("deployed", "pulumi")
def test_a_bare_site_says_what_it_cannot_know(fakes: dict[str, Fake]) -> None:
    host = PLAN.host("ddn-1")
    fakes["ddn-1"].facts = bare_facts(host)
    found = ahead(host.site)
    assert found.failure is None
    counts = found.report.counts("ddn-1")
    kinds = [c.kind for c in found.report.changes if c.host == "ddn-1"]
    assert kinds.count("file") == len(host.parts.files)
    assert kinds.count("package") == len(host.parts.packages)
    assert kinds.count("login") == len(host.parts.users)
    assert "container" not in kinds
    assert counts["create"] >= len(host.parts.files)
    [engineless] = [u for u in found.report.summary.unknown if "Docker engine" in u]
    assert "known after the engine is there" in engineless
    assert "etcd" in engineless and "postgres" in engineless


@pytest.mark.usefixtures("deployed", "pulumi")
def test_without_any_engine_pulumi_is_not_asked_for(fakes: dict[str, Fake]) -> None:
    for host in PLAN.hosts:
        fakes[host.id].facts = bare_facts(host)

    def refuse() -> Any:
        raise AssertionError("the engine was asked for")

    ahead(engine=refuse)


@pytest.mark.usefixtures("deployed", "pulumi")
def test_an_unreachable_host_is_said_once_and_hides_nothing(fakes: dict[str, Fake]) -> None:
    fakes["tdh-1"].down = True
    fakes["nd-1"].facts["drift"]["packages"] = ["nftables"]
    found = ahead()
    assert found.failure is not None and found.failure.exit_code == Exit.UNREACHABLE
    assert [p.code for p in found.failure.problems] == ["HN-C001"]
    assert [c.host for c in found.report.changes] == ["nd-1"]
    assert len([u for u in found.report.summary.unknown if "tdh-1" in u]) == 1


@pytest.mark.usefixtures("deployed", "pulumi")
def test_another_machine_is_not_looked_past(fakes: dict[str, Fake]) -> None:
    from infra.state import Identities

    Identities().record("nd-1", "another-machine", "another-engine")
    found = ahead()
    assert found.failure is not None and found.failure.exit_code == Exit.REFUSED
    assert [p.code for p in found.failure.problems] == ["HN-D010"]
    assert not any(c.host == "nd-1" for c in found.report.changes)


@pytest.mark.usefixtures("fakes", "pulumi")
def test_a_state_that_knows_nothing_is_refused_as_by_a_deploy() -> None:
    with pytest.raises(HanoiError) as refused:
        ahead()
    assert {p.code for p in refused.value.problems} == {"HN-D024"}
    assert refused.value.exit_code == Exit.REFUSED


@pytest.mark.usefixtures("deployed", "pulumi")
def test_images_that_are_missing(tmp_path: Path) -> None:
    tags = supply.tags(PLAN)
    (paths.state() / "images.json").write_text(
        json.dumps({f"{n}:{t}": "x@sha256:1" for n, t in tags.items() if n != "etcd"})
    )
    found = ahead()
    [image] = [c for c in found.report.changes if c.kind == "image"]
    assert (image.name, image.host) == (f"hanoi/etcd:{tags['etcd']}", PLAN.hub)
    assert image.why.startswith("built")
    others = [s.id for s in PLAN.sites if not any(h.id == PLAN.hub for h in s.hosts)]
    [refused] = ahead(*others).report.summary.findings
    assert (refused.id, refused.severity) == ("images-missing", "refused")


@pytest.mark.usefixtures("deployed", "pulumi")
def test_what_differs_inside_the_database(fakes: dict[str, Fake]) -> None:
    fakes["nd-1"].inside.update(
        differs=["role tryton: password", "role tryton: rights", "database a: missing",
                 "database a: open to all"],
        oneoffs=["postgres-settings"],
    )  # fmt: skip
    changes = ahead().report.changes
    assert [(c.host, c.kind, c.name, c.operation) for c in changes] == [
        ("", "database role", "tryton", "update"),
        ("", "database", "a", "create"),
        ("", "one-off", "postgres-settings", "create"),
    ]


@pytest.mark.usefixtures("deployed", "pulumi")
def test_without_a_leader_it_does_not_wait(fakes: dict[str, Fake]) -> None:
    fakes["nd-1"].inside.update(leader=None, why="the database gave no answer")
    found = ahead()
    assert found.report.changes == ()
    [unknown] = found.report.summary.unknown
    assert "no member of the database leads now" in unknown and "gave no answer" in unknown


@pytest.mark.usefixtures("deployed", "pulumi")
def test_a_change_that_is_under_way_is_said(fakes: dict[str, Fake]) -> None:
    fakes["ddn-1"].answers["underway"] = {
        "who": "an@office", "pid": 4, "command": "hanoi deploy", "since": "12:00", "origin": "10.0.0.9",
    }  # fmt: skip
    [unknown] = ahead().report.summary.unknown
    assert "ddn-1: a change is under way: an@office from 10.0.0.9" in unknown


@pytest.mark.usefixtures("deployed", "pulumi")
def test_a_certificate_that_runs_out_is_told_before_it_is_reissued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.secrets.authority.REISSUE_DAYS", 100_000)
    changes = [c for c in ahead().report.changes if c.kind == "secret"]
    assert {c.operation for c in changes} == {"update"}
    assert {"etcd/nd-1", "gateway/ddn-1"} <= {c.name for c in changes}
    assert all("days left" in c.why for c in changes)
