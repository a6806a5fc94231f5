"""Sign-on (LemonLDAP::NG), through the gateways, as a user's browser and an application do it."""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any

import pytest

from infra.services import relying_party, sign_on
from infra.verify import sign_on as provided
from infra.verify.checks import Host, at_once, control, fresh, gate, look, on, python

pytestmark = [gate("sign-on"), on(container="sign-on")]

USER = "hanoi.verify"

# One user's conversation: the browser's part through the first gateway, the application's through
# the second one. Secrets come on standard input. The outcome is printed as JSON.
WALK = r"""
import base64, hashlib, http.client, json, re, socket, ssl, sys, urllib.parse as up
first, second, authority, name, client, back, user = sys.argv[1:8]
password, key = sys.stdin.readline().rstrip("\n"), sys.stdin.readline().rstrip("\n")
jar = {}
def ask(address, method, path, form=None, **headers):
    s = socket.create_connection((address, 443), 20)
    s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=name)
    body = up.urlencode(form).encode() if form is not None else b""
    h = {"Host": name, "Connection": "close", "Accept": "text/html", **headers}
    if form is not None:
        h["Content-Type"] = "application/x-www-form-urlencoded"
        h["Content-Length"] = str(len(body))
    if jar:
        h["Cookie"] = "; ".join("%s=%s" % c for c in jar.items())
    head = "".join("%s: %s\r\n" % i for i in h.items())
    s.sendall(("%s %s HTTP/1.1\r\n%s\r\n" % (method, path, head)).encode() + body)
    r = http.client.HTTPResponse(s); r.begin()
    for cookie in r.headers.get_all("Set-Cookie") or []:
        n, _, value = cookie.split(";")[0].partition("=")
        jar[n] = value
    return r.status, r.headers.get("Location") or "", r.read().decode("utf-8", "replace")
def found(text):
    try:
        return json.loads(text)
    except ValueError:
        return {"error": text[:80]}
def walk():
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = up.urlencode({"response_type": "code", "client_id": client, "redirect_uri": back,
        "scope": "openid profile email", "state": "st", "nonce": "no",
        "code_challenge": challenge.rstrip(b"=").decode(), "code_challenge_method": "S256"})
    path = "/oauth2/authorize?" + query
    status, location, page = ask(first, "GET", path)
    inputs = re.findall(r'<input[^>]*name="([^"]+)"[^>]*>', page)
    if status != 200 or "password" not in inputs:
        return {"step": "login form", "status": status, "location": location}
    hidden = {n: (re.search(r'name="%s"[^>]*value="([^"]*)"' % re.escape(n), page) or ["", ""])[1]
        for n in inputs}
    status, location, page = ask(first, "POST", path, {**hidden, "user": user,
        "password": password}, Origin="https://" + name)
    said = re.findall(r'trmsg="(\d+)"', page)
    code = up.parse_qs(up.urlsplit(location).query).get("code", [""])[0]
    if not location.startswith(back) or not code:
        return {"step": "login", "status": status, "said": said, "session": "lemonldap" in jar}
    browser = dict(jar); jar.clear()
    basic = "Basic " + base64.b64encode(("%s:%s" % (client, key)).encode()).decode()
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back,
        "code_verifier": verifier}
    token = found(ask(second, "POST", "/oauth2/token", grant, Authorization=basic)[2])
    if "id_token" not in token:
        return {"step": "token", "said": token.get("error")}
    bearer = "Bearer " + token["access_token"]
    result = {"step": "done", "id_token": token["id_token"],
        "userinfo": found(ask(second, "GET", "/oauth2/userinfo", Authorization=bearer)[2]),
        "jwks": found(ask(first, "GET", "/oauth2/jwks")[2])}  # of an instance that did not sign
    again = found(ask(first, "POST", "/oauth2/token", grant, Authorization=basic)[2])
    result["code_again"] = again.get("error")
    jar.update(browser)
    result["known_elsewhere"] = ask(second, "GET", path)[1].startswith(back)
    ask(second, "GET", "/?logout=1")
    jar.clear(); jar.update(browser)  # logging out took the cookie; somebody may have kept it
    result["known_after_logout"] = ask(first, "GET", path)[1].startswith(back)
    return result
try:
    print(json.dumps(walk()))
except OSError as failure:
    print(json.dumps({"step": "connect", "said": str(failure)[:160]}))
"""


def walk(
    client_host: Host,
    vault,
    authority: str,
    plan,
    ends: tuple[str, str],
    client: str,
    password: str,
) -> dict[str, Any]:
    name = provided.provider(plan)
    arguments = [*ends, authority, name, client, f"https://{name}/static/verify", USER]
    key = vault.values[relying_party.client_password(client)]
    done = fresh(
        client_host,
        shlex.join(["python3", "-I", "-c", WALK, *arguments]),
        stdin=f"{password}\n{key}\n".encode(),
        timeout=120,
    )
    assert done.rc == 0, "the probe failed"
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def password(hosts, plan) -> Any:
    """That of a user of the checks' own, who is there while they run."""
    unit = plan.data[0].unit if plan.data else "verify"
    with provided.a_user(provided.running(hosts, plan), USER, unit) as chosen:
        yield chosen


def _has_it(host) -> bool:
    return sign_on.NAME in {c.name for c in host.parts.containers}


@pytest.fixture(scope="session")
def walks(hosts, plan, authority, vault, password) -> dict[str, dict[str, dict[str, Any]]]:
    """Host → what came of signing on through its gateway: well, where the user may not, and with
    a wrong password. The application's part goes through the next site's gateway."""
    at = [h for h in plan.hosts if h.id in hosts and _has_it(h)]

    def attempts(n: int) -> dict[str, dict[str, Any]]:
        ends = (at[n].address, at[(n + 1) % len(at)].address)
        client = hosts[at[(n + 1) % len(at)].id]
        told = (client, vault, authority, plan, ends)
        return {
            "well": walk(*told, sign_on.CHECK, password),
            "elsewhere": walk(*told, sign_on.CHECK_ELSEWHERE, password),
            "wrong": walk(*told, sign_on.CHECK, "not-the-password"),
        }

    found = at_once(attempts, range(len(at)))
    return {at[n].id: what for n, what in found.items()}


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """The ID token's claims, once its signature is that of a published key. Raises."""
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    head, body, signature = token.split(".")
    header = json.loads(_bytes(head))
    assert header["alg"] == relying_party.ALGORITHM, f"it is signed by {header['alg']}"
    keys = [k for k in jwks["keys"] if k["kid"] == header["kid"]]
    assert len(keys) == 1, f"{len(keys)} published keys have its kid"
    e, n = (int.from_bytes(_bytes(keys[0][part]), "big") for part in "en")
    key = rsa.RSAPublicNumbers(e, n).public_key()
    key.verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
    return dict(json.loads(_bytes(body)))


@control("SIGN-01", "OpenID Connect Discovery 1.0", "RFC 9700")
def test_discovery(neighbour, target, host, authority, plan) -> None:
    """It states its own name, and offers the code flow only, with PKCE."""
    name = provided.provider(plan)
    program = (
        "import http.client,json,socket,ssl,sys;a,c,n=sys.argv[1:];"
        "s=ssl.create_default_context(cadata=c).wrap_socket("
        "socket.create_connection((a,443),8),server_hostname=n);"
        "s.sendall(('GET /.well-known/openid-configuration HTTP/1.1\\r\\nHost: %s\\r\\n'"
        "'Connection: close\\r\\n\\r\\n'%n).encode());"
        "r=http.client.HTTPResponse(s);r.begin();print(r.read().decode())"
    )
    found = python(neighbour, program, target.address, authority, name)
    assert found["issuer"] == f"https://{name}", f"it calls itself {found['issuer']}"
    assert found["response_types_supported"] == ["code"], "more than the code flow is offered"
    assert "S256" in found["code_challenge_methods_supported"], "PKCE is not offered"


@control("SIGN-02", "OpenID Connect Core 1.0")
def test_signs_on(target, host, walks, plan) -> None:
    """A user signs on here; an application at another site gets tokens that verify.

    Break: sign-on's database does not answer, or the instances have different keys.
    """
    found = walks[target.id]["well"]
    assert found["step"] == "done", f"it ends at {found['step']}: {found.get('said')}"
    claims = claims_of(found["id_token"], found["jwks"])
    told = {k: claims.get(k) for k in ("iss", "aud", "sub", "nonce")}
    wanted = f"https://{provided.provider(plan)}"
    assert told == {"iss": wanted, "aud": [sign_on.CHECK], "sub": USER, "nonce": "no"}, str(told)
    for where, got in (("ID token", claims), ("userinfo", found["userinfo"])):
        assert got.get(relying_party.UNIT_CLAIM), f"no unit in the {where}"
        assert got.get("preferred_username") == USER, f"no login in the {where}"


@control("SIGN-03", "RFC 9700")
def test_a_code_serves_once(target, host, walks) -> None:
    """A code that was used is refused, at whatever site it is shown again."""
    found = walks[target.id]["well"]
    assert found.get("code_again") == "invalid_grant", f"it answers {found.get('code_again')}"


@control("SIGN-04", "own requirement")
def test_sessions_are_everywhere(target, host, walks) -> None:
    """Who signed on here is known at another site, and after a logout there nowhere.

    Break: sessions in an instance's own cache.
    """
    found = walks[target.id]["well"]
    assert found.get("known_elsewhere") is True, "another site asks for the password again"
    assert found.get("known_after_logout") is False, "a session outlives its logout"


@control("SIGN-05", "own requirement")
def test_another_units_user_is_refused(target, host, walks) -> None:
    """A user gets no code for an application of a unit that is not the user's."""
    found = walks[target.id]["elsewhere"]
    came = (found["step"], found.get("said"))  # and no more of it: there may be tokens
    assert came == ("login", ["84"]), f"it ends at {came[0]}: {came[1]}"


@control("SIGN-06", "own requirement")
def test_a_wrong_password_is_refused(target, host, walks) -> None:
    """A wrong password gives neither session nor code."""
    found = walks[target.id]["wrong"]
    assert found["step"] == "login", f"it goes on to {found['step']}"
    assert not found.get("session"), "there is a session cookie"


@control("SIGN-07", "own requirement")
@on(container="postgres")
def test_nothing_is_on_one_member_only(host) -> None:
    """Tables are logged, hence on every member, and every password is a yescrypt hash."""
    query = (
        "SELECT (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace ="
        " 'public'::regnamespace AND relpersistence = 'p'), (SELECT count(*) FROM users"
        " WHERE password NOT LIKE '$y$%')"
    )
    argv = ["docker", "exec", "postgres", "psql", "-XAt", "-h", "/run/postgresql", "-U", "postgres"]
    answer = look(host, shlex.join([*argv, "-c", query, sign_on.DATABASE])).strip()
    assert answer == "3|0", f"logged tables | other passwords: {answer}"
