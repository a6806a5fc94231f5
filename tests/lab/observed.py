"""What is on the lab's hosts and inside its services, seen from outside: two looks and what
happened between them. Nothing of the deploy's own account is used; names and operations are
those of a report, so that the two can be compared."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.resources import Page, Plan
from infra.secrets import Secrets
from tests.lab.conftest import Lab
from tests.lab.gateway import connected

Happened = tuple[str, str, str, str]  # host ("" once for the ministry), kind, name, operation

# Which commands were run inside containers while it records: the engine itself says so.
WATCH = """
systemctl stop promise-watch.service 2>/dev/null; rm -f /run/promise-watch
exec systemd-run --quiet --collect --unit=promise-watch sh -c 'while :; do docker events \
 --filter type=container --filter event=exec_create \
 --format "{{.Actor.Attributes.name}} {{.Action}}" >> /run/promise-watch; sleep 0.2; done'
"""
UNWATCH = "systemctl stop promise-watch.service; rm -f /run/promise-watch"

AWAY, PATIENCE = 503, 15

# Of /etc what the system writes by itself, and the accounts, which are looked at as logins.
OWN_WAY = (
    r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?|/etc/ld\.so\.cache|/etc/\.pwd\.lock"
    r"|/etc/(hosts|hostname|resolv\.conf|mtab|machine-id)"
)

HOST = r"""
import glob, grp, hashlib, json, os, pwd, re, subprocess

def told(*argv, empty=False):
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace")
    if done.returncode and not empty:
        raise SystemExit(" ".join(argv) + ": " + done.stderr[-300:])
    return done.stdout

def file(path):
    status = os.lstat(path)
    with open(path, "rb") as stream:
        content = hashlib.sha256(stream.read()).hexdigest()
    return [content, oct(status.st_mode), status.st_uid, status.st_gid, status.st_ino,
            status.st_mtime_ns]

def inspected(kind, *names):
    return json.loads(told("docker", kind, "inspect", *names)) if names else []

files = {p: file(p) for place, _, names in os.walk("/etc") for n in names
         for p in [os.path.join(place, n)]
         if not os.path.islink(p) and os.path.isfile(p) and not re.fullmatch(payload["own"], p)}
since = "@%d" % payload["since"]
reloads = [json.loads(line).get("UNIT") for line in told(
    "journalctl", "-q", "_PID=1", "JOB_TYPE=reload", "JOB_RESULT=done", "--since", since,
    "-o", "json", empty=True).splitlines()]
settings = {}
for line in open("/etc/sysctl.d/60-hanoi.conf"):
    key = line.partition("=")[0].strip().lstrip("-").strip()
    place = "/proc/sys/" + key.replace(".", "/")
    if key and not key.startswith("#") and os.path.exists(place):
        settings[key] = open(place).read().strip()
postgres = subprocess.run(
    ["docker", "exec", "postgres", "psql", "-XAtq", "-h", "/run/postgresql", "-U", "postgres",
     "-c", "select pg_postmaster_start_time()"], capture_output=True, text=True).stdout.strip()
print(json.dumps({
    "files": files,
    "packages": [p.split()[0] for p in told("dpkg-query", "-W", "-f",
        "${Package} ${db:Status-Status}\n").splitlines() if p.endswith(" installed")],
    "logins": {u.pw_name: [u.pw_shell, sorted(g.gr_name for g in grp.getgrall()
        if u.pw_name in g.gr_mem)] for u in pwd.getpwall()},
    "enabled": {u["unit_file"]: u["state"] for u in json.loads(
        told("systemctl", "list-unit-files", "-o", "json")) if u["state"] != "transient"},
    "runs": {p.partition("invocation:")[2]: os.readlink(p)
             for p in glob.glob("/run/systemd/units/invocation:*.service")
             if "@" not in p and "promise-watch" not in p},
    "reloads": sorted(set(filter(None, reloads))),
    "settings": settings,
    "rules": told("nft", "list", "table", "inet", "hanoi"),
    "containers": {c["Name"].strip("/"): [c["Id"], c["State"]["StartedAt"], c["Image"]]
                   for c in inspected("container", *told("docker", "ps", "-aq").split())},
    "networks": {n["Name"]: n["Id"] for n in inspected(
        "network", *told("docker", "network", "ls", "-q").split())},
    # The engine's own CreatedAt is another one after its restart.
    "volumes": {v["Name"]: told("stat", "-c", "%i %W", v["Mountpoint"]) for v in inspected(
        "volume", *told("docker", "volume", "ls", "-q").split())},
    "postgres": postgres,
    "commands": open("/run/promise-watch").read().splitlines()
        if os.path.exists("/run/promise-watch") else [],
}))
"""

OBJECTS = """
select json_build_object(
  'roles', (select json_object_agg(r.rolname, json_build_array(r.oid, r.rolpassword,
      (select coalesce(json_agg(m.roleid order by m.roleid), '[]') from pg_auth_members m
       where m.member = r.oid))) from pg_authid r),
  'databases', (select json_object_agg(datname, json_build_array(oid, datdba, datacl))
      from pg_database where not datistemplate))
"""
MODULES = "select coalesce(to_regclass('ir_module')::text, ''); select count(*) from pg_extension;"
ACTIVATED = "select count(*) from ir_module where state = 'activated'"


@dataclass(frozen=True)
class Seen:
    """One look. hosts: what HOST prints; pages: address → status; secrets: reference → digest
    of its value; contents: database → its modules; settings: the cluster's, as Patroni has them."""

    hosts: Mapping[str, Mapping[str, Any]]
    roles: Mapping[str, Any]
    databases: Mapping[str, Any]
    contents: Mapping[str, str]
    settings: str
    secrets: Mapping[str, str]
    pages: Mapping[str, int]


def watch(lab: Lab, script: str) -> None:
    """Begin (WATCH) or end (UNWATCH) to record on every host."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda h: lab.root(h.id, script), lab.plan.hosts))


def look(lab: Lab, pages: Mapping[str, Page], since: float) -> Seen:
    """Look at everything. pages: those to ask for, by address; since: reloads from then on."""
    wanted = {"own": OWN_WAY, "since": int(since)}
    with ThreadPoolExecutor() as pool:
        hosts = [h.id for h in lab.plan.hosts]
        told = dict(
            zip(
                hosts,
                pool.map(lambda h: lab.connection(h).python(HOST, wanted), hosts),
                strict=True,
            )
        )
    leader = lab.leader()
    objects = json.loads(lab.sql(leader, OBJECTS))
    show = "docker exec postgres patronictl -c /etc/patroni/patroni.yaml show-config"
    return Seen(
        told,
        objects["roles"],
        objects["databases"],
        {d: _contents(lab, leader, d) for d in objects["databases"]},
        lab.root(leader, show),
        dict(_secrets()),
        {host: _status(lab, page) for host, page in pages.items()},
    )


def _contents(lab: Lab, leader: str, database: str) -> str:
    told = lab.sql(leader, MODULES, database)
    return told + (lab.sql(leader, ACTIVATED, database) if told.startswith("ir_module") else "")


def _secrets() -> Iterator[tuple[str, str]]:
    """Every reference in the vault, with a digest of what it stands for."""
    vault = Secrets.open(create=False)
    for value, reference in vault.values().items():
        name, _, part = reference.removeprefix("secret://").partition("#")
        if part == "key" and name != "ca":
            value += vault.value(name, "cert")
        yield name, hashlib.sha256(value.encode()).hexdigest()


def _status(lab: Lab, page: Page) -> int:
    """What the gateways say at the page's address by a certificate that holds for it: the first
    one's answer; 0 when none does."""
    trusted = ssl.create_default_context(cadata=Secrets.open(create=False).value("ca", "cert"))
    for _ in range(PATIENCE):
        told = [_asked(h.address, page, trusted) for h in lab.plan.hosts]
        answers = [status for status in told if status]
        if AWAY not in answers:
            break
        time.sleep(2)  # an application that has just been started, or one that is away for good
    return answers[0] if answers else 0


def _asked(address: str, page: Page, trusted: ssl.SSLContext) -> int:
    try:
        with connected(address, page.url_host, trusted, 5) as connection:
            connection.request("GET", page.path)
            return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


def between(before: Seen, after: Seen, planned: Plan, plan: Plan) -> set[Happened]:
    """What happened from one look to the next. planned, plan: of the two descriptions; they tell
    only which image and which page a name belongs to."""
    images = {c.name: c.image for p in (planned, plan) for h in p.hosts for c in h.parts.containers}
    found: set[Happened] = set()
    for host, now in after.hosts.items():
        found |= {(host, *rest) for rest in _on_host(before.hosts[host], now)}
    found |= {("", "secret", *c) for c in _compared(before.secrets, after.secrets)}
    found |= {("", "database role", *c) for c in _compared(before.roles, after.roles)}
    found |= {("", "database", *c) for c in _compared(before.databases, after.databases)}
    found |= {
        ("", "image", *c)
        for c in _compared(_contents_of(before, images), _contents_of(after, images))
    }
    if before.settings != after.settings:
        found.add(("", "one-off", "postgres-settings", "update"))
    for database, operation in _compared(before.contents, after.contents):
        oneoff = next(
            (o.id for p in (plan, planned) for o in p.common.oneoffs if database in o.argv),
            database,
        )
        found.add(("", "one-off", oneoff, operation))
    served = [{h: s for h, s in side.pages.items() if s != 421 and s} for side in (before, after)]
    found |= {("", "page", *c) for c in _compared(*served)}
    return found


def _compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in {*old, *new}:
        if name not in old:
            yield name, "create"
        elif name not in new:
            yield name, "delete"
        elif old[name] != new[name]:
            yield name, "update"


def _contents_of(seen: Seen, images: Mapping[str, str]) -> dict[str, list[str]]:
    """Image → ids of the contents that containers run."""
    found: dict[str, set[str]] = {}
    for host in seen.hosts.values():
        for name, (_, _, content) in host["containers"].items():
            found.setdefault(images.get(name, name), set()).add(content)
    return {name: sorted(ids) for name, ids in found.items()}


def _on_host(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from (("file", *c) for c in _compared(old["files"], new["files"]))
    packages = [dict.fromkeys(side["packages"], "") for side in (old, new)]
    yield from (("package", *c) for c in _compared(*packages))
    yield from (("login", *c) for c in _compared(old["logins"], new["logins"]))
    yield from _services(old, new)
    yield from (("opening", *c) for c in _compared(_openings(old), _openings(new)))
    for kind in ("network", "volume"):
        for name, operation in _compared(old[f"{kind}s"], new[f"{kind}s"]):
            yield kind, name, "replace" if operation == "update" else operation
    yield from (("container", *c) for c in _containers(old, new))


def _services(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Another state, a restart (another run of the same service), a reload; the last two of a
    service whose state changes as well count alone, as in a report."""
    found = dict(_compared(old["enabled"], new["enabled"]))
    found |= dict.fromkeys(new["reloads"], "reload")
    both = old["runs"].keys() & new["runs"].keys()
    found |= {name: "restart" for name in both if old["runs"][name] != new["runs"][name]}
    if old["settings"] != new["settings"]:
        found["network-settings"] = "reload"
    yield from (("service", *item) for item in found.items())


_RULE = re.compile(r"ip saddr (\{[^}]*\}|\S+) (tcp|udp) dport (\d+) accept comment \"(.*)\"")


def _openings(host: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """ "tcp/443" → sources and reason, from the rules in force."""
    return {f"{p}/{n}": (source, why) for source, p, n, why in _RULE.findall(host["rules"])}


def _containers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Another id is a replacement; another start, or of the database server inside, a restart;
    a signal asked for inside, a reload."""
    was, now = old["containers"], new["containers"]
    signalled = {line.split()[0] for line in new["commands"] if " kill -" in line}
    for name in {*was, *now}:
        if name not in was or name not in now:
            yield name, "create" if name in now else "delete"
        elif was[name][0] != now[name][0]:
            yield name, "replace"
        elif (was[name][1], _server(name, old)) != (now[name][1], _server(name, new)):
            yield name, "restart"
        elif name in signalled:
            yield name, "reload"


def _server(container: str, host: Mapping[str, Any]) -> str:
    """When the database server in the container started."""
    return str(host["postgres"]) if container == "postgres" else ""
