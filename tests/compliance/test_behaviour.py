"""The cluster through its front door: what is written at one site is read at the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets as random
import shlex

import pytest

from infra.verify.checks import Host, control, fresh, gate, look, on

pytestmark = [gate("database"), on(container="database-proxy")]

WRITE_PORT, READ_PORT = 6432, 6433
LOCAL = "docker exec -i postgres psql -h /run/postgresql -U postgres -d postgres -XAtq -v ON_ERROR_STOP=1"

# Runs in the postgres container of one host, as any client would: TLS, certificate and name
# verified, password. Standard input: the password, then [[address, port, sql, wanted], …];
# a statement with a wanted answer is repeated until it is given, for ten seconds.
CLIENT = r"""
import json, os, subprocess, sys, time
os.environ["PGPASSWORD"] = sys.stdin.readline().strip()
user, results = sys.argv[1], []
for address, port, sql, wanted in json.loads(sys.stdin.readline()):
    url = "host=%s port=%s user=%s dbname=postgres sslmode=verify-full sslrootcert=/etc/patroni/ca.crt connect_timeout=5" % (address, port, user)
    started = time.monotonic()
    while True:
        p = subprocess.run(["psql", url, "-XAtqc", sql], capture_output=True, text=True)
        done = p.returncode == 0 and (wanted is None or p.stdout.strip() == wanted)
        if done or time.monotonic() - started > 10:
            break
        time.sleep(0.1)
    results.append([done, p.stdout.strip(), p.stderr.strip()[-200:]])
    if not done:
        break
print(json.dumps(results))
"""


def verifier(password: str) -> str:
    """The SCRAM verifier, so that the password itself never reaches the server (RFC 5802)."""
    salt, rounds = random.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (salt, hashlib.sha256(client).digest(), server)
    coded = [base64.b64encode(p).decode() for p in parts]
    return f"SCRAM-SHA-256${rounds}:{coded[0]}${coded[1]}:{coded[2]}"


class Visitor:
    """A login that exists for one check: a role, a schema of its own, gone afterwards."""

    def __init__(self, hosts: dict[str, Host]) -> None:
        self.name = f"hanoi_verify_{random.token_hex(4)}"
        self.password = random.token_urlsafe(24)
        self._leader = self._find(hosts)

    def __enter__(self) -> Visitor:
        self._sql(
            f"create role {self.name} login connection limit 10 password '{verifier(self.password)}';"
            f" grant connect on database postgres to {self.name};"
            f" create schema {self.name} authorization {self.name};"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._sql(f"drop owned by {self.name} cascade; drop role {self.name};")

    def ask(self, host: Host, *questions: tuple[str, int, str, str | None]) -> list:
        """From this host's postgres container; stops at the first that fails."""
        given = f"{self.password}\n{json.dumps(questions)}\n".encode()
        command = shlex.join(["docker", "exec", "-i", "postgres", "python3", "-c", CLIENT, self.name])
        done = fresh(host, command, stdin=given)
        assert done.rc == 0, f"the client failed: {done.stderr.strip()[-200:]}"
        return list(json.loads(done.stdout))

    def _sql(self, text: str) -> None:
        done = fresh(self._leader, LOCAL, stdin=text.encode())
        assert done.rc == 0, f"the leader refused: {done.stderr.strip()[-200:]}"

    @staticmethod
    def _find(hosts: dict[str, Host]) -> Host:
        for host in hosts.values():
            done = fresh(host, f"{LOCAL} -c 'select not pg_is_in_recovery()'")
            if done.stdout.strip() == "t":
                return host
        pytest.fail("no member leads", pytrace=False)


def _members(plan) -> list:
    return [h for h in plan.hosts if "postgres" in {c.name for c in h.parts.containers}]


@control("BEHAVE-01", "own requirement")
def test_written_here_read_there(target, host, hosts, plan) -> None:
    """A row written through this site's endpoint is read at the other sites' endpoints.

    By a login made for this check, with password and verified TLS; removed afterwards.
    Break: this site's proxy stopped, or a standby that does not follow.
    """
    others = [h for h in plan.hosts if h.id != target.id]
    value = random.token_hex(16)
    with Visitor(hosts) as visitor:
        table = f"{visitor.name}.row"
        write = f"create table {table} (value text); insert into {table} values ('{value}')"
        questions = [(target.address, WRITE_PORT, write, None)]
        questions += [(o.address, READ_PORT, f"select value from {table}", value) for o in others]
        found = visitor.ask(host, *questions)
    for (address, port, _, _), (done, _, error) in zip(questions, found, strict=False):
        assert done, f"{address}:{port}: {error or 'the row does not arrive'}"
    assert len(found) == len(questions), "not every endpoint was asked"


@control("BEHAVE-02", "own requirement")
def test_endpoints_lead_where_they_say(target, host, hosts) -> None:
    """The read-write endpoint leads to the primary, the read-only one to a standby."""
    ask = "select pg_is_in_recovery()"
    with Visitor(hosts) as visitor:
        found = visitor.ask(
            host, (target.address, WRITE_PORT, ask, "f"), (target.address, READ_PORT, ask, "t")
        )
    assert found[0][0], f"read-write: {found[0][2] or 'it leads to a standby'}"
    assert found[1][0], f"read-only: {found[1][2] or 'it leads to the primary'}"


@control("BEHAVE-03", "own requirement")
def test_read_only_is(target, host, hosts) -> None:
    """Nobody writes through the read-only endpoint."""
    with Visitor(hosts) as visitor:
        write = f"create table {visitor.name}.t (a int)"
        found = visitor.ask(host, (target.address, READ_PORT, write, None))
    assert not found[0][0] and "read-only" in found[0][2], f"it wrote: {found[0]}"


@control("BEHAVE-04", "own requirement")
def test_strangers_stay_out(target, host, hosts, plan) -> None:
    """A login without its own database sees no application's database."""
    names = [d.name for d in plan.common.databases]
    if not names:
        pytest.skip("no database is planned yet")
    with Visitor(hosts) as visitor:
        query = " union all ".join(
            f"select '{n}' where has_database_privilege('{n}', 'connect')" for n in names
        )
        found = visitor.ask(host, (target.address, WRITE_PORT, query, None))
    assert found[0][0], found[0][2]
    assert not found[0][1], f"it may connect to: {', '.join(found[0][1].split())}"


@control("BEHAVE-05", "own requirement")
def test_superuser_stays_local(target, host) -> None:
    """The superuser cannot come through the endpoint, whatever the password."""
    url = (
        f"host={target.address} port={WRITE_PORT} user=postgres dbname=postgres"
        " sslmode=verify-full sslrootcert=/etc/patroni/ca.crt connect_timeout=5"
    )
    done = host.run("docker exec postgres psql -w -XAtqc 'select 1' %s", url)
    assert done.rc != 0 and "pg_hba" in done.stderr, f"it answers: {done.stderr.strip()[-120:]}"


@control("BEHAVE-06", "own requirement")
def test_one_writable_member(hosts, plan) -> None:
    """Exactly one member takes writes, asked one by one."""
    found = []
    for member in _members(plan):
        answer = look(hosts[member.id], f"{LOCAL} -c 'select pg_is_in_recovery()'").strip()
        if answer == "f":
            found.append(member.id)
    assert len(found) == 1, f"writable: {', '.join(found) or 'none'}"
