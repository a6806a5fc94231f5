"""Personnel management (Tryton), through the gateway of each site."""

from __future__ import annotations

import itertools
import json
import shlex

import pytest

from infra.verify.checks import Host, at_once, control, fresh, gate, look, on, pages_here, python

pytestmark = [gate("personnel"), on(container="gateway")]

# One conversation with Tryton's JSON-RPC through a gateway. What must not be in a process
# list (a password) comes on standard input.
CALL = r"""
import base64, http.client, json, socket, ssl, sys
address, authority, name, database, user = sys.argv[1:6]
password = sys.stdin.readline().strip()
def call(method, params, session=None, status=False):
    s = socket.create_connection((address, 443), 15)
    s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=name)
    body = json.dumps({"id": 1, "method": method, "params": params})
    head = "POST /%s/ HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n" % (database, name)
    if session:
        token = base64.b64encode(("%s:%s:%s" % (user, session[0], session[1])).encode()).decode()
        head += "Authorization: Session %s\r\n" % token
    head += "Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    s.sendall((head + body).encode())
    r = http.client.HTTPResponse(s); r.begin()
    text = r.read().decode("utf-8", "replace")
    try:
        return r.status, json.loads(text)
    except ValueError:
        return r.status, None
def outcome():
    if not password:
        return call("common.db.login", [user, {}, "en"])
    status, answer = call("common.db.login", [user, {"password": password}, "en"])
    session = (answer or {}).get("result")
    if not session:
        return status, None
    found = call("model.res.user.get_preferences", [True, {}], session)
    call("common.db.logout", [], session)
    return found[0], bool((found[1] or {}).get("result"))
try:
    print(json.dumps(outcome()))
except OSError as failure:
    print(json.dumps([0, str(failure)[:160]]))
"""

# Logs in to one unit's database and asks another's with that session.
CROSSED = r"""
def crossed(other):
    global database
    session = call("common.db.login", [user, {"password": password}, "en"])[1]["result"]
    own = call("model.res.user.get_preferences", [True, {}], session)[0]
    mine, database = database, other
    theirs = call("model.res.user.get_preferences", [True, {}], session)[0]
    database = mine
    call("common.db.logout", [], session)
    return own, theirs
"""

# Each unit's role at every other unit's database, from inside the application's container.
ROLES = r"""
import configparser, json, psycopg2, sys
from urllib.parse import urlsplit
config = configparser.RawConfigParser(); config.read("/etc/tryton/trytond.conf")
uri = urlsplit(config["database"]["uri"])
lines = open("/etc/tryton/pgpass").read().splitlines()
opened = []
for role in sorted({line.split(":")[3] for line in lines}):
    password = next(x.rsplit(":", 1)[1] for x in lines if x.split(":")[3] == role)
    for name in sorted(set(sys.argv[1:]) - {role}):
        try:
            psycopg2.connect(uri._replace(path="/" + name).geturl(), user=role,
                             password=password).close()
            opened.append("%s opens %s" % (role, name))
        except psycopg2.OperationalError as refused:
            if "permission denied" not in str(refused):
                opened.append("%s: %s" % (role, str(refused).strip()[:120]))
print(json.dumps(opened))
"""


def databases(plan) -> list[tuple[str, str, str]]:
    """(host name, database, unit) of every unit."""
    pages = pages_here(plan, "personnel")
    if not pages:
        pytest.skip("personnel management is not in this wave")
    return [(p.url_host, f"personnel_{p.unit}".replace("-", "_"), str(p.unit)) for p in pages]


def login(neighbour: Host, target, authority: str, name: str, database: str, password: str):
    command = shlex.join(
        ["python3", "-I", "-c", CALL, target.address, authority, name, database, "admin"]
    )
    if not password:
        return json.loads(look(neighbour, command))
    done = fresh(neighbour, command, stdin=password.encode() + b"\n")
    assert done.rc == 0, "the probe failed"
    return json.loads(done.stdout)


@control("PERS-01", "own requirement")
def test_asks_for_a_password(neighbour, target, host, authority, plan) -> None:
    """The login of every unit asks for a password and gives nothing without one."""
    wrong = []
    for name, database, unit in databases(plan):
        status, answer = login(neighbour, target, authority, name, database, "")
        told = json.dumps(answer)
        if status != 200 or "LoginException" not in told or '"result": [' in told:
            wrong.append(f"{unit}: {status} {told[:80]}")
    assert not wrong, "; ".join(wrong)


@pytest.fixture(scope="session")
def logins(hosts, plan, authority, vault) -> dict[str, list[str]]:
    """Host → what went wrong, for the first user of every unit through that host's gateway."""

    def attempt(case) -> str:
        target, (name, database, unit) = case
        client = next(host for host_id, host in hosts.items() if host_id != target.id)
        password = vault.values[f"personnel/admin/{unit}"]
        status, works = login(client, target, authority, name, database, password)
        return "" if (status, works) == (200, True) else f"{unit}: {status} {works or ''}"

    gateways = plan.running("gateway")
    found = at_once(attempt, [(g, d) for g in gateways for d in databases(plan)])
    return {g.id: [w for (target, _), w in found.items() if target is g and w] for g in gateways}


@control("PERS-02", "own requirement")
def test_login(target, host, logins) -> None:
    """The first user of every unit logs in, reads its settings and logs out.

    Through this site's gateway, the application and the central database's leader.
    """
    assert not logins[target.id], f"no login: {'; '.join(logins[target.id])}"


@control("PERS-03", "own requirement")
def test_page_is_trytons(neighbour, target, host, authority, plan) -> None:
    """The page that answers is the application's own, not some error page."""
    program = (
        "import http.client,json,socket,ssl,sys;a,c,n=sys.argv[1:];"
        "s=ssl.create_default_context(cadata=c).wrap_socket("
        "socket.create_connection((a,443),8),server_hostname=n);"
        "s.sendall(('GET /index.html HTTP/1.1\\r\\nHost: %s\\r\\n'"
        "'Connection: close\\r\\n\\r\\n'%n).encode());"
        "r=http.client.HTTPResponse(s);r.begin();print(json.dumps(r.read().decode()))"
    )
    name = databases(plan)[0][0]
    body = python(neighbour, program, target.address, authority, name)
    assert "tryton" in body.lower(), "it is not Tryton's page"


@control("PERS-04", "own requirement")
@on(container="tryton")
def test_databases_are_not_listed(host) -> None:
    """Nobody outside sees which units have a database here."""
    text = look(host, "cat /etc/hanoi/tryton/trytond.conf")
    assert "list = False" in text, "`list = False` is not set"


@control("PERS-05", "own requirement")
@on(container="tryton")
def test_a_units_role_opens_its_own_database_only(host, target, plan) -> None:
    """The role of one unit's database is refused at every other."""
    kept = target.parts.databases if target.own else plan.common.databases
    command = shlex.join(["docker", "exec", "tryton", "python3", "-c", ROLES])
    opened = json.loads(look(host, " ".join((command, *(d.name for d in kept)))))
    assert not opened, "; ".join(opened)


@control("PERS-06", "own requirement")
def test_a_units_session_is_refused_by_another(neighbour, target, host, authority, plan, vault):
    """Who is logged in to one unit's database is nobody to another's of the same instances."""
    places = {d.unit: d.place for d in plan.data if d.application == "personnel" and d.serving}
    pairs = itertools.combinations(databases(plan), 2)
    near = [p for p in pairs if places[p[0][2]] == places[p[1][2]]]
    if not near:
        pytest.skip("no two units at one place")
    (name, database, unit), (_, other, _) = near[0]
    program = CALL.replace("outcome()))", f"crossed({other!r})))")
    program = program.replace("try:\n    print", CROSSED + "try:\n    print")
    command = shlex.join(
        ["python3", "-I", "-c", program, target.address, authority, name, database, "admin"]
    )
    password = vault.values[f"personnel/admin/{unit}"]
    done = fresh(neighbour, command, stdin=password.encode() + b"\n")
    assert done.rc == 0, "the probe failed"
    own, theirs = json.loads(done.stdout)
    assert own == 200, f"the unit's own database answers {own}"
    assert theirs in (401, 403), f"the other unit's database answers {theirs}"
