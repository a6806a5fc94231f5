"""Documents (Mayan EDMS), through the gateways: they are kept, found by their text, and apart."""

from __future__ import annotations

import json
import shlex

import pytest

from infra.verify import sign_on
from infra.verify.checks import (
    Host,
    at_once,
    control,
    fresh,
    gate,
    on,
    pages_here,
    taken_without_certificate,
)

pytestmark = [gate("documents")]

SECONDS = 150  # until a text is found: the worker reads it, then the index learns of it

# One conversation with an instance's REST API through a gateway; the password comes on standard
# input. "token": log in, print what the token opens here and, as `other`, elsewhere. "find": put
# a PDF with a text in, ask for it by the text until it is found, then take it away. "forget":
# remove the user that is called as the text.
CALL = r"""
import http.client, json, socket, ssl, sys, time
address, authority, name, work, other, text, seconds = sys.argv[1:8]
password = sys.stdin.readline().strip()
def call(host, method, path, token="", body=None, kind="application/json"):
    s = socket.create_connection((address, 443), 30)
    s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=host)
    c = http.client.HTTPConnection(host); c.sock = s
    head = {"Accept": "application/json", "Connection": "close"}
    if token: head["Authorization"] = "Token " + token
    if body is not None: head["Content-Type"] = kind
    c.request(method, path, body, head)
    r = c.getresponse(); content = r.read().decode("utf-8", "replace")
    try: return r.status, json.loads(content)
    except ValueError: return r.status, {}
def pdf(text):
    stream = ("BT /F1 18 Tf 72 700 Td (%s) Tj ET" % text).encode()
    parts = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made)); made += b"%d 0 obj%sendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % p for p in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(made)
    return made + b"xref\n0 6\n0000000000 65535 f \n" + table + end
def form(fields, content):
    lines = []
    for key, value in fields.items():
        lines += ["--hanoi", 'Content-Disposition: form-data; name="%s"' % key, "", value]
    lines += ["--hanoi", 'Content-Disposition: form-data; name="file"; filename="hanoi.pdf"',
        "Content-Type: application/pdf", "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n--hanoi--\r\n"
def find(token):
    kinds = call(name, "GET", "/api/v4/document_types/", token)[1]["results"]
    fields = {"document_type_id": str(kinds[0]["id"]), "label": "hanoi verify", "language": "vie"}
    status, made = call(name, "POST", "/api/v4/documents/upload/", token,
        form(fields, pdf(text)), "multipart/form-data; boundary=hanoi")
    if status != 201: return "not taken: %d" % status
    try:
        query = "/api/v4/search/documents.document/?files__file_pages__content__content=" + text
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            status, found = call(name, "GET", query, token)
            if [d["id"] for d in found.get("results", ())] == [made["id"]]: return ""
            time.sleep(2)
        return "not found by its text in %s s" % seconds
    finally:
        for path in ("documents", "trashed_documents"):
            call(name, "DELETE", "/api/v4/%s/%d/" % (path, made["id"]), token)
def forget(token):
    found = call(name, "GET", "/api/v4/users/?page_size=1000", token)[1].get("results", ())
    for user in found:
        if user["username"] == text:
            status = call(name, "DELETE", "/api/v4/users/%d/" % user["id"], token)[0]
            return "" if status == 204 else "the user of the check stays: %d" % status
    return ""
def outcome():
    body = json.dumps({"username": "admin", "password": password})
    status, answer = call(name, "POST", "/api/v4/auth/token/obtain/", "", body)
    token = answer.get("token")
    if not token: return "no login: %d" % status
    if work == "find": return find(token)
    if work == "forget": return forget(token)
    return [call(h, "GET", "/api/v4/documents/", token)[0] for h in (name, other)]
try:
    print(json.dumps(outcome()))
except OSError as failure:
    print(json.dumps(str(failure)[:160]))
"""

# Standard input: the password of the role; it is asked for another unit's database.
CONNECT = """
import json, sys, psycopg
facts = json.load(open("/etc/mayan/instance.json"))["database"] | {"dbname": sys.argv[1]}
try:
    psycopg.connect(**facts, password=sys.stdin.readline().strip(), connect_timeout=10).close()
    print("connected")
except psycopg.OperationalError as refusal:
    print(" ".join(str(refusal).split()))
"""


def instances(plan) -> list[tuple[str, str]]:
    """(unit, host name) of every unit that has its documents here."""
    pages = pages_here(plan, "documents")
    if not pages:
        pytest.skip("documents are not in this wave")
    return [(str(p.unit), p.url_host) for p in pages]


def serving(plan, target=None) -> list:
    """What each unit's documents keep where they are served (a second copy waits); target: only
    those of this host."""
    found = [d for d in plan.data if d.application == "documents" and d.serving]
    return [d for d in found if target is None or d.place.partition("/")[2] == target.id]


def ask(client: Host, target, authority: str, name: str, vault, unit: str, *more: str):
    """What CALL makes of it; more: the work, another host name, the text."""
    arguments = (target.address, authority, name, *more, str(SECONDS))
    command = shlex.join(["python3", "-I", "-c", CALL, *arguments])
    password = vault.values[f"documents/admin/{unit}"]
    done = fresh(client, command, timeout=SECONDS + 90, stdin=password.encode() + b"\n")
    assert done.rc == 0, "the probe failed"
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def found(hosts, plan, authority, vault) -> dict[str, list[str]]:
    """Gateway's host → what went wrong. Each unit's work is tried through one gateway, in turn."""

    def attempt(case) -> str:
        target, (unit, name) = case
        client = next(host for host_id, host in hosts.items() if host_id != target.id)
        text = f"hanoiverify{unit.replace('-', '')}{target.id.replace('-', '')}"
        wrong = ask(client, target, authority, name, vault, unit, "find", name, text)
        return f"{unit}: {wrong}" if wrong else ""

    ways = plan.running("gateway")
    cases = [(ways[i % len(ways)], case) for i, case in enumerate(instances(plan))]
    told = at_once(attempt, cases)
    return {g.id: [w for (target, _), w in told.items() if target is g and w] for g in ways}


@control("DOC-01", "own requirement")
@on(container="gateway")
def test_a_document_is_found_by_its_text(target, host, found) -> None:
    """A PDF goes in, is found by what is written in it, and is taken away again."""
    assert not found[target.id], "; ".join(found[target.id])


@control("DOC-02", "own requirement")
@on(container="gateway")
def test_a_token_opens_its_own_unit_only(neighbour, target, host, authority, plan, vault) -> None:
    """What one unit's instance has given out is refused by the next unit's."""
    units = instances(plan)
    if len(units) < 2:
        pytest.skip("one unit only has its documents here")
    wrong = []
    for (unit, name), (_, other) in zip(units, units[1:] + units[:1], strict=True):
        told = ask(neighbour, target, authority, name, vault, unit, "token", other, "")
        if told != [200, 403]:
            wrong.append(f"{unit}: {told} instead of 200 and 403")
    assert not wrong, "; ".join(wrong)


@control("DOC-03", "own requirement")
def test_a_role_reaches_its_own_database_only(target, host, plan, vault) -> None:
    """The role of one unit's documents is let into its own database and into no other's."""
    kept = [d for d in serving(plan) if not d.place.startswith("own/")]
    mine = {d.unit for d in serving(plan, target)}
    pairs = [(d, o) for d in kept for o in kept if d is not o and d.unit in mine]
    if not pairs:
        pytest.skip("no instance here, or one unit only has its documents in the cluster")
    wrong = []
    for data, other in pairs[:3]:
        password = vault.values[f"db/{data.database.replace('_', '-')}"].encode() + b"\n"
        command = ["docker", "exec", "-i", f"documents-{data.unit}", "python3", "-c", CONNECT]
        for database, expected in ((data.database, "connected"), (other.database, "permission")):
            said = fresh(host, shlex.join([*command, database]), stdin=password).stdout.strip()
            if expected not in said:
                wrong.append(f"{data.unit} at {database}: {said[-160:]}")
    assert not wrong, "; ".join(wrong)


@control("DOC-04", "own requirement")
def test_an_instance_answers_gateways_only(neighbour, target, host, plan, authority) -> None:
    """Its certificate bears its own name, and it takes no request without a certificate."""
    mine = {f"documents-{d.unit}" for d in serving(plan, target)}
    services = [
        (c.name, p.host_port) for c in target.parts.containers if c.name in mine for p in c.ports
    ]
    if not services:
        pytest.skip("no instance here")
    wrong = taken_without_certificate(neighbour, target.address, authority, services)
    assert not wrong, "; ".join(wrong)


@pytest.fixture(scope="session")
def signed_on(hosts, plan, authority, vault) -> dict[str, list[str]]:
    """Gateway's host → what went wrong with signing on to the instances."""

    def forget(client: Host, target, page, login: str) -> str:
        name, unit = page.url_host, str(page.unit)
        return str(ask(client, target, authority, name, vault, unit, "forget", name, login))

    def inside(text: str, login: str) -> bool:
        return bool(json.loads(text).get("username") == login)

    return sign_on.signed_on(
        hosts,
        plan,
        authority,
        "documents",
        ("/oidc/authenticate/", "/api/v4/users/current/"),
        inside,
        forget,
    )


@control("DOC-05", "OpenID Connect Core 1.0")
@on(container="gateway")
def test_users_sign_on(target, host, signed_on) -> None:
    """A user of the unit signs on and is in its instance; a user of no unit is refused.

    Break: the instance does not trust the provider's certificate.
    """
    assert not signed_on[target.id], "; ".join(signed_on[target.id])
