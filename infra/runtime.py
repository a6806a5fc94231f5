"""What lives inside the services: roles and databases on the leader, and work done once.

One look a database host compares everything (in SQL, by SCRAM verifiers) and asks each
one-off's probe; when nothing differs, Ansible is not started.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from infra import inventory, paths, runner, ssh
from infra.errors import error
from infra.inventory import encoded
from infra.resources import OneOff, Plan
from infra.runner import Say, Step
from infra.services import postgres
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
    oneoffs = {o.id: o for o in plan.common.oneoffs}
    for host_id, seen in looks.items():
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


def questions(
    plan: Plan, connections: Collection[str], secrets: Resolves
) -> dict[str, dict[str, Any]]:
    """What each connected host is asked: database objects wherever the database runs, each
    one-off on one host that has its container."""
    common = plan.common
    roles = [
        {
            "name": r.name,
            "password": secrets.resolve(f"secret://{r.password}#password"),
            "member_of": list(r.member_of),
        }
        for r in common.roles
    ]
    databases = [asdict(d) for d in common.databases]
    wanted: dict[str, dict[str, Any]] = {}
    containers = {
        h.id: {c.name for c in h.parts.containers} for h in plan.hosts if h.id in connections
    }
    shares = _shares(common.oneoffs, containers)
    for host_id, names in containers.items():
        mine = shares[host_id]
        has_database = postgres.NAME in names and bool(roles or databases)
        if mine or has_database:
            wanted[host_id] = {
                "container": postgres.NAME if has_database else "",
                "psql": list(PSQL),
                "roles": roles,
                "databases": databases,
                "oneoffs": [asdict(o) for o in mine],
            }
    return wanted


def _shares(
    oneoffs: Iterable[OneOff], containers: Mapping[str, Set[str]]
) -> dict[str, list[OneOff]]:
    """Host → its one-offs: each goes to a host with its container that has the least to do, so
    that the hosts work side by side."""
    shares: dict[str, list[OneOff]] = {host_id: [] for host_id in containers}
    for oneoff in sorted(oneoffs, key=lambda o: -o.seconds):
        able = [h for h, names in containers.items() if oneoff.container in names]
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
    """One look at every host; again while a new cluster is still choosing its leader."""
    source = program()
    members = {h.id for h in plan.hosts if any(c.name == postgres.NAME for c in h.parts.containers)}
    asked = {h for h, w in wanted.items() if w["container"]}
    end = time.monotonic() + LEADER_SECONDS
    while True:
        looks = ssh.on_each(
            {h: connections[h] for h in wanted}, lambda c: c.python(source, wanted[c.host_id], 600)
        )
        if not asked or any(looks[h]["leader"] for h in asked):
            return looks
        if asked != members and any(looks[h]["leader"] is False for h in asked):
            progress(
                "database: the leader is at another site; roles and databases are not looked at"
            )
            return looks
        if time.monotonic() > end:
            raise _no_leader({h: looks[h]["why"] for h in sorted(asked)})
        progress("database: waiting for a leader")
        time.sleep(2)


def _no_leader(why: Mapping[str, str]) -> Exception:
    told = "; ".join(f"{h}: {text or 'a standby'}" for h, text in why.items())
    return error(
        "HN-A007",
        "the database cluster",
        f"no member leads after {LEADER_SECONDS} s ({told})",
        "look at `hanoi logs HOST postgres` and at etcd on each host; a majority of the sites"
        " must be up. Then run the same command again.",
    )


@lru_cache(maxsize=1)
def program() -> str:
    """Compares what lives inside the services; runs on a host, changes nothing."""
    return (paths.roles() / "database" / "library" / "database_objects.py").read_text()
