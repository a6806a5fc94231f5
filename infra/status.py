"""`hanoi status` and `hanoi logs`: what runs at each site, as the engines say it now."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra import facts, ssh
from infra.deploy import chosen
from infra.errors import Exit, HanoiError, error
from infra.resources import HostPlan, Plan

Row = dict[str, Any]


def look(plan: Plan, site_ids: Sequence[str]) -> list[Row]:
    """One row a host: reachable, and its containers with state and health. All hosts at once,
    each by itself: one that cannot be reached is a row and no failure."""
    hosts = [h for s in chosen(plan, site_ids) for h in s.hosts]
    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
        return list(pool.map(lambda host: _host(plan, host), hosts))


def _host(plan: Plan, host: HostPlan) -> Row:
    try:
        with ssh.connected(
            [(host.id, host.address)],
            plan.ssh_user,
            plan.ssh_port,
            bootstrap_user=plan.ssh_bootstrap_user,
        ) as connections:
            seen = facts.look(connections, {host.id: {}})[host.id]
    except HanoiError as failure:
        return _row(host.id, host.site, False, failure.problems[0].what, [])
    containers = [
        {"name": c.name, "state": c.state, "health": c.health}
        for c in sorted(seen.containers, key=lambda c: c.name)
    ]
    wanted = {c.name for c in host.parts.containers}
    missing = sorted(wanted - {c["name"] for c in containers})
    detail = f"missing: {', '.join(missing)}" if missing else ""
    return _row(host.id, host.site, not missing, detail, containers)


def _row(host: str, site: str, ok: bool, detail: str, containers: list[dict[str, Any]]) -> Row:
    ok = ok and all(
        c["state"] == "running" and c["health"] in (None, "", "healthy") for c in containers
    )
    return {"host": host, "site": site, "ok": ok, "detail": detail, "containers": containers}


def render(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        lines.append(
            f"{row['host']:10} {row['site']:18} {'ok' if row['ok'] else 'NOT OK'}  {row['detail']}"
        )
        for c in row["containers"]:
            lines.append(f"  {c['name']:18} {c['state']:10} {c['health'] or ''}")
    return "\n".join(lines)


def follow_log(plan: Plan, host_id: str, container: str, tail: int, follow: bool) -> int:
    """Stream a container's log to the terminal. Raises HanoiError HN-P003 for a wrong name."""
    known = {h.id: h for h in plan.hosts}
    if host_id not in known or container not in {c.name for c in known[host_id].parts.containers}:
        names = [f"{h.id} {c.name}" for h in plan.hosts for c in h.parts.containers]
        raise error(
            "HN-P003",
            f"{host_id} {container}",
            "there is no such container in the plan",
            "choose from: " + "; ".join(names),
            Exit.USAGE,
        )
    host = known[host_id]
    with ssh.connected([(host.id, host.address)], plan.ssh_user, plan.ssh_port) as connections:
        c = connections[host.id]
        command = [
            "sudo",
            "-n",
            "docker",
            "logs",
            "--tail",
            str(tail),
            *(["-f"] if follow else []),
            container,
        ]
        return subprocess.run(
            ["ssh", *c.options(), f"{c.user}@{c.address}", shlex.join(command)], check=False
        ).returncode
