"""What of a host must not have changed between a saved plan and its deploy.

Only what the deploy would touch or stand on: a volume or container of somebody else may come
and go. Nothing here is a secret or derived from one: of a file that holds one, size and time
of its last change are kept, not a digest of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.facts import Look
from infra.resources import HostPlan, Plan


def hosts(
    plan: Plan, looks: Mapping[str, Look], current: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Host → its fingerprint: flat, so that what moved can be named: "container gateway" → …"""
    return {h.id: host(h, looks[h.id], current.get(h.id, {})) for h in plan.hosts if h.id in looks}


def host(planned: HostPlan, seen: Look, current: Mapping[str, Any]) -> dict[str, Any]:
    found = looked_at(planned, seen)
    for path, live in (current.get("files") or {}).items():
        if live.get("kind") == "file":
            content = live.get("sha256") or f"{live['size']} bytes, {live['changed']:.3f}"
            found[f"content of {path}"] = f"{content} {live['mode']} {live['owner']}"
    return found


def looked_at(planned: HostPlan, seen: Look) -> dict[str, Any]:
    """The part that the look alone tells, without asking for contents."""
    networks = {n.name for n in planned.parts.networks}
    volumes = {v.name for v in planned.parts.volumes}
    found: dict[str, Any] = {
        "machine": seen.machine_id,
        "engine": f"{seen.engine} {seen.engine_id or ''}".strip(),
        "deploy user": "not there" if seen.bare else "there",
    }
    found |= {f"package {p}": "not installed" for p in seen.packages}
    found |= {f"login {u}": "differs" for u in seen.users}
    found |= {f"service {u}": "differs" for u in seen.units}
    found |= {f"file {f.path}": f"differs by {f.why}" for f in seen.files}
    found |= {f"file {path}": "left the plan" for path in seen.gone}
    found |= {f"action {a}": "due" for a in seen.due}
    found |= {
        f"container {c.name}": f"{c.id[:12]} {c.state} of {c.spec or 'no plan'}"
        for c in seen.containers
    }
    found |= {f"network {n.name}": n.id[:12] for n in seen.networks if n.name in networks}
    found |= {f"volume {v}": "there" for v in seen.volumes if v in volumes}
    return found
