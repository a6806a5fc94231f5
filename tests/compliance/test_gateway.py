"""The way in for users, as a user on another host sees it."""

from __future__ import annotations

import json

import pytest

from infra.verify.checks import Host, control, gate, on, python

pytestmark = [gate("gateway"), on(container="gateway")]

# Requests to one gateway, given as [scheme, host name, path]; the name is checked against the
# certificate and sent as Host, the connection goes to the address.
ASK = r"""
import http.client, json, socket, ssl, sys
address, authority, wanted = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def ask(scheme, name, path):
    s = socket.create_connection((address, 443 if scheme == "https" else 80), 8)
    if scheme == "https":
        s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=name)
    s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, name)).encode())
    r = http.client.HTTPResponse(s); r.begin()
    return {"status": r.status, "headers": {k.lower(): v for k, v in r.getheaders()},
            "body": r.read(20000).decode("utf-8", "replace")}
def attempt(each):
    try:
        return ask(*each)
    except (OSError, http.client.HTTPException) as failure:
        return {"status": 0, "headers": {}, "body": "", "error": str(failure)[:160]}
print(json.dumps([attempt(w) for w in wanted]))
"""
STRANGE = "no-such-name.invalid"


def ask(neighbour: Host, target, authority: str, *wanted: tuple[str, str, str]) -> list[dict]:
    return list(python(neighbour, ASK, target.address, authority, json.dumps(wanted)))


def pages(plan) -> list:
    if not plan.common.pages:
        pytest.skip("no page is planned yet")
    return list(plan.common.pages)


@control("GATE-01", "own requirement")
def test_pages(neighbour, target, host, authority, plan) -> None:
    """Every application's page answers over HTTPS with a valid certificate for its name.

    Break: the gateway stopped, or a certificate that does not name the page.
    """
    wanted = pages(plan)
    found = ask(neighbour, target, authority, *[("https", p.url_host, p.path) for p in wanted])
    wrong = [
        f"{p.url_host}{p.path}: {a.get('error') or a['status']}"
        for p, a in zip(wanted, found, strict=True)
        if a["status"] != p.status
    ]
    assert not wrong, "; ".join(wrong)


@control("GATE-02", "own requirement")
def test_unknown_name(neighbour, target, host, authority, plan) -> None:
    """A host name that nobody planned is refused, not answered by some application."""
    known = pages(plan)[0].url_host
    program = ASK.replace("server_hostname=name", f"server_hostname={known!r}")
    wanted = json.dumps([("https", STRANGE, "/")])
    found = python(neighbour, program, target.address, authority, wanted)
    answer = found[0].get("error") or found[0]["status"]
    assert answer in (404, 421), f"it answers {answer}"


@control("GATE-03", "RFC 6797", "own requirement")
def test_redirect(neighbour, target, host, authority, plan) -> None:
    """Plain HTTP only sends the user on to HTTPS."""
    page = pages(plan)[0]
    (found,) = ask(neighbour, target, authority, ("http", page.url_host, page.path))
    assert found["status"] in (301, 308), f"it answers {found.get('error') or found['status']}"
    assert found["headers"].get("location", "").startswith(f"https://{page.url_host}"), (
        f"to {found['headers'].get('location')}"
    )


@control("GATE-04", "RFC 6797", "OWASP Secure Headers")
def test_headers(neighbour, target, host, authority, plan) -> None:
    """Browsers are told to stay with HTTPS for at least a year."""
    page = pages(plan)[0]
    (found,) = ask(neighbour, target, authority, ("https", page.url_host, page.path))
    value = found["headers"].get("strict-transport-security", "")
    age = [p.strip()[8:] for p in value.split(";") if p.strip().startswith("max-age=")]
    assert age and int(age[0]) >= 31536000, f"Strict-Transport-Security: {value or '(not set)'}"
    assert found["headers"].get("x-content-type-options") == "nosniff", "nosniff is not set"


@control("GATE-05", "OWASP Secure Headers")
def test_tells_little(neighbour, target, host, authority, plan) -> None:
    """Answers do not tell which software and version runs."""
    page = pages(plan)[0]
    (found,) = ask(neighbour, target, authority, ("https", page.url_host, page.path))
    assert found["status"], found.get("error")
    telling = [k for k in ("server", "x-powered-by", "x-aspnet-version") if k in found["headers"]]
    assert not telling, f"headers: {', '.join(telling)}"


@control("GATE-06", "own requirement")
def test_configuration_is_valid(host) -> None:
    """HAProxy accepts the gateway's configuration that lies there."""
    done = host.run("docker exec gateway haproxy -c -q -f /etc/haproxy/haproxy.cfg")
    assert done.rc == 0, "haproxy refuses its configuration"
