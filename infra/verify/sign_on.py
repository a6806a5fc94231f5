"""A user who signs on to an application, for compliance checks: without a browser, by HTTP alone.

It goes where a browser would go: from the application to the provider's form, with a code back to
the application, and to a page there that says who is in. Both are reached through one gateway.
"""

from __future__ import annotations

import json
import secrets
import shlex
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from infra.resources import HostPlan, Page, Plan
from infra.services import sign_on
from infra.verify.checks import Host, at_once, fresh, pages_here

# Standard input: the password. Printed: step (where it ended, "done" at the best), status, text
# (of the page that says who is in), said (why, as far as it is known). Cookies are kept by host
# name, as a browser keeps them.
_BROWSER = r"""
import html, http.client, json, re, socket, ssl, sys, urllib.parse as up
address, authority, start, provider, user, then = sys.argv[1:7]
password = sys.stdin.readline().rstrip("\n")
jars, trust = {}, ssl.create_default_context(cadata=authority)
def call(url, form=None, accept="text/html"):
    at = up.urlsplit(url)
    jar = jars.setdefault(at.netloc, {})
    s = trust.wrap_socket(socket.create_connection((address, 443), 20), server_hostname=at.netloc)
    s.settimeout(60)
    head = {"Host": at.netloc, "Connection": "close", "Accept": accept}
    if jar:
        head["Cookie"] = "; ".join("%s=%s" % pair for pair in jar.items())
    body = b""
    if form is not None:
        body = up.urlencode(form).encode()
        head |= {"Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)), "Origin": "%s://%s" % at[:2]}
    path = up.urlunsplit(("", "", at.path or "/", at.query, ""))
    lines = ["%s %s HTTP/1.1" % ("GET" if form is None else "POST", path)]
    lines += ["%s: %s" % pair for pair in head.items()]
    s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    r = http.client.HTTPResponse(s); r.begin()
    text = r.read().decode("utf-8", "replace")
    for cookie in r.headers.get_all("Set-Cookie") or ():
        key, _, value = cookie.split(";")[0].partition("=")
        jar[key] = value
    return r.status, up.urljoin(url, r.headers.get("Location") or ""), text
def followed(url, form=None):
    for _ in range(12):
        status, to, text = call(url, form)
        if status not in (301, 302, 303, 307, 308):
            break
        url, form = to, None
    return url, status, text
def walk():
    url, status, page = followed(start)
    fields = re.findall(r"<input[^>]*>", page)
    named = [(re.search(r'name="([^"]+)"', f), re.search(r'value="([^"]*)"', f)) for f in fields]
    form = {n[1]: html.unescape(v[1]) if v else "" for n, v in named if n}
    if up.urlsplit(url).netloc != provider or "password" not in form:
        return {"step": "the provider's form", "status": status, "said": url[:120]}
    url, status, page = followed(url, {**form, "user": user, "password": password})
    if up.urlsplit(url).netloc == provider:
        said = re.findall(r'trmsg="(\d+)"', page)
        return {"step": "the provider", "status": status, "said": said}
    if status != 200:
        return {"step": "the way back", "status": status, "said": url.split("?")[0]}
    status, _, text = call(then, accept="*/*")
    return {"step": "done", "status": status, "text": text}
try:
    print(json.dumps(walk()))
except OSError as failure:
    print(json.dumps({"step": "a connection", "said": str(failure)[:160]}))
"""

REFUSED = ["84"]  # what the provider's page says to a user whom the application is not for


def login_of(unit: str) -> str:
    """The login of the checks' own user of a unit."""
    return f"hanoi.verify-{zlib.crc32(unit.encode()):08x}"


def provider(plan: Plan) -> str:
    """The provider's host name."""
    return next(p.url_host for p in plan.common.pages if p.application == sign_on.NAME)


def running(hosts: Mapping[str, Host], plan: Plan) -> Host:
    """A host that runs sign-on; the check is skipped where none does."""
    for host in plan.running(sign_on.NAME):
        if host.id in hosts:
            return hosts[host.id]
    pytest.skip("sign-on is not in this wave, or at no site that is looked at")


@contextmanager
def a_user(host: Host, login: str, unit: str) -> Iterator[str]:
    """The password of a user of the unit who is there meanwhile. host: one that runs sign-on."""
    password = secrets.token_urlsafe(24)
    run = ["docker", "exec", "-i", sign_on.NAME, *sign_on.SCRIPT, "user"]
    put = [*run, "put", unit, login, "Kiểm tra", f"{login}@invalid.example"]
    made = fresh(host, shlex.join(put), stdin=password.encode() + b"\n")
    assert made.rc == 0, f"no user can be added: {made.stderr.strip()[-160:]}"
    try:
        yield password
    finally:
        fresh(host, shlex.join([*run, "remove", login]))


def signed_on(
    hosts: Mapping[str, Host],
    plan: Plan,
    authority: str,
    application: str,
    way: tuple[str, str],
    inside: Callable[[str, str], bool],
    forget: Callable[[Host, HostPlan, Page, str], str],
) -> dict[str, list[str]]:
    """Gateway's host → what went wrong. Each unit's application is tried through one gateway, in
    turn: a user of the unit gets in, a user of no unit does not.

    way: where signing on begins and the page that says who is in, as paths; inside: whether that
    page's text knows the login; forget: removes what the application keeps of the login, and says
    what went wrong ("" for nothing).
    """
    provides = running(hosts, plan)

    def ends(client: Host, target: HostPlan, page: Page, login: str, unit: str) -> dict[str, Any]:
        start, then = (f"https://{page.url_host}{path}" for path in way)
        with a_user(provides, login, unit) as password:
            arguments = [target.address, authority, start, provider(plan), login, then]
            command = shlex.join(["python3", "-I", "-c", _BROWSER, *arguments])
            done = fresh(client, command, stdin=password.encode() + b"\n", timeout=180)
        assert done.rc == 0, "the probe failed"
        return dict(json.loads(done.stdout))

    def attempt(case: tuple[HostPlan, Page]) -> list[str]:
        target, page = case
        client = next(host for host_id, host in hosts.items() if host_id != target.id)
        login, wrong = login_of(str(page.unit)), []
        found = ends(client, target, page, login, str(page.unit))
        if found["step"] != "done":
            wrong.append(f"a user of the unit gets to {found['step']}: {found.get('said')}")
        elif not inside(found["text"], login):
            wrong.append("who signed on is not known there")
        wrong.append(forget(client, target, page, login))
        found = ends(client, target, page, f"{login}-other", sign_on.NO_UNIT)
        if (found["step"], found.get("said")) != ("the provider", REFUSED):
            wrong.append(f"a user of no unit gets to {found['step']}: {found.get('said')}")
        return [f"{page.unit}: {w}" for w in wrong if w]

    ways = plan.running("gateway")
    cases = [(ways[i % len(ways)], p) for i, p in enumerate(pages_here(plan, application))]
    told = at_once(attempt, cases)
    return {g.id: [w for (target, _), all_ in told.items() if target is g for w in all_]
            for g in ways}  # fmt: skip
