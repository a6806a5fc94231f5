"""`hanoi plan`: what a deploy would do, in its order, without doing any of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from infra import rollout
from infra.diff import interruptions
from infra.errors import HanoiError
from infra.facts import Look
from infra.live import (
    containers,
    effects,
    images,
    moves,
    onhost,
    records,
    runtime,
    session,
    state,
)  # fmt: skip
from infra.live.described import Described
from infra.live.hosts import HostChanges, questions
from infra.live.images import ImagesAhead
from infra.live.known import PASSPHRASE
from infra.live.runtime import RuntimeAhead
from infra.live.session import Reading
from infra.pulumi_events import Previewed
from infra.report.content import Change, DataChange, Finding, Report
from infra.resources import HostPlan

if TYPE_CHECKING:
    from infra.engine import Engine

EngineOf = Callable[[], "Engine"]
LOOKS_AHEAD = "known after the engine is there"


@dataclass
class Ahead:
    """A whole look: the report, and what a saved plan compares before it is applied."""

    described: Described
    report: Report
    failure: HanoiError | None
    looks: Mapping[str, Look] = field(default_factory=dict)
    current: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    runtime: RuntimeAhead = field(default_factory=RuntimeAhead)
    images: Mapping[str, str] = field(default_factory=dict)


def look_ahead(
    described: Described, site_ids: Sequence[str], engine: EngineOf, say: Callable[[str], None]
) -> Ahead:
    """Look at the chosen sites and tell what a deploy would change. Writes nothing.

    engine: gives Pulumi, asked for only when some host has a Docker engine. A host that
    cannot be looked at is in `failure`, once; the others are in the report all the same.
    Raises HN-P002, HN-S…, HN-D024 (as a deploy would refuse), HN-D020, HN-R039.
    """
    with session.opened(described.plan, site_ids, say) as reading:
        rollout.refuse_foreign(reading.hosts, reading.looks, reading.left)
        current = reading.each(lambda host: _ask(reading, host))
        ahead = images.ahead(reading)
        previewed, checkpoints = _previews(reading, ahead, engine)
        inside = runtime.ahead(reading)
        told = _with_records(_tell(reading, current, ahead, previewed, inside), reading)
        meant = effects.told(described, reading, current, told.changes)
        failure = reading.failure()
        return Ahead(
            described,
            _report(described, reading, told, meant, failure),
            failure,
            dict(reading.looks),
            current,
            checkpoints,
            inside,
            dict(ahead.images.tags),
        )


def _ask(reading: Reading, host: HostPlan) -> dict[str, Any]:
    """What stands in the place of what differs, for the hosts where something does."""
    seen = reading.looks[host.id]
    wanted = questions(host, seen)
    modules = ["current"] if seen.drifted else []
    modules += ["names", "memory"] if seen.engine == "up" else []
    answers = onhost.ask(reading.connections[host.id], modules, wanted)
    current = answers.seen.get("current") or {"files": {}, "users": {}, "units": {}}
    names = answers.seen.get("names") or {}
    return {**current, "names": names, "memory": answers.seen.get("memory")}


def _previews(
    reading: Reading, ahead: ImagesAhead, engine: EngineOf
) -> tuple[dict[str, Previewed], dict[str, str]]:
    """Pulumi's preview of every host whose engine answers, on a copy of its state."""
    ready = tuple(h for h in reading.hosts if reading.looks[h.id].engine == "up")
    if not ready:
        return {}, {}
    left, unsettled = reading.left.containers(), reading.left.unsettled()
    changed = frozenset(
        h.id
        for h in ready
        if h.id in unsettled or rollout.differs(reading.looks[h.id], left.get(h.id))
    )
    passphrase = reading.secrets.value(PASSPHRASE.id, "password")
    pulumi = engine()
    reading.say("asking Pulumi what it would do")
    with state.copied(reading, pulumi, ahead.images, ready, passphrase) as copy:
        done = copy.stacks.preview(ready, ahead.images, refresh=changed)
        return {p.host: p for p in done}, dict(copy.checkpoints)


@dataclass(frozen=True)
class _Told:
    changes: tuple[Change, ...]
    data: tuple[DataChange, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]


def _tell(
    reading: Reading,
    current: Mapping[str, dict[str, Any]],
    ahead: ImagesAhead,
    previewed: Mapping[str, Previewed],
    inside: RuntimeAhead,
) -> _Told:
    """Everything that was seen as changes, in the deploy's order."""
    unknown, findings = [*reading.busy], [*ahead.findings]
    secrets = [
        Change("secret", i, "update" if why else "create", why=why or "it is generated")
        for i, why in sorted(reading.secrets.pending.items())
    ]
    on_hosts: list[Change] = []
    engines: list[Change] = []
    actions: list[Change] = []
    removed: list[Change] = []
    data: list[DataChange] = []
    for host in (h for h in reading.hosts if h.id in current):
        seen = reading.looks[host.id]
        told = HostChanges(host, seen, current[host.id], reading.secrets)
        on_hosts += told.all()
        started: frozenset[str] = frozenset()
        if host.id in previewed:
            merged = containers.changes(reading.plan, host, seen, ahead.images, previewed[host.id])
            engines += merged.changes
            data += merged.data
            started = merged.started
            findings += [
                _taken(host, n) for n in containers.by_hand(host, current[host.id]["names"])
            ]
        elif host.parts.containers:
            unknown.append(_engineless(host, seen))
        if host.id in reading.left.unsettled():
            unknown.append(
                f"{host.id}: the last run was interrupted here; a deploy first puts away what it"
                " left"
            )
        actions += told.actions(started)
        removed += told.removed()
    changes = (
        *secrets, *on_hosts, *ahead.changes, *engines, *actions, *inside.changes, *removed,
    )  # fmt: skip
    return _Told(changes, tuple(data), tuple(findings), (*unknown, *inside.unknown))


def _with_records(told: _Told, reading: Reading) -> _Told:
    findings, unknown = records.ahead(reading)
    return replace(told, findings=(*told.findings, *findings), unknown=(*told.unknown, *unknown))


def _engineless(host: HostPlan, seen: Look) -> str:
    names = ", ".join(c.name for c in host.parts.containers)
    state = "has no Docker engine yet" if seen.engine == "absent" else "has a silent Docker engine"
    return f"{host.id} {state}; containers ({names}), networks and volumes: {LOOKS_AHEAD}"


def _taken(host: HostPlan, name: str) -> Finding:
    return Finding(
        "name-taken",
        "refused",
        f"{host.id} container {name}",
        "a container that is not the toolkit's has this name",
        "the engine would refuse a second one, and a deploy would fail there",
        f"look what it is (docker inspect {name}); rename or remove it by hand",
    )


def _report(
    described: Described,
    reading: Reading,
    told: _Told,
    meant: effects.Effects,
    failure: HanoiError | None,
) -> Report:
    unseen = tuple(
        f"{p.where}: not looked at ({p.code})" for p in (failure.problems if failure else ())
    )
    name = described.model.ministry.name
    moving = moves.ahead(reading)
    sites = ", ".join(s.id for s in reading.sites)
    return Report(
        source="plan",
        base=f"live sites ({sites})",
        head=described.label,
        ministry_vi=name.vi,
        ministry_en=name.en,
        summary=replace(
            meant.summary,
            interruptions=(*interruptions.of_moves(moving), *meant.summary.interruptions),
            data=(*(m.data for m in moving), *told.data),
            findings=told.findings,
            unknown=(*unseen, *told.unknown),
        ),
        changes=meant.changes,
        hosts=tuple((h.id, h.site) for s in reading.sites for h in s.hosts),
    )
