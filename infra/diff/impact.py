"""What a reviewer asks first of a change: the summary of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff import checks, interruptions, left, moves
from infra.diff.common import restarting
from infra.diff.hosts import joined
from infra.diff.owners import Owners
from infra.diff.side import Side
from infra.diff.touched import touched
from infra.model.rules import demand
from infra.model.schema import Model
from infra.report.content import (
    EVERYWHERE,
    Capacity,
    Change,
    DataChange,
    Finding,
    OpeningChange,
    Summary,
)
from infra.resources import Plan


def summary(
    before: Side, after: Side, changes: Sequence[Change], findings: Sequence[Finding]
) -> Summary:
    """The summary of what `changes` do; what cannot be told of a side is in `unknown`."""
    unknown = (*before.unknown, *after.unknown)
    old, new = before.plan, after.plan
    if old is None or new is None:
        return Summary(findings=tuple(findings), unknown=unknown)
    owners = Owners(before.model, after.model)
    moved = moves.between(old, new)
    return Summary(
        touched=touched(before, after, changes),
        interruptions=(
            *interruptions.of_moves(moved),
            *interruptions.expected(new, changes, restarting(old, new)),
        ),
        data=tuple((*(m.data for m in moved), *_created(changes), *left.behind(old, new, owners))),
        openings=tuple(_openings(old, new)),
        capacity=tuple(_capacity(before, after)),
        waves=tuple(_waves(before.model, after.model)),
        checks=checks.changes(before.checks, old, after.checks, new),
        findings=tuple(findings),
        unknown=unknown,
    )


def _created(changes: Sequence[Change]) -> Iterator[DataChange]:
    for c in changes:
        if c.kind in ("volume", "database") and c.operation == "create":
            yield DataChange(f"{c.kind} {c.name}", "created", c.host or EVERYWHERE, c.units)


def _openings(before: Plan, after: Plan) -> Iterator[OpeningChange]:
    old = {h.id: joined(h.parts.openings) for h in before.hosts}
    new = {h.id: joined(h.parts.openings) for h in after.hosts}
    for host, now in new.items():
        was = old.get(host, {})
        for name in sorted({*was, *now}, key=lambda n: (int(n.split("/")[1]), n)):
            sources = tuple(_sources(side, name) for side in (was, now))
            if sources[0] != sources[1]:
                protocol, _, port = name.partition("/")
                reason = str((now.get(name) or was[name])["reason"])
                yield OpeningChange(host, int(port), protocol, reason, *sources)


def _sources(openings: dict[str, dict[str, object]], name: str) -> tuple[str, ...]:
    found = openings.get(name, {}).get("sources", ())
    assert isinstance(found, tuple)
    return found


def _capacity(before: Side, after: Side) -> Iterator[Capacity]:
    """Memory that containers may use, processors that the whole roadmap asks for."""
    sides = [_promised(s) for s in (before, after)]
    for host in dict.fromkeys((*sides[0], *sides[1])):
        was, now = (s.get(host, {}) for s in sides)
        for resource in ("memory", "cpus"):
            old, new = was.get(resource), now.get(resource)
            if (old and old[0]) != (new and new[0]) or (old and new and old[1] != new[1]):
                limit = (new or old or (0.0, 0.0))[1]
                yield Capacity(host, resource, old and old[0], new and new[0], limit)


Promise = dict[str, tuple[float, float]]  # resource → promised, limit


def _promised(side: Side) -> dict[str, Promise]:
    """The sites' hosts: a plan says nothing of units' own."""
    if side.model is None or side.plan is None:
        return {}
    planned = {h.id: h for h in side.plan.hosts}
    found: dict[str, Promise] = {}
    for site in side.model.sites:
        for host in site.hosts:
            if host.id in planned:
                memory = sum(c.memory for c in planned[host.id].parts.containers)
                found[host.id] = {
                    "memory": (float(memory), float(host.memory)),
                    "cpus": (demand(side.model, host).cpus, float(host.cpus)),
                }
    return found


def _waves(before: Model | None, after: Model | None) -> Iterator[str]:
    if before is None or after is None or before.roadmap == after.roadmap:
        return
    old, new = before.roadmap, after.roadmap
    if old.current != new.current:
        yield f"current wave: {old.current} → {new.current}"
    was, now = [w.id for w in old.waves], [w.id for w in new.waves]
    yield from (f"{w}: added" for w in now if w not in was)
    yield from (f"{w}: removed" for w in was if w not in now)
    if [w for w in was if w in now] != [w for w in now if w in was]:
        yield f"order: {', '.join(was)} → {', '.join(now)}"
    known = {w.id: w for w in old.waves}
    for wave in new.waves:
        if (other := known.get(wave.id)) and other != wave:
            fields = [f for f in type(wave).model_fields if getattr(wave, f) != getattr(other, f)]
            yield f"{wave.id}: other {', '.join(fields)}"
