"""The central database: what each member really runs with."""

from __future__ import annotations

import json

import pytest

from infra.verify.checks import Host, control, gate, look, on

pytestmark = [gate("database"), on(container="postgres")]

PSQL = "docker exec postgres psql -h /run/postgresql -U postgres -d postgres -XAtqc "
REQUIRED = (
    ("PG-01", "ssl", "on"),
    ("PG-02", "data_checksums", "on"),
    ("PG-03", "password_encryption", "scram-sha-256"),
    ("PG-04", "fsync", "on"),
    ("PG-05", "full_page_writes", "on"),
    ("PG-06", "synchronous_commit", "on"),
    ("PG-07", "wal_log_hints", "on"),
    ("PG-08", "hot_standby", "on"),
    ("PG-09", "log_statement", "none"),
)
PATRONI = r"""
import json, ssl, urllib.request
c = ssl.create_default_context(cafile="/etc/patroni/ca.crt")
c.load_cert_chain("/etc/patroni/tls.crt", "/etc/patroni/tls.key")
base = "https://localhost:8008"
ask = lambda path: json.load(urllib.request.urlopen(base + path, timeout=4, context=c))
print(json.dumps({"cluster": ask("/cluster"), "config": ask("/config")}))
"""
# All that the checks ask PostgreSQL, in one statement: a look at a member costs one process.
FACTS = """
select json_build_object(
  'settings', (select json_object_agg(name, setting) from pg_settings),
  'pending', (select json_agg(name) from pg_settings where pending_restart),
  'rules', (select json_agg(json_build_object('type', type, 'method', auth_method,
            'users', user_name)) from pg_hba_file_rules where error is null),
  'wrong_rules', (select count(*) from pg_hba_file_rules where error is not null),
  'superusers', (select json_agg(rolname) from pg_roles where rolsuper),
  'weak', (select json_agg(rolname) from pg_authid where rolpassword is not null
           and rolpassword not like 'SCRAM-SHA-256$%'),
  'open', (select json_agg(datname) from pg_database d where not datistemplate
           and datname <> 'postgres' and exists (
             select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
             where a.grantee = 0 and a.privilege_type = 'CONNECT')),
  'databases', (select json_object_agg(datname, pg_get_userbyid(datdba)) from pg_database),
  'damaged', (select coalesce(sum(checksum_failures), 0) from pg_stat_database))
"""


def facts(host: Host) -> dict:
    return dict(json.loads(look(host, PSQL + "%s", FACTS)))


def setting(host: Host, name: str) -> str:
    return str(facts(host)["settings"][name])


def patroni(host: Host, part: str) -> dict:
    answer = look(host, "docker exec postgres python3 -c %s", PATRONI)
    return dict(json.loads(answer)[part])


def members(host: Host) -> list[dict]:
    return list(patroni(host, "cluster")["members"])


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(n, v, id=n, marks=control(i, "own requirement")) for i, n, v in REQUIRED],
)
def test_setting(host, name: str, value: str) -> None:
    """The member runs with the required setting."""
    found = setting(host, name)
    assert found == value, f"{name} is {found}"


@control("PG-20", "own requirement")
def test_one_leader(host) -> None:
    """Exactly one member leads, and it runs."""
    found = [m["name"] for m in members(host) if m["role"] == "leader" and m["state"] == "running"]
    assert len(found) == 1, f"leaders: {', '.join(found) or 'none'}"


@control("PG-21", "own requirement")
def test_all_members(host, plan) -> None:
    """Every planned member is in the cluster; the others stream from the leader.

    Break: a member stopped.
    """
    found = {m["name"]: m["state"] for m in members(host)}
    planned = {h.id for h in plan.running("postgres")}
    assert set(found) == planned, f"members: {', '.join(sorted(found))}"
    behind = [f"{n} is {s}" for n, s in found.items() if s not in ("running", "streaming")]
    assert not behind, "; ".join(behind)


@control("PG-22", "own requirement")
def test_quorum_standbys(host) -> None:
    """Two quorum standbys: a row is acknowledged when one more site has it."""
    found = [m["name"] for m in members(host) if m["role"] == "quorum_standby"]
    assert len(found) >= 2, f"quorum standbys: {', '.join(found) or 'none'}"


@control("PG-23", "own requirement")
def test_cluster_settings(host) -> None:
    """Synchronous by quorum, strictly, and failsafe."""
    found = patroni(host, "config")
    required = {
        "synchronous_mode": "quorum",
        "synchronous_mode_strict": True,
        "failsafe_mode": True,
    }
    wrong = [f"{k} is {found.get(k)}" for k, v in required.items() if found.get(k) != v]
    assert not wrong, "; ".join(wrong)


@control("PG-24", "Patroni documentation, Dynamic configuration settings")
def test_lease(host) -> None:
    """A lost leader is replaced in half a minute: loop_wait + 2 × retry_timeout ≤ ttl ≤ 30 s."""
    found = patroni(host, "config")
    ttl, loop, retry = (found.get(k) for k in ("ttl", "loop_wait", "retry_timeout"))
    assert ttl and loop and retry, "ttl, loop_wait or retry_timeout is not set"
    assert loop + 2 * retry <= ttl <= 30, f"ttl {ttl}, loop_wait {loop}, retry_timeout {retry}"


@control("PG-25", "own requirement")
def test_slots_are_bounded(host) -> None:
    """A standby that stays away cannot fill the leader's disk."""
    found = int(setting(host, "max_slot_wal_keep_size"))
    assert 0 < found <= 64 * 1024, f"max_slot_wal_keep_size is {found} MB"


@control("PG-26", "own requirement")
def test_nobody_without_tls(host) -> None:
    """No rule lets anybody in without TLS, or without a password."""
    good = ("scram-sha-256", "cert", "reject")
    found = [
        f"{r['type']} {r['method']}"
        for r in facts(host)["rules"]
        if r["method"] in ("trust", "password", "md5")
        or (r["type"] != "local" and (r["type"] != "hostssl" or r["method"] not in good))
    ]
    assert not found, f"rules: {'; '.join(found)}"
    assert not facts(host)["wrong_rules"], "a rule cannot be read"


@control("PG-27", "own requirement")
def test_superuser_is_local(host) -> None:
    """The superuser is on no network."""
    kept_out = [
        r for r in facts(host)["rules"] if r["method"] == "reject" and "postgres" in r["users"]
    ]
    assert kept_out, "no rule keeps the superuser off the network"


@control("PG-28", "own requirement")
def test_superusers(host) -> None:
    """There is one superuser."""
    found = facts(host)["superusers"]
    assert found == ["postgres"], f"superusers: {', '.join(found)}"


@control("PG-29", "own requirement")
def test_databases_are_closed(host, plan) -> None:
    """No application's database lets everybody connect.

    Break: `grant connect … to public`.
    """
    found = facts(host)["open"] or []
    assert not found, f"open to everybody: {', '.join(found)}"


@control("PG-30", "own requirement")
def test_databases_exist(host, plan) -> None:
    """Every planned database exists and belongs to its role."""
    owners = facts(host)["databases"]
    missing = [d.name for d in plan.common.databases if owners.get(d.name) != d.owner]
    assert not missing, f"missing, or of another owner: {', '.join(missing)}"


@control("PG-31", "own requirement")
def test_passwords_are_scram(host) -> None:
    """Every stored password is a SCRAM verifier."""
    found = facts(host)["weak"] or []
    assert not found, f"others: {', '.join(found)}"


@control("PG-32", "own requirement")
def test_settings_in_force(host) -> None:
    """No setting waits for a restart."""
    found = facts(host)["pending"] or []
    assert not found, f"waiting: {', '.join(found)}"


@control("PG-33", "own requirement")
def test_lag(host) -> None:
    """No member is more than 16 MiB behind."""
    behind = [m["name"] for m in members(host) if int(m.get("lag") or 0) > 16 * 2**20]
    assert not behind, f"behind: {', '.join(behind)}"


@control("PG-34", "own requirement")
def test_checksum_failures(host) -> None:
    """No data page was found damaged."""
    found = facts(host)["damaged"]
    assert not found, f"{found} damaged pages"


@control("PG-35", "own requirement")
def test_version(host) -> None:
    """The member runs PostgreSQL 17."""
    found = int(setting(host, "server_version_num"))
    assert found // 10000 == 17, f"version {found}"
