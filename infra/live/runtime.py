"""What a deploy would do inside services: roles, databases, and work done once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import runtime
from infra.live.session import Reading
from infra.report.content import Change, Property
from infra.resources import HostPlan
from infra.services import postgres

_WORDS = re.compile(r"(role|database) (.+?): (.+)")
KINDS = {"role": "database role", "database": "database"}


@dataclass(frozen=True)
class RuntimeAhead:
    """differs, oneoffs: in the database program's words, and ids. leader: the host of the
    leading member; asked: (one-off, the host it was asked on)."""

    changes: tuple[Change, ...] = ()
    unknown: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    oneoffs: tuple[str, ...] = ()
    leader: str = ""
    asked: tuple[tuple[str, str], ...] = ()


def ahead(reading: Reading) -> RuntimeAhead:
    """One look wherever the containers run; it neither waits for a leader nor changes one."""
    wanted = runtime.questions(reading.plan, reading.connections, reading.secrets)
    asked, waiting = _askable(reading, wanted)
    source = runtime.program()

    def one(host: HostPlan) -> dict[str, Any]:
        if host.id not in asked:
            return {}
        answer = reading.connections[host.id].python(source, asked[host.id], 600)
        return dict(answer)

    seen = {h: a for h, a in reading.each(one).items() if a}
    differs = [d for a in seen.values() if a["leader"] for d in a["differs"]]
    oneoffs = [i for a in seen.values() for i in a["oneoffs"]]
    return RuntimeAhead(
        (*_objects(differs), *(Change("one-off", i, "create", why="not done") for i in oneoffs)),
        (*_without_leader(reading, wanted, asked, seen), *waiting),
        tuple(sorted(differs)),
        tuple(sorted(oneoffs)),
        next((h for h, a in seen.items() if a["leader"] and h in _members(reading)), ""),
        tuple((i, h) for h, a in seen.items() for i in a["oneoffs"]),
    )


def _askable(
    reading: Reading, wanted: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What can be asked now, and which one-offs cannot: their containers do not run."""
    asked, waiting = {}, []
    for host_id, question in wanted.items():
        if host_id not in reading.looks:
            continue
        running = {c.name for c in reading.looks[host_id].containers if c.state == "running"}
        ready = [o for o in question["oneoffs"] if o["container"] in running]
        late = [o for o in question["oneoffs"] if o["container"] not in running]
        if late:
            names = ", ".join(sorted({o["container"] for o in late}))
            waiting.append(
                f"{len(late)} one-offs on {host_id}: known after {names} runs there"
                f" ({', '.join(o['id'] for o in late[:3])}{', …' if len(late) > 3 else ''})"
            )
        container = question["container"] if question["container"] in running else ""
        if container or ready:
            asked[host_id] = {**question, "container": container, "oneoffs": ready}
    return asked, waiting


def _objects(differs: list[str]) -> list[Change]:
    """One change a role or database, whatever differs of it."""
    things: dict[tuple[str, str], list[str]] = {}
    for words in differs:
        if match := _WORDS.fullmatch(words):
            things.setdefault((match[1], match[2]), []).append(match[3])
    return [
        Change(
            KINDS[kind],
            name,
            "create" if "missing" in what else "update",
            why="it is not there" if "missing" in what else f"differs: {', '.join(what)}",
            properties=tuple(Property(w, "differs", "as planned") for w in what if w != "missing"),
        )
        for (kind, name), what in things.items()
    ]


def _without_leader(
    reading: Reading,
    wanted: Mapping[str, dict[str, Any]],
    asked: Mapping[str, dict[str, Any]],
    seen: Mapping[str, dict[str, Any]],
) -> list[str]:
    members = _members(reading)
    wanted = {h: w for h, w in wanted.items() if h in members}
    asked = {h: a for h, a in asked.items() if h in members}
    seen = {h: a for h, a in seen.items() if h in members}
    if not any(w["container"] for w in wanted.values()):
        return []
    if any(a["leader"] for a in seen.values()):
        return []
    if not any(a["container"] for a in asked.values()):
        return ["roles and databases: known after the database runs"]
    if any(a["leader"] is False for a in seen.values()) and members - set(reading.looks):
        return ["roles and databases: the leader is at a site that was not looked at"]
    why = "; ".join(f"{h}: {a['why'] or 'a standby'}" for h, a in seen.items() if "why" in a)
    return [f"roles and databases: no member of the database leads now ({why})"]


def _members(reading: Reading) -> set[str]:
    """The hosts of the cluster; a unit's own database is no member."""
    return {h.id for h in reading.plan.hosts if runtime.server(h) == postgres.NAME}
