"""etcd: the quorum that decides who writes."""

from __future__ import annotations

import json

from infra.verify.checks import control, gate, look, on

pytestmark = [gate("database"), on(container="etcd")]

ETCDCTL = (
    "docker exec etcd etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/ca.crt"
    " --cert=/etc/etcd/tls.crt --key=/etc/etcd/tls.key --command-timeout=5s -w json "
)


def ask(host, command: str):
    return json.loads(look(host, ETCDCTL + command))


@control("ETCD-01", "own requirement")
def test_members(host, plan) -> None:
    """The quorum has exactly the three planned voting members.

    Break: a member stopped (ETCD-02) or removed.
    """
    members = ask(host, "member list")["members"]
    found = {m.get("name", "(not started)") for m in members if not m.get("isLearner")}
    planned = {h.id for h in plan.running("etcd")}
    assert found == planned, f"members: {', '.join(sorted(found))}"
    assert len(found) >= 3 and len(found) % 2, f"{len(found)} members are no quorum to rely on"


@control("ETCD-02", "own requirement")
def test_all_healthy(host) -> None:
    """Every member is healthy, as this one sees it."""
    done = host.run(ETCDCTL + "endpoint health --cluster")
    assert done.rc == 0, "a member is not healthy"
    assert all(m["health"] for m in json.loads(done.stdout)), "a member is not healthy"


@control("ETCD-03", "own requirement")
def test_one_leader(host) -> None:
    """All members agree on one leader."""
    rows = ask(host, "endpoint status --cluster")
    leaders = {r["Status"]["leader"] for r in rows}
    assert len(leaders) == 1 and 0 not in leaders, f"leaders: {leaders}"


@control("ETCD-04", "etcd documentation, Maintenance")
def test_no_alarm(host) -> None:
    """No alarm is raised, such as that the space is used up."""
    found = ask(host, "alarm list").get("alarms", [])
    assert not found, f"alarms: {found}"


@control("ETCD-05", "own requirement")
def test_certificates_required(host) -> None:
    """Its settings ask clients and peers for a certificate."""
    text = look(host, "cat /etc/hanoi/etcd/etcd.yaml")
    assert text.count("client-cert-auth: true") == 2, "client-cert-auth is not on for both"
    assert "http://" not in text, "it listens in plain text"


@control("ETCD-06", "own requirement")
def test_small(host) -> None:
    """Its data is far from its limit."""
    for row in ask(host, "endpoint status"):
        size = row["Status"]["dbSize"]
        assert size < 128 * 2**20, f"{size // 2**20} MiB"
