"""Applications that are described by their YAML file alone. That their pages answer by a valid
certificate at each host name is BEHAVE's, for them as for all others."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from infra.verify.checks import control, fresh, gate, on, python, taken_without_certificate

pytestmark = [gate("web")]

SERVER = re.compile(r"^ +server \S+ (\S+):(\d+)$", re.MULTILINE)
# What a plain request is answered, by whom: a firewall between networks may take any connection.
PLAIN = r"""
import http.client, json, sys
answers = {}
for address, port in json.loads(sys.argv[1]):
    connection = http.client.HTTPConnection(address, port, timeout=3)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answers["%s:%d" % (address, port)] = [
            answer.status, answer.getheader("Server"), answer.getheader("Content-Type")
        ]
    except (OSError, http.client.HTTPException):
        pass
print(json.dumps(answers))
"""
# The password comes on standard input; the database's own client is in its container.
CONNECT = (
    'read -r PGPASSWORD; export PGPASSWORD; exec psql -XAtqw "host=database-proxy port=6432'
    ' user=$1 dbname=$2 sslmode=require connect_timeout=8" -c "select current_database()" 2>&1'
)


def fronts(target) -> dict[str, str]:
    """Container → its configuration, of those that speak TLS for an application here."""
    names = {c.name for c in target.parts.containers if c.name.startswith("tls-")}
    if not names:
        pytest.skip("no such application here")
    found = {f"/etc/hanoi/{name}/haproxy.cfg": name for name in names}
    return {found[f.path]: f.content for f in target.parts.files if f.path in found}


@control("WEB-01", "own requirement")
def test_it_answers_gateways_only(target, host, hosts, plan, authority) -> None:
    """Before an application stands its own certificate, and nothing answers without a client's."""
    configs = fronts(target)
    gateways = [h.id for h in plan.running("gateway")]
    asking = next((g for g in gateways if g != target.id and g in hosts), None)
    if asking is None:
        pytest.skip("no other gateway to ask from")
    services = [
        (backend, p.host_port)
        for c in target.parts.containers
        if c.name in configs
        for p in c.ports
        for backend in re.findall(r"^backend (\S+)$", configs[c.name], re.MULTILINE)
    ]
    wrong = taken_without_certificate(hosts[asking], target.address, authority, services)
    assert not wrong, "; ".join(wrong)


@control("WEB-02", "own requirement")
@on(container="postgres")
def test_a_role_reaches_its_own_database_only(host, target, plan, vault) -> None:
    """The role of a unit's application is let into its own database and into no other's."""
    ours = {name.removeprefix("app-") for name, _ in plan.images if name.startswith("app-")}
    kept = [d for d in plan.data if d.application in ours and not d.place.startswith("own")]
    if not kept:
        pytest.skip("no such application keeps data in the cluster")
    names = [d.name for d in plan.common.databases]
    wrong = []
    for data in kept:
        password = vault.values[f"db/{data.database.replace('_', '-')}"].encode() + b"\n"
        others = [d.database for d in kept] + [n for n in names if n.startswith("personnel_")]
        other = next((n for n in others if n != data.database), None)
        for database, expected in ((data.database, data.database), (other, "permission denied")):
            if database is None:
                continue
            command = ["docker", "exec", "-i", "postgres", "bash", "-c", CONNECT, "psql"]
            asked = shlex.join([*command, data.database, database])
            said = fresh(host, asked, stdin=password).stdout.strip()
            if expected not in said:
                wrong.append(f"{data.database} at {database}: {said[-160:]}")
    assert not wrong, "; ".join(wrong)


@control("WEB-03", "own requirement")
def test_nothing_plain_is_reached_from_outside(neighbour, target, host) -> None:
    """Where an application listens without TLS, only its own host's containers reach it."""
    inner = [(a, int(p)) for text in fronts(target).values() for a, p in SERVER.findall(text)]
    outer = [(target.address, port) for _, port in inner]
    asked = json.dumps(sorted({*inner, *outer}))
    here, there = python(host, PLAIN, asked), python(neighbour, PLAIN, asked)
    reached = [address for address, answer in here.items() if there.get(address) == answer]
    assert here, "the application does not answer its own host"
    assert not reached, f"answers another host: {', '.join(reached)}"
