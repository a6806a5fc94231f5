"""Containers that are unknown, gone, stopped, ill, or made from something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra import stack
from infra.live.drift.registry import Drifted, Seen, detector, stamp

CRASHES = 3  # restarts by the engine within the hour that are told


@detector("container-unknown", needs="engine", danger=True)
def unknown(seen: Seen) -> Iterator[Drifted]:
    """A container that nobody planned."""
    planned = {c.name for c in seen.host.parts.containers}
    for name, c in _there(seen).items():
        if name not in planned:
            yield Drifted(
                "container",
                name,
                "create",
                f"it is {c['State']['Status']} beside the plan",
                remedy=f"look what it is for (docker inspect {name}); docker rm -f {name}",
                danger=True,
                words=(name, c["Id"][:12]),
                when=stamp(seen.answers["engine"]["events"], name, "create", "rename"),
            )


@detector("container-missing", needs="engine", danger=True)
def missing(seen: Seen) -> Iterator[Drifted]:
    """A planned container that is gone."""
    there = _there(seen)
    for planned in seen.host.parts.containers:
        if planned.name not in there:
            yield Drifted(
                "container",
                planned.name,
                "delete",
                "it is gone",
                danger=True,
                words=(planned.name,),
                when=stamp(seen.answers["engine"]["events"], planned.name, "destroy", "rename"),
            )


@detector("container-state", needs="engine", danger=True)
def state(seen: Seen) -> Iterator[Drifted]:
    """A planned container that does not run."""
    for name, c in _planned(seen):
        status = c["State"]["Status"]
        if status not in ("running", "restarting"):
            yield Drifted(
                "container",
                name,
                "update",
                f"it is {status}",
                remedy=f"docker unpause {name}" if status == "paused" else _start(name),
                danger=True,
                words=(name,),
                when=stamp(seen.answers["engine"]["events"], name, "stop", "die", "kill", "pause"),
            )


@detector("container-health", needs="engine")
def health(seen: Seen) -> Iterator[Drifted]:
    """A planned container whose health check fails."""
    for name, c in _planned(seen):
        if c["State"]["Status"] != "running":
            continue  # another detector says so
        if (c["State"].get("Health") or {}).get("Status") == "unhealthy":
            yield Drifted("container", name, "update", "it is unhealthy", remedy=_logs(seen, name))


@detector("container-crashing", needs="engine")
def crashing(seen: Seen) -> Iterator[Drifted]:
    """A container that ends again and again."""
    deaths: dict[str, int] = {}
    newest = max((e["when"] for e in seen.answers["engine"]["events"]), default=0.0)
    for event in seen.answers["engine"]["events"]:
        if event["action"] == "die" and event["when"] > newest - 3600:
            deaths[event["name"]] = deaths.get(event["name"], 0) + 1
    for name, c in _there(seen).items():
        restarting = c["State"]["Status"] == "restarting"
        if restarting or (deaths.get(name, 0) >= CRASHES and c.get("RestartCount", 0) >= CRASHES):
            yield Drifted(
                "container",
                name,
                "update",
                f"it ends and is restarted again and again ({c.get('RestartCount', 0)} times)",
                remedy=_logs(seen, name),
            )


@detector("container-by-hand", needs="engine", danger=True)
def by_hand(seen: Seen) -> Iterator[Drifted]:
    """A container under a planned name that was not made from this plan."""
    planned = {c.name: c for c in seen.host.parts.containers}
    for name, c in _planned(seen):
        label = (c["Config"]["Labels"] or {}).get(stack.SPEC_LABEL)
        wanted = stack.spec(seen.plan, planned[name], seen.tags[planned[name].image])
        if label != wanted:
            made = "of an earlier plan" if label else "not the toolkit's"
            yield Drifted(
                "container",
                name,
                "replace",
                f"it is {made}",
                remedy="hanoi deploy replaces it" if label else _remove(name),
                danger=not label,
                words=(name,),
                when=stamp(seen.answers["engine"]["events"], name, "create", "rename"),
            )


def _there(seen: Seen) -> dict[str, dict[str, Any]]:
    return {c["Name"].lstrip("/"): c for c in seen.answers["engine"]["containers"]}


def _planned(seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    there = _there(seen)
    for planned in seen.host.parts.containers:
        if planned.name in there:
            yield planned.name, there[planned.name]


def _start(name: str) -> str:
    return f"hanoi deploy starts it again; by hand: docker start {name}"


def _logs(seen: Seen, name: str) -> str:
    return f"look at hanoi logs {seen.host.id} {name}"


def _remove(name: str) -> str:
    return f"rename or remove it by hand (docker rm -f {name}), then hanoi deploy"
