"""What lives inside the services: roles and databases on the leader, and work done once.

One look a database host compares everything (in SQL, by SCRAM verifiers) and asks each
one-off's probe; when nothing differs, Ansible is not started.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from infra import inventory, paths, runner, ssh
from infra.errors import error
from infra.inventory import encoded
from infra.resources import DatabaseRole, HostPlan, OneOff, Parts, Plan
from infra.runner import Say, Step
from infra.services import own_database, postgres
from infra.ssh import Connection

if TYPE_CHECKING:
    from infra.secrets import Secrets

PSQL = (
    "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
    "-h", postgres.SOCKET, "-U", postgres.SUPERUSER,
)  # fmt: skip
LEADER_SECONDS = 90  # a cluster that has just been started needs this long at most


class Resolves(Protocol):
    """Whatever can put a secret in the place of its reference."""

    def resolve(self, text: str) -> str: ...


def apply_runtime(
    plan: Plan, connections: Mapping[str, Connection], secrets: Secrets, progress: Say
) -> dict[str, int]:
    """Bring roles, databases, extensions and one-offs in line; host → things changed.

    Where the leader is at a site that is not connected, roles and databases are left for a
    deploy of that site. Raises HanoiError HN-A003, HN-A004, HN-A007 (no leader).
    """
    changed = dict.fromkeys(connections, 0)
    wanted = questions(plan, connections, secrets)
    if not wanted:
        return changed
    looks = _look(plan, connections, wanted, progress)
    variables: dict[str, dict[str, Any]] = {}
    steps: dict[str, dict[str, Step]] = {}
    for host_id, seen in looks.items():
        oneoffs = {o.id: o for o in objects(plan, plan.host(host_id)).oneoffs}
        differs, due = seen["differs"], [oneoffs[i] for i in seen["oneoffs"]]
        if not differs and not due:
            continue
        variables[host_id] = {
            "database": encoded(wanted[host_id]) if differs else "",
            "oneoffs": [{"id": o.id, "work": encoded(asdict(o))} for o in due],
        }
        steps[host_id] = _steps(differs, due)
    if variables:
        hosts = inventory.inventory(connections, variables)
        result = runner.run("runtime.yml", hosts, steps, progress)
        runner.raise_for(result.failed)
        changed |= result.changed
    return changed


def _steps(differs: list[str], due: list[OneOff]) -> dict[str, Step]:
    steps = {}
    if differs:
        more = f" and {len(differs) - 3} more" if len(differs) > 3 else ""
        steps["database"] = Step("database: " + ", ".join(differs[:3]) + more, len(differs))
    if due:
        usual = sum(o.seconds for o in due)
        names = ", ".join(o.id for o in due)
        steps["one-off"] = Step(f"{names} (usually {usual} s)", len(due))
    return steps


def objects(plan: Plan, host: HostPlan) -> Parts:
    """The roles, databases and one-offs that the host's database holds or may be asked for: its
    own, or what the cluster has in common."""
    return host.parts if host.own else plan.common


def server(host: HostPlan) -> str | None:
    """The container of the host's PostgreSQL, if it has one."""
    names = {c.name for c in host.parts.containers}
    return next((n for n in (postgres.NAME, own_database.NAME) if n in names), None)


def questions(
    plan: Plan, connections: Collection[str], secrets: Resolves
) -> dict[str, dict[str, Any]]:
    """What each connected host is asked: database objects wherever a database runs, each
    one-off on one host that has its container."""
    hosts = [h for h in plan.hosts if h.id in connections]
    shares = _shares(plan.common.oneoffs, [h for h in hosts if not h.own])
    wanted: dict[str, dict[str, Any]] = {}
    for host in hosts:
        own = objects(plan, host)
        mine = list(host.parts.oneoffs) if host.own else shares[host.id]
        container = server(host) if own.roles or own.databases else None
        if mine or container:
            wanted[host.id] = {
                "container": container or "",
                "psql": list(PSQL),
                "roles": [_role(r, secrets) for r in own.roles],
                "databases": [asdict(d) for d in own.databases],
                "oneoffs": [asdict(o) for o in mine],
            }
    return wanted


def _role(role: DatabaseRole, secrets: Resolves) -> dict[str, Any]:
    password = secrets.resolve(f"secret://{role.password}#password")
    return {**asdict(role), "password": password, "member_of": list(role.member_of)}


def _shares(oneoffs: Iterable[OneOff], hosts: Sequence[HostPlan]) -> dict[str, list[OneOff]]:
    """Host → its one-offs: each goes to the host that it names, or to one with its container that
    has the least to do, so that the hosts work side by side."""
    containers = {h.id: {c.name for c in h.parts.containers} for h in hosts}
    shares: dict[str, list[OneOff]] = {host_id: [] for host_id in containers}
    for oneoff in sorted(oneoffs, key=lambda o: -o.seconds):
        able = [
            h
            for h, names in containers.items()
            if oneoff.container in names and oneoff.host in (None, h)
        ]
        if able:
            least = min(able, key=lambda h: sum(o.seconds for o in shares[h]))
            shares[least].append(oneoff)
    return shares


def _look(
    plan: Plan,
    connections: Mapping[str, Connection],
    wanted: Mapping[str, dict[str, Any]],
    progress: Say,
) -> dict[str, dict[str, Any]]:
    """One look at every host; again while a new cluster is still choosing its leader, or a
    unit's own database is still starting."""
    source = program()
    members = {h.id for h in plan.hosts if server(h) == postgres.NAME}
    asked = {h for h, w in wanted.items() if w["container"] and h in members}
    alone = {h for h, w in wanted.items() if w["container"] and h not in members}
    end = time.monotonic() + LEADER_SECONDS
    while True:
        looks = ssh.on_each(
            {h: connections[h] for h in wanted}, lambda c: c.python(source, wanted[c.host_id], 600)
        )
        late = [h for h in sorted(alone) if not looks[h]["leader"]]
        if not late and (not asked or any(looks[h]["leader"] for h in asked)):
            return looks
        if not late and asked != members and any(looks[h]["leader"] is False for h in asked):
            progress(
                "database: the leader is at another site; roles and databases are not looked at"
            )
            return looks
        if time.monotonic() > end:
            raise _no_leader({h: looks[h]["why"] for h in late or sorted(asked)})
        progress(f"database: waiting for {', '.join(late) or 'a leader'}")
        time.sleep(2)


def _no_leader(why: Mapping[str, str]) -> Exception:
    told = "; ".join(f"{h}: {text or 'a standby'}" for h, text in why.items())
    return error(
        "HN-A007",
        "the database",
        f"no server takes writes after {LEADER_SECONDS} s ({told})",
        "look at `hanoi logs HOST postgres` and at etcd on each host; a majority of the sites"
        " must be up. Then run the same command again.",
    )


@lru_cache(maxsize=1)
def program() -> str:
    """Compares what lives inside the services; runs on a host, changes nothing."""
    return (paths.roles() / "database" / "library" / "database_objects.py").read_text()
