"""Online public services (Plone), through the gateway of each site."""

from __future__ import annotations

import json
import shlex
import uuid

import pytest

from infra.verify import sign_on
from infra.verify.checks import Host, at_once, control, fresh, gate, look, on, pages_here, python

pytestmark = [gate("online-services"), on(container="gateway")]

# What a user's browser does, through a gateway. Passwords come on standard input: they must be
# in no process list. Prints what went wrong, as a list.
BROWSER = r"""
import csv, html, http.client, io, json, re, socket, ssl, sys, urllib.parse
address, authority, name, action = sys.argv[1:5]
password = sys.stdin.readline().strip()
jar = {}
def call(method, path, form=None):
    s = socket.create_connection((address, 443), 15)
    s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=name)
    s.settimeout(60)
    body = urllib.parse.urlencode(form or {}).encode()
    head = "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n" % (method, path, name)
    if jar:
        head += "Cookie: %s\r\n" % "; ".join("%s=%s" % pair for pair in jar.items())
    if form is not None:
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        head += "Content-Length: %d\r\n" % len(body)
    s.sendall((head + "\r\n").encode() + (body if form is not None else b""))
    r = http.client.HTTPResponse(s); r.begin()
    text = r.read().decode("utf-8", "replace")
    for cookie in r.headers.get_all("Set-Cookie") or ():
        key, _, value = cookie.split(";")[0].partition("=")
        jar.pop(key, None) if "deleted" in value else jar.update({key: value})
    return r.status, text
def token(text):
    found = re.search(r'_authenticator(?:=|" value=")([0-9a-f]+)', text)
    return {"_authenticator": found[1] if found else ""}
def login():
    call("POST", "/login", {"__ac_name": "admin", "__ac_password": password, "buttons.login": "1"})
    return "__ac" in jar
def rows(text, marker):
    field = r'name="crud-edit\.(\d+)\.widgets\.ho_ten"[^>]*value="%s"'
    return re.findall(field % re.escape(html.escape(marker)), text)
def kept(stored, marker):
    text = call("GET", stored + "?form.buttons.download=1&csv_delimiter=,")[1]
    return [n for n, row in enumerate(list(csv.reader(io.StringIO(text)))[1:]) if marker in row]
def submit(path, marker):
    form = {"form.widgets.ho_ten": marker, "form.widgets.thu_dien_tu": "verify@example.org",
            "form.widgets.noi_dung": marker, "form.buttons.submit": "1"}
    status, page = call("GET", path)
    if status != 200 or "form.widgets.ho_ten" not in page:
        return ["the form answers %d" % status]
    wrong = []
    if call("POST", path, form)[0] != 403:
        wrong.append("it takes a submission without the page's token")
    status, answer = call("POST", path, {**form, **token(page)})
    if status != 200 or "form.widgets.ho_ten" in answer:
        wrong.append("the submission was not taken (%d)" % status)
    if not login():
        return [*wrong, "no login to read it back"]
    stored = path + "/actions/luu/@@data"
    found = kept(stored, marker)
    if len(found) != 1:
        wrong.append("it is stored %d times" % len(found))
    first = call("GET", stored)[1] if found else ""
    size = len(set(re.findall(r'name="(crud-edit\.\d+\.widgets\.select)', first))) or 1
    for number in found:  # the application shows so many on a page, in the same order
        shown = {"crud-edit.form.page": str(number // size)}
        page = call("GET", stored + "?" + urllib.parse.urlencode(shown))[1]
        drop = {"crud-edit.%s.widgets.select:list" % k: "selected" for k in rows(page, marker)}
        form = {**shown, **drop, **token(page), "crud-edit.form.buttons.delete": "1"}
        call("POST", stored, form)
    if kept(stored, marker):
        wrong.append("what was stored could not be removed")
    return wrong
def forget(user):
    if not login():
        return ["no login to remove a user"]
    users = "/@@usergroup-userprefs"
    there = 'name="delete:list" value="%s"' % user
    page = call("GET", users + "?searchstring=" + user)[1]
    if there in page:
        call("POST", users, {"form.submitted": "1", "form.button.Modify": "1",
            "users.id:records": user, "delete:list": user, **token(page)})
    left = there in call("GET", users + "?searchstring=" + user)[1]
    return ["the user of the check could not be removed"] if left else []
def statuses(paths):
    return [call("GET", path)[0] for path in paths]
try:
    if action == "submit":
        print(json.dumps(submit(*sys.argv[5:7])))
    elif action == "login":
        print(json.dumps(login()))
    elif action == "forget":
        print(json.dumps(forget(sys.argv[5])))
    elif action == "statuses":
        print(json.dumps(statuses(sys.argv[5:])))
    else:
        print(json.dumps(call("GET", action)))
except OSError as failure:
    print(json.dumps([str(failure)[:160]]))
"""


# Every unit's role at every other database. Prints what let it in, or failed otherwise.
ROLES = r"""
import json, psycopg2, sys
from psycopg2.extensions import parse_dsn
sys.path.insert(0, "/etc/plone")
import ask
lines = open("/etc/plone/pgpass").read().splitlines()
words = {line.split(":")[3]: line.rsplit(":", 1)[1] for line in lines}
opened = []
for unit, facts in ask.FACTS["units"].items():
    own = parse_dsn(facts["dsn"])
    for name in set(sys.argv[1:]) - {own["dbname"]}:
        try:
            psycopg2.connect(**{**own, "dbname": name, "password": words[own["user"]]}).close()
            opened.append("%s opens %s" % (own["user"], name))
        except psycopg2.OperationalError as refused:
            if "permission denied" not in str(refused) and "pg_hba" not in str(refused):
                opened.append("%s: %s" % (own["user"], str(refused).strip()[:120]))
print(json.dumps(opened))
"""


def sites(plan) -> dict[str, str]:
    """Unit → host name, of every unit whose site is served."""
    pages = pages_here(plan, "online-services")
    if not pages:
        pytest.skip("online public services are not in this wave")
    return {str(p.unit): p.url_host for p in pages}


def procedures(plan) -> dict[str, dict]:
    """Portal's unit → its procedures, as the instances are told."""
    found = {}
    for host in plan.hosts:
        for file in host.parts.files:
            if file.path == "/etc/hanoi/plone/plone.json":
                for unit, facts in json.loads(file.content)["units"].items():
                    if facts["site"]["procedures"]:
                        found[unit] = facts["site"]["procedures"]
    return found


def online(plan, unit: str) -> list[str]:
    """The paths of the forms on a unit's site: each procedure at level 3 and 4, or the contact
    form."""
    groups = procedures(plan).get(unit, {"groups": []})["groups"]
    forms = [
        f"/{g['id']}/thu-tuc-{n:03}"
        for g in groups
        if g["level"] >= 3
        for n in range(1, g["count"] + 1)
    ]
    return forms or ["/lien-he"]


def browse(client: Host, target, authority: str, name: str, *what: str, password: str = ""):
    command = shlex.join(["python3", "-I", "-c", BROWSER, target.address, authority, name, *what])
    done = fresh(client, command, stdin=password.encode() + b"\n", timeout=240)
    assert done.rc == 0, "the probe failed"
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def submissions(hosts, plan, authority, vault) -> dict[str, list[str]]:
    """Host → what went wrong with a submission to every unit's site through its gateway."""

    def attempt(case) -> list[str]:
        target, (unit, name) = case
        client = next(host for host_id, host in hosts.items() if host_id != target.id)
        password = vault.values[f"online-services/admin/{unit}"]
        marker = f"hanoi verify {uuid.uuid4().hex}"
        what = ("submit", online(plan, unit)[0], marker)
        wrong = browse(client, target, authority, name, *what, password=password)
        return [f"{unit}: {w}" for w in wrong]

    gateways = plan.running("gateway")
    found = at_once(attempt, [(g, s) for g in gateways for s in sites(plan).items()])
    return {g.id: [w for (t, _), all_ in found.items() if t is g for w in all_] for g in gateways}


@control("SERV-01", "own requirement")
def test_submission(target, host, submissions) -> None:
    """A form of every unit's site takes a submission, with its page's token only, and keeps it.

    It is read back by the site's first user and removed again.
    """
    assert not submissions[target.id], "; ".join(submissions[target.id])


@control("SERV-02", "report of 7 June 2017")
def test_procedures(neighbour, target, host, authority, plan) -> None:
    """The portal publishes every procedure of every group, and both numbers where they differ."""
    if not (portals := procedures(plan).keys() & sites(plan).keys()):
        pytest.skip("no unit served here has the portal")
    wrong = []
    for unit in sorted(portals):
        name, stated = sites(plan)[unit], procedures(plan)[unit]
        _, page = python(neighbour, BROWSER, target.address, authority, name, "/")
        counted = sum(g["count"] for g in stated["groups"])
        wrong += [
            f"{n} is not on the front page"
            for n in {stated["total"], counted}
            if f">{n}<" not in page and f" {n} " not in page
        ]
        for group in stated["groups"]:
            ends = [
                f"/{group['id']}/thu-tuc-{n:03}" for n in (1, group["count"], group["count"] + 1)
            ]
            seen = browse(neighbour, target, authority, name, "statuses", *ends)
            if seen != [200, 200, 404]:
                wrong.append(f"{group['id']}: first, last and one more answer {seen}")
        forms = online(plan, unit)
        seen = browse(neighbour, target, authority, name, "statuses", *forms)
        wrong += [f"{p}: {s}" for p, s in zip(forms, seen, strict=True) if s != 200]
    assert not wrong, "; ".join(wrong)


@control("SERV-03", "own requirement")
def test_one_units_login_opens_no_other_site(
    neighbour, target, host, authority, plan, vault
) -> None:
    """The first user of one unit's site is refused at another's."""
    units = sorted(sites(plan))
    if len(units) < 2:
        pytest.skip("one unit has no other")
    for unit, other in zip(units, [*units[1:], units[0]], strict=True):
        password = vault.values[f"online-services/admin/{other}"]
        name = sites(plan)[unit]
        entered = browse(neighbour, target, authority, name, "login", password=password)
        assert entered is False, f"{unit} lets the user of {other} in"


@control("SERV-04", "own requirement")
def test_nothing_leads_out_of_a_site(neighbour, target, host, authority, plan) -> None:
    """Neither another unit's site nor Zope's management pages are reached below a site's name."""
    units = sorted(sites(plan))
    for unit, other in zip(units, [*units[1:], units[0]], strict=True):
        ways = [
            "/manage",
            "/manage_main",
            "/virtual_hosting",
            "/Control_Panel",
            "/../../",
            "/%2e%2e/%2e%2e/",
            "/VirtualHostRoot/",
            *([f"/{other}", f"/{other}/site", f"/../../{other}/site/"] if other != unit else ()),
        ]
        seen = browse(neighbour, target, authority, sites(plan)[unit], "statuses", *ways)
        wrong = [f"{w} {s}" for w, s in zip(ways, seen, strict=True) if s != 404]
        assert not wrong, f"{unit}: {', '.join(wrong)}"


@control("SERV-05", "own requirement")
@on(container="plone")
def test_a_units_role_opens_its_own_database_only(host, target, plan) -> None:
    """The role of one unit's database is refused at every other."""
    names = [d.name for d in (*plan.common.databases, *target.parts.databases)]
    command = shlex.join(["docker", "exec", "plone", "python3", "-c", ROLES, *names])
    opened = json.loads(look(host, command))
    assert not opened, "; ".join(opened)


@pytest.fixture(scope="session")
def signed_on(hosts, plan, authority, vault) -> dict[str, list[str]]:
    """Gateway's host → what went wrong with signing on to the sites."""

    def forget(client: Host, target, page, login: str) -> str:
        password = vault.values[f"online-services/admin/{page.unit}"]
        what = ("forget", login)
        return "".join(browse(client, target, authority, page.url_host, *what, password=password))

    return sign_on.signed_on(
        hosts,
        plan,
        authority,
        "online-services",
        ("/acl_users/oidc/login", "/"),
        lambda text, login: "userrole-authenticated" in text,
        forget,
    )


@control("SERV-06", "OpenID Connect Core 1.0")
def test_users_sign_on(target, host, signed_on) -> None:
    """A user of the unit signs on and is in its site; a user of no unit is refused.

    Break: the site has another secret than sign-on knows.
    """
    assert not signed_on[target.id], "; ".join(signed_on[target.id])
