"""What the changes of a live plan mean: whom they concern, who cannot work meanwhile, and the
memory that hosts promise. The figures and words are the offline report's (infra/diff)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infra.diff import interruptions
from infra.diff.common import FACTS, SETTINGS, at_restart, because, modules_of, settings_of
from infra.diff.owners import Owners
from infra.diff.side import Side
from infra.diff.touched import touched
from infra.live.described import Described
from infra.live.session import Reading
from infra.report.content import Capacity, Change, Summary
from infra.resources import HostPlan
from infra.services import postgres, tryton

Current = Mapping[str, Mapping[str, Any]]  # host → what stands there (preview.py's _ask)
_TAKEN = ("create", "replace", "delete")


@dataclass(frozen=True)
class Effects:
    """changes: all of them, with the units and applications they concern; summary: the part that
    follows from them."""

    changes: tuple[Change, ...]
    summary: Summary


def told(
    described: Described, reading: Reading, current: Current, changes: Sequence[Change]
) -> Effects:
    """What a deploy's changes mean. current: what stands on each host in the place of what
    differs, and the memory of its containers."""
    owners = Owners(described.model)
    restarting = restarts(reading, current)
    owned = tuple(_owned(owners, c) for c in following(reading, current, changes, restarting))
    after = Side(described.label, described.model, described.plan)
    return Effects(
        owned,
        Summary(
            touched=touched(Side("live"), after, owned),
            interruptions=interruptions.expected(described.plan, owned, restarting),
            capacity=tuple(_capacity(described, reading, current, owned)),
        ),
    )


def following(
    reading: Reading, current: Current, changes: Sequence[Change], restarting: tuple[str, ...]
) -> list[Change]:
    """The changes, with what follows once their files are in place and no host can tell before:
    PostgreSQL's settings for the whole cluster, its restarts for some of them, and modules that
    Tryton's databases get."""
    known = {c.name for c in changes if c.kind == "one-off"}
    found = list(changes)
    if postgres.SETTINGS not in known and _texts(reading, current, postgres.NAME, SETTINGS):
        why = "the cluster's settings change"
        found.append(Change("one-off", postgres.SETTINGS, "update", why=why))
    if added := _modules(reading, current):
        why = f"modules are added: {', '.join(added)}"
        found += [
            Change("one-off", o.id, "update", why=why)
            for o in reading.plan.common.oneoffs
            if o.container == tryton.NAME and o.id not in known
        ]
    return [_restarted(c, restarting) for c in found] if restarting else found


def restarts(reading: Reading, current: Current) -> tuple[str, ...]:
    """Settings that PostgreSQL takes up at a restart only, of those that change."""
    found = {
        name
        for live, planned in _texts(reading, current, postgres.NAME, SETTINGS)
        for name in at_restart(settings_of(live), settings_of(planned))
    }
    return tuple(sorted(found))


def _restarted(change: Change, names: tuple[str, ...]) -> Change:
    if (change.kind, change.name, change.operation) != ("container", postgres.NAME, "reload"):
        return change
    return replace(change, operation="restart", why=because(names))


def _modules(reading: Reading, current: Current) -> list[str]:
    texts = _texts(reading, current, tryton.NAME, FACTS)
    return sorted({m for live, planned in texts for m in modules_of(planned) - modules_of(live)})


def _texts(reading: Reading, current: Current, container: str, path: str) -> list[tuple[str, str]]:
    """A file as it stands and as planned, on the hosts where it differs and its container runs."""
    found = []
    for host in (h for h in reading.hosts if h.id in current and h.id in reading.looks):
        live = current[host.id]["files"].get(path, {}).get("content")
        running = {c.name for c in reading.looks[host.id].containers if c.state == "running"}
        planned = next((f.content for f in host.parts.files if f.path == path), None)
        if live is not None and planned is not None and container in running and live != planned:
            found.append((live, planned))
    return found


def _owned(owners: Owners, change: Change) -> Change:
    ask = {
        "container": owners.container,
        "file": owners.file,
        "database": owners.database,
        "one-off": owners.oneoff,
        "secret": owners.secret,
    }.get(change.kind)
    if ask is None:
        return change
    units, applications = ask(change.name)
    return replace(change, units=units, applications=applications)


def _capacity(
    described: Described, reading: Reading, current: Current, changes: Sequence[Change]
) -> Iterator[Capacity]:
    """Memory that containers may use, on hosts where some come, go or are replaced. Of an engine
    that does not answer nothing is known."""
    model = described.model
    sizes = {h.id: h.memory for s in model.sites for h in s.hosts}
    sizes |= {h.id: h.memory for u in model.units for h in u.hosts}
    moving = {c.host for c in changes if c.kind == "container" and c.operation in _TAKEN}
    for host in (h for h in reading.hosts if h.id in moving):
        before = current.get(host.id, {}).get("memory")
        after = _planned(host)
        if before is None or sum(before.values()) != after:
            was = None if before is None else float(sum(before.values()))
            yield Capacity(host.id, "memory", was, float(after), float(sizes[host.id]))


def _planned(host: HostPlan) -> int:
    return sum(c.memory for c in host.parts.containers)
