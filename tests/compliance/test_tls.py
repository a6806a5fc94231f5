"""TLS of every service: asked for from another host, as a client would."""

from __future__ import annotations

import json

import pytest

from infra.verify.checks import Host, control, gate, on, python

pytestmark = [gate("infrastructure", "database", "gateway", "personnel")]
pytestmark += [gate("sign-on", "online-services", "documents")]

# Conversations of each kind with every port of a host, side by side; prints what came of them
# by port. `start` is how the protocol changes to TLS: "" at once, "postgres" after an
# SSLRequest.
PROBE = r"""
import json, socket, ssl, struct, sys, time, warnings
from concurrent.futures import ThreadPoolExecutor
warnings.simplefilter("ignore")
address, services, authority = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]

def connect(port, start):
    s = socket.create_connection((address, port), 4)
    if start == "postgres":
        s.sendall(struct.pack("!ii", 8, 80877103))
        if s.recv(1) != b"S":
            raise OSError("it does not offer TLS")
    return s

def trusting():
    c = ssl.create_default_context(cadata=authority)
    c.check_hostname = False
    return c

def attempt(work, *given):
    try:
        return work(*given)
    except (OSError, ValueError) as failure:
        return {"error": str(failure)[:160]}

def verified(port, start):
    with trusting().wrap_socket(connect(port, start)) as s:
        end = ssl.cert_time_to_seconds(s.getpeercert()["notAfter"])
        return {"version": s.version(), "days": (end - time.time()) / 86400,
                "names": [v for _, v in s.getpeercert().get("subjectAltName", ())]}

def old(port, start, version):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    c.minimum_version = ssl.TLSVersion.TLSv1
    c.maximum_version = version
    c.set_ciphers("ALL:@SECLEVEL=0")
    with c.wrap_socket(connect(port, start)) as s:
        return {"version": s.version()}

def plain(port, start):
    # An HTTP request, which is also no PostgreSQL start and no etcd message.
    with socket.create_connection((address, port), 4) as s:
        s.settimeout(3)
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return {"answer": s.recv(200).decode("latin-1")}

def postgres_plain(port, start):
    # A PostgreSQL start without TLS; an answer other than a refusal would be R (password).
    with socket.create_connection((address, port), 4) as s:
        s.settimeout(3)
        body = struct.pack("!i", 196608) + b"user\0hanoi_nobody\0database\0postgres\0\0"
        s.sendall(struct.pack("!i", len(body) + 4) + body)
        return {"answer": s.recv(400).decode("latin-1")}

def without_certificate(port, start):
    with trusting().wrap_socket(connect(port, start)) as s:
        s.settimeout(3)
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return {"answer": s.recv(100).decode("latin-1")}

def up(port, start):
    socket.create_connection((address, port), 4).close()
    return True

def probe(service):
    port, start = service
    return {
        "up": attempt(up, port, start),
        "verified": attempt(verified, port, start),
        "tls10": attempt(old, port, start, ssl.TLSVersion.TLSv1),
        "tls11": attempt(old, port, start, ssl.TLSVersion.TLSv1_1),
        "plain": attempt(postgres_plain if start else plain, port, start),
        "stranger": attempt(without_certificate, port, start),
    }

with ThreadPoolExecutor(len(services)) as pool:
    print(json.dumps(dict(zip([s[0] for s in services], pool.map(probe, services)))))
"""

SERVICES = (
    ("etcd", 2379, ""),
    ("etcd", 2380, ""),
    ("postgres", 5432, "postgres"),
    ("postgres", 8008, ""),
    ("database-proxy", 6432, "postgres"),
    ("database-proxy", 6433, "postgres"),
    ("gateway", 443, ""),
    ("registry", 5000, ""),
    ("tryton", 8443, ""),
    ("sign-on", 8444, ""),
)
NEED_A_CERTIFICATE = (
    ("etcd", 2379),
    ("etcd", 2380),
    ("postgres", 8008),
    ("registry", 5000),
    ("sign-on", 8444),
)
every_service = pytest.mark.parametrize(
    ("service", "port", "start"),
    [pytest.param(*s, id=f"{s[0]}-{s[1]}", marks=on(container=s[0])) for s in SERVICES],
)


def probe(neighbour: Host, target, authority: str, service: str, port: int) -> dict:
    """What came of the conversations with one port; fails when nothing answers at all."""
    names = {c.name for c in target.parts.containers}
    services = json.dumps([(p, start) for name, p, start in SERVICES if name in names])
    found = dict(python(neighbour, PROBE, target.address, services, authority)[str(port)])
    assert found["up"] is True, f"{service} does not answer: {found['up']['error']}"
    return found


@every_service
@control("TLS-01", "own requirement")
def test_certificate(neighbour, target, host, authority, service, port, start) -> None:
    """Its certificate comes from our authority and names this host.

    Break: a certificate of another authority.
    """
    found = probe(neighbour, target, authority, service, port)["verified"]
    assert "error" not in found, found["error"]
    assert service == "gateway" or target.address in found["names"], f"names {found['names']}"


@every_service
@control("TLS-02", "own requirement")
def test_days_left(neighbour, target, host, authority, service, port, start) -> None:
    """Its certificate is valid for more than 30 days.

    Break: an expired certificate.
    """
    found = probe(neighbour, target, authority, service, port)["verified"]
    assert "error" not in found, found["error"]
    assert found["days"] > 30, f"{found['days']:.0f} days left"


@every_service
@control("TLS-03", "RFC 8996", "BSI TR-02102-2")
def test_old_versions(neighbour, target, host, authority, service, port, start) -> None:
    """It refuses TLS 1.0 and 1.1 and speaks 1.2 or 1.3."""
    found = probe(neighbour, target, authority, service, port)
    assert "error" not in found["verified"], found["verified"]["error"]
    assert found["verified"]["version"] in ("TLSv1.2", "TLSv1.3"), found["verified"]["version"]
    spoken = [v for v in ("tls10", "tls11") if "version" in found[v]]
    assert not spoken, f"it speaks {', '.join(found[v]['version'] for v in spoken)}"


@every_service
@control("TLS-04", "own requirement")
def test_no_plain_text(neighbour, target, host, authority, service, port, start) -> None:
    """It refuses a client that speaks plain text.

    Break: a plain-text listener in its place.
    """
    answer = probe(neighbour, target, authority, service, port)["plain"].get("answer", "")
    if start == "postgres":
        assert not answer.startswith("R"), "it asks for a password without TLS"
    else:
        # Go's servers and HAProxy say "400 … HTTP request to an HTTPS server" or nothing.
        refused = not answer.startswith("HTTP/") or answer.split()[1] in ("400", "497")
        assert refused, f"it answers: {answer[:60]!r}"


@pytest.mark.parametrize(
    ("service", "port"),
    [pytest.param(s, p, id=f"{s}-{p}", marks=on(container=s)) for s, p in NEED_A_CERTIFICATE],
)
@control("TLS-05", "own requirement")
def test_strangers(neighbour, target, host, authority, service, port) -> None:
    """It refuses a client without a certificate of our authority."""
    found = probe(neighbour, target, authority, service, port)["stranger"]
    answer = found.get("answer", "")
    assert not answer or answer.split()[1:2] in (["400"], ["401"], ["403"]), (
        f"it answers a stranger: {answer[:40]!r}"
    )


@control("TLS-06", "own requirement")
def test_one_authority(host, authority) -> None:
    """The engine trusts our authority, and it is the operator's own."""
    text = host.run("cat /etc/docker/certs.d/*/ca.crt").stdout
    assert json.dumps(text.split()) == json.dumps(authority.split()), "it is another authority"
