"""The cluster through its front door: what is written at one site is read at the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets as random
import shlex

import pytest

from infra.verify.checks import Host, at_once, control, fresh, gate, look, on

pytestmark = [gate("database"), on(container="database-proxy")]

WRITE_PORT, READ_PORT = 6432, 6433
# As superuser, on the host itself.
LOCAL = (
    "docker exec -i postgres psql -h /run/postgresql -U postgres -d postgres -XAtq"
    " -v ON_ERROR_STOP=1"
)
RECOVERY = f"{LOCAL} -c 'select pg_is_in_recovery()'"

# Runs in the postgres container of one host, as any client would: TLS, certificate and name
# verified, password. Standard input: the password, then [[address, port, sql, wanted], …];
# a statement with a wanted answer is repeated until it is given, for ten seconds. After one
# that failed nothing more is asked, unless a failure was wanted ("!").
CLIENT = r"""
import json, os, subprocess, sys, time
os.environ["PGPASSWORD"] = sys.stdin.readline().strip()
user, results = sys.argv[1], []
for address, port, sql, wanted in json.loads(sys.stdin.readline()):
    url = ("host=%s port=%s user=%s dbname=postgres sslmode=verify-full connect_timeout=5"
           " sslrootcert=/etc/patroni/ca.crt" % (address, port, user))
    started = time.monotonic()
    while True:
        p = subprocess.run(["psql", url, "-XAtqc", sql], capture_output=True, text=True)
        done = p.returncode == 0 and (wanted in (None, "!") or p.stdout.strip() == wanted)
        if done or wanted in (None, "!") or time.monotonic() - started > 10:
            break
        time.sleep(0.1)
    results.append([done, p.stdout.strip(), p.stderr.strip()[-200:]])
    if not done and wanted != "!":
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
            f"create role {self.name} login connection limit 10"
            f" password '{verifier(self.password)}';"
            f" grant connect on database postgres to {self.name};"
            f" create schema {self.name} authorization {self.name};"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._sql(f"drop owned by {self.name} cascade; drop role {self.name};")

    def ask(self, host: Host, *questions: tuple[str, int, str, str | None]) -> list:
        """From this host's postgres container; see CLIENT."""
        given = f"{self.password}\n{json.dumps(questions)}\n".encode()
        command = shlex.join(
            ["docker", "exec", "-i", "postgres", "python3", "-c", CLIENT, self.name]
        )
        done = fresh(host, command, stdin=given)
        assert done.rc == 0, f"the client failed: {done.stderr.strip()[-200:]}"
        return list(json.loads(done.stdout))

    def _sql(self, text: str) -> None:
        done = fresh(self._leader, LOCAL, stdin=text.encode())
        assert done.rc == 0, f"the leader refused: {done.stderr.strip()[-200:]}"

    @staticmethod
    def _find(hosts: dict[str, Host]) -> Host:
        for host in hosts.values():
            if host.run(RECOVERY).stdout.strip() == "f":
                return host
        pytest.fail("no member leads", pytrace=False)


def _questions(visitor: Visitor, plan, target) -> dict[str, list[tuple[str, int, str, str | None]]]:
    """All that is asked from one host: name of the check → questions."""
    own = visitor.name
    table = f"{own}.from_{target.id}".replace("-", "_")
    value = random.token_hex(16)
    here, primary = target.address, "select pg_is_in_recovery()"
    closed = " union all ".join(
        f"select '{d.name}' where has_database_privilege('{d.name}', 'connect')"
        for d in plan.common.databases
    )
    write = f"create table {table} (value text); insert into {table} values ('{value}')"
    others = [h.address for h in plan.running("database-proxy") if h.id != target.id]
    return {
        "row": [
            (here, WRITE_PORT, write, None),
            *((o, READ_PORT, f"select value from {table}", value) for o in others),
        ],
        "roles": [(here, WRITE_PORT, primary, "f"), (here, READ_PORT, primary, "t")],
        "read-only": [(here, READ_PORT, f"create table {own}.t (a int)", "!")],
        "strangers": [(here, WRITE_PORT, closed or "select where false", None)],
    }


@pytest.fixture(scope="session")
def conversations(hosts, plan) -> dict[str, dict[str, list]]:
    """Host → name of the check → (question, done, answer, error) of each question."""

    def converse(target) -> dict[str, list]:
        named = _questions(visitor, plan, target)
        questions = [q for many in named.values() for q in many]
        answers = iter(visitor.ask(hosts[target.id], *questions))
        not_asked = (False, "", "not asked: an earlier question failed")
        return {
            name: [(q, *next(answers, not_asked)) for q in many] for name, many in named.items()
        }

    asked = plan.running("database-proxy")
    with Visitor(hosts) as visitor:
        found = at_once(converse, asked)
    return {target.id: answers for target, answers in found.items()}


@control("BEHAVE-01", "own requirement")
def test_written_here_read_there(target, host, conversations) -> None:
    """A row written through this site's endpoint is read at the other sites' endpoints.

    By a login made for this run, with password and verified TLS; removed afterwards.
    Break: this site's proxy stopped, or a standby that does not follow.
    """
    found = conversations[target.id]["row"]
    for (address, port, _, _), done, _, error in found:
        assert done, f"{address}:{port}: {error or 'the row does not arrive'}"
    assert len(found) >= 2, "there is no other site to read at"


@control("BEHAVE-02", "own requirement")
def test_endpoints_lead_where_they_say(target, host, conversations) -> None:
    """The read-write endpoint leads to the primary, the read-only one to a standby."""
    write, read = conversations[target.id]["roles"]
    assert write[1], f"read-write: {write[3] or 'it leads to a standby'}"
    assert read[1], f"read-only: {read[3] or 'it leads to the primary'}"


@control("BEHAVE-03", "own requirement")
def test_read_only_is(target, host, conversations) -> None:
    """Nobody writes through the read-only endpoint."""
    _, done, _, error = conversations[target.id]["read-only"][0]
    assert not done and "read-only" in error, f"it wrote, or: {error}"


@control("BEHAVE-04", "own requirement")
def test_strangers_stay_out(target, host, conversations) -> None:
    """A login without a database of its own may connect to no application's database."""
    _, done, answer, error = conversations[target.id]["strangers"][0]
    assert done, error
    assert not answer, f"it may connect to: {', '.join(answer.split())}"


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
    members = [h.id for h in plan.running("postgres")]
    found = [m for m in members if look(hosts[m], RECOVERY).strip() == "f"]
    assert len(found) == 1, f"writable: {', '.join(found) or 'none'}"
