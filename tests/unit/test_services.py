"""Requirements on the rendered services, stated literally, and what member.py makes of answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from infra.plan import plan
from infra.services import render
from tests.golden.model import description, model


def _file(path: str, host: str = "nd-1") -> str:
    return next(f.content for f in plan(model()).host(host).parts.files if f.path == path)


def _patroni() -> dict[str, Any]:
    return yaml.safe_load(_file("/etc/hanoi/postgres/patroni.yaml"))


def test_postgresql_takes_nobody_without_tls() -> None:
    rules = _patroni()["postgresql"]["pg_hba"]
    assert {rule.split()[0] for rule in rules} == {"local", "hostssl"}
    assert not any(re.search(r"\b(trust|md5|password)\b", rule) for rule in rules)


def test_the_superuser_comes_by_no_network() -> None:
    rules = [r.split() for r in _patroni()["postgresql"]["pg_hba"]]
    first = next(r for r in rules if r[0] == "hostssl" and "postgres" in r[2].split(","))
    assert first[3:] == ["all", "reject"]
    assert rules.index(first) < min(i for i, r in enumerate(rules) if r[1:3] == ["all", "all"])


def test_replication_comes_from_members_only_and_with_a_certificate() -> None:
    rules = [r.split() for r in _patroni()["postgresql"]["pg_hba"]]
    network = [r for r in rules if r[0] == "hostssl" and r[1] == "replication"]
    assert {r[3] for r in network} == {"10.77.1.10/32", "10.77.2.10/32", "10.77.3.10/32"}
    assert all(r[4:] == ["scram-sha-256", "clientcert=verify-ca"] for r in network)


def test_acknowledged_rows_are_on_two_members() -> None:
    settings = _patroni()["bootstrap"]["dcs"]
    assert settings["synchronous_mode"] == "quorum"
    assert settings["synchronous_mode_strict"] is True
    assert settings["synchronous_node_count"] == 1
    assert settings["failsafe_mode"] is True
    assert "data-checksums" in _patroni()["bootstrap"]["initdb"]


def test_the_settings_for_the_first_start_and_for_later_are_the_same() -> None:
    assert _patroni()["bootstrap"]["dcs"] == json.loads(_file("/etc/hanoi/postgres/dcs.json"))


def test_writing_is_sent_where_patroni_says_never_where_a_port_answers() -> None:
    config = _file("/etc/hanoi/database-proxy/haproxy.cfg")
    primary = config.split("\nbackend primary")[1].split("backend replicas")[0]
    assert "httpchk OPTIONS /primary" in primary
    servers = [line for line in primary.splitlines() if line.strip().startswith("server ")]
    assert len(servers) == 3
    for line in servers:
        assert "check port 8008 check-ssl verify required" in line
        assert "on-marked-down shutdown-sessions" in line
        assert "backup" not in line


def test_the_data_volume_is_the_parent_of_pgdata() -> None:
    container = plan(model()).host("nd-1").container("postgres")
    targets = [m.target for m in container.mounts if m.kind == "volume"]
    assert targets == ["/var/lib/postgresql"]
    assert _patroni()["postgresql"]["data_dir"] == "/var/lib/postgresql/data"
    assert (container.stop_signal, container.stop_timeout) == ("SIGINT", 60)


def test_an_application_is_reached_by_verified_tls_and_locally_first() -> None:
    config = _file("/etc/hanoi/gateway/haproxy.cfg", "tdh-1")
    servers = [s.split() for s in config.splitlines() if s.strip().startswith("server ")]
    assert [s[2] for s in servers] == ["172.30.2.20:8443", "10.77.3.10:8443", "10.77.1.10:8443"]
    assert ["backup" in s for s in servers] == [False, True, True]
    assert all("verify required" in " ".join(s) for s in servers)


def test_a_database_per_unit_is_named_by_the_units_id() -> None:
    names = [d.name for d in plan(model()).common.databases]
    assert names == ["personnel_tt_thong_tin", "personnel_vu_to_chuc_can_bo"]


def test_a_private_key_is_readable_by_its_container_only() -> None:
    for host in plan(model()).hosts:
        users = {c.name: c.user.split(":")[0] for c in host.parts.containers}
        for file in host.parts.files:
            if "#key" in file.content or "#password" in file.content:
                assert file.mode == 0o400, file.path
                if file.path.startswith("/etc/hanoi/"):
                    assert file.owner == users[file.path.split("/")[3]], file.path


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """member.py as it stands in the container, with Patroni's answers left to the test."""
    facts = {"members": ["a", "b", "c"], "rest": "https://localhost:8008"}
    (tmp_path / "member.json").write_text(json.dumps(facts))
    (tmp_path / "dcs.json").write_text(json.dumps({"ttl": 20}))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = ModuleType("member")
    exec(compile(render("postgres/member.py"), "member.py", "exec"), module.__dict__)
    return module


WHOLE = [
    {"name": "a", "role": "leader", "state": "running", "api_url": "https://a:8008/patroni"},
    {"name": "b", "role": "quorum_standby", "state": "streaming"},
    {"name": "c", "role": "quorum_standby", "state": "streaming"},
]


def _changed(index: int, **change: str) -> list[dict[str, str]]:
    return [m | change if i == index else m for i, m in enumerate(WHOLE)]


@pytest.mark.parametrize(
    ("cluster", "reason"),
    [
        (WHOLE, None),
        (WHOLE[:2], "not there: c"),
        (_changed(0, role="replica"), "0 members lead, expected one"),
        (_changed(1, role="leader", state="running"), "2 members lead, expected one"),
        (_changed(2, state="stopped"), "not streaming: c (stopped)"),
        (
            [m | {"role": m["role"].replace("quorum_standby", "replica")} for m in WHOLE],
            "not in the quorum yet: b, c",
        ),
    ],
)
def test_the_gate_says_why_the_cluster_is_not_whole(
    member: ModuleType, cluster: list[dict[str, str]], reason: str | None
) -> None:
    member.call = answering(cluster)
    assert member.unhealthy() == reason


def answering(
    cluster: list[dict[str, str]], own: str = "running", streams: str = "bc"
) -> Callable[..., tuple[int, Any]]:
    """Patroni as /cluster tells it, and as this member and the leader tell it themselves."""
    rows = [{"application_name": name, "state": "streaming"} for name in streams]

    def call(_: str, path: str, base: str | None = None) -> tuple[int, Any]:
        if path == "/cluster":
            return 200, {"members": cluster}
        assert base in (None, "https://a:8008")
        return 200, {"state": "running", "replication": rows} if base else {"state": own}

    return call


@pytest.mark.parametrize(
    ("own", "streams", "reason"),
    [
        ("starting", "bc", "this member is not ready: starting"),
        ("running", "b", "no stream to: c"),
    ],
)
def test_the_gate_does_not_trust_what_the_store_remembers(
    member: ModuleType, own: str, streams: str, reason: str
) -> None:
    member.call = answering(WHOLE, own, streams)
    assert member.unhealthy() == reason


def test_changed_settings_and_pending_restarts_are_seen(member: ModuleType) -> None:
    answers: dict[str, Any] = {"/config": {"ttl": 20}, "/cluster": {"members": WHOLE}}
    member.call = lambda _, path: (200, answers[path])
    assert member.settings_differ() is None
    answers["/cluster"] = {"members": [m | {"pending_restart": True} for m in WHOLE]}
    assert member.settings_differ() == "restart pending: b, c, a"  # the leader last
    answers["/config"] = {"ttl": 30}
    assert member.settings_differ() == "the cluster's settings differ from dcs.json"


def test_a_single_site_plans_without_sources_that_do_not_exist() -> None:
    alone = description()
    alone["sites"] = [s for s in alone["sites"] if s["id"] == "nguyen-du"]
    for host in plan(model(alone)).hosts:
        assert all(o.sources for o in host.parts.openings)
