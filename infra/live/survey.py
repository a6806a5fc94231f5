"""`hanoi drift`: what on the hosts differs from the plan, and who probably changed it.

The wanted side comes from the plan alone. Each kind of difference is a registered detector
(registry.py); what it compares with comes from one round of questions to every host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import supply
from infra.errors import HanoiError
from infra.host.kernel import MACHINE_FILE, NETWORK_FILE
from infra.live import onhost, runtime, session
from infra.live.described import Described
from infra.live.drift.beside import DIRECTORIES
from infra.live.drift.clock import links
from infra.live.drift.kernel import settings
from infra.live.drift.registry import Detector, Drifted, Seen, detectors
from infra.live.hidden import Hider
from infra.live.hosts import questions
from infra.live.session import Reading
from infra.report.content import EVERYWHERE, Change, Finding, Report, Summary
from infra.resources import HostPlan
from infra.runtime import PSQL, server

MODULES = ("current", "directories", "accounts", "system", "network", "packages")
WITH_ENGINE = ("engine", "database")
UNKNOWN_WHO = "the host has no record of who changed it"


@dataclass(frozen=True)
class Item:
    """One drift: where it was seen, by which detector, and who probably did it."""

    host: HostPlan
    detector: Detector
    drifted: Drifted
    who: str = ""


def find(
    described: Described, site_ids: Sequence[str], say: Callable[[str], None]
) -> tuple[Report, HanoiError | None]:
    """The report, and what could not be looked at. Writes nothing. Raises HN-P002, HN-S…."""
    with session.opened(described.plan, site_ids, say) as reading:
        unknown = [*reading.busy]
        answers = reading.each(lambda host: _ask(reading, host))
        say("comparing what lives inside the services")
        inside = runtime.ahead(reading)
        unknown += inside.unknown
        items: list[Item] = []
        for host in (h for h in reading.hosts if h.id in answers):
            asked, offset = answers[host.id]
            seen = Seen(
                reading.plan, host, reading.looks[host.id], asked.seen, reading.secrets,
                supply.tags(reading.plan), offset,
                inside.differs if host.id == inside.leader else (),
                tuple(i for i, h in inside.asked if h == host.id),
            )  # fmt: skip
            found, blind = _detect(seen, asked.failed)
            items += found
            unknown += blind
        items = _once(items)
        say("asking the hosts who it was")
        items = _attributed(reading, items, {h: a for h, (a, _) in answers.items()})
        return _report(described, reading, items, tuple(unknown))


def _ask(reading: Reading, host: HostPlan) -> tuple[onhost.Answers, float]:
    """Everything about one host, and how far its clock is from ours, in seconds."""
    seen = reading.looks[host.id]
    modules = [*MODULES, *(WITH_ENGINE if seen.engine == "up" else ())]
    running = {c.name for c in seen.containers if c.state == "running"}
    wanted = {
        **questions(host, seen),
        "directories": list(DIRECTORIES),
        "planned": [f.path for f in host.parts.files],
        "settings": list(settings(host, NETWORK_FILE)),
        "machine_settings": list(settings(host, MACHINE_FILE)),
        "links": list(links(host)),
        "container": database if (database := server(host)) in running else "",
        "psql": list(PSQL),
    }
    begun = time.time()
    answers = onhost.ask(reading.connections[host.id], modules, wanted)
    ended = time.time()
    clock = (answers.seen.get("system") or {}).get("clock")
    # Anything within the round trip is no difference.
    offset = 0.0 if clock is None or begun <= clock <= ended else clock - (begun + ended) / 2
    if abs(offset) <= (ended - begun):
        offset = 0.0
    return answers, offset


def _detect(seen: Seen, failed: Mapping[str, str]) -> tuple[list[Item], list[str]]:
    """What all detectors find on one host, and what could not be looked at there."""
    unknown = [f"{seen.host.id}: {name}: not looked at ({why})" for name, why in failed.items()]
    if seen.look.bare:
        return [], [
            f"{seen.host.id}: the toolkit has never been here; hanoi plan says what it lacks"
        ]
    if seen.look.engine != "up":
        unknown.append(
            f"{seen.host.id}: the Docker engine is {seen.look.engine}; its containers are unknown"
        )
    items = []
    for detector in detectors():
        if detector.needs and detector.needs not in seen.answers:
            continue
        items += [Item(seen.host, detector, d) for d in detector.find(seen)]
    return items, unknown


def _once(items: list[Item]) -> list[Item]:
    """What concerns the whole ministry is told once, whichever hosts it was seen on; what
    follows from something bigger is not told beside it."""
    gone = {
        (i.host.id, i.drifted.kind, i.drifted.name)
        for i in items
        if i.detector.id in ("container-by-hand",) and i.drifted.danger
    }
    found: dict[tuple[str, ...], Item] = {}
    for item in items:
        place = EVERYWHERE if item.detector.everywhere else item.host.id
        thing = (item.host.id, item.drifted.kind, item.drifted.name)
        if (
            thing in gone
            and item.detector.id.startswith("container-")
            and (item.detector.id not in ("container-by-hand", "container-image"))
        ):
            continue
        key = (place, item.detector.id, item.drifted.kind, item.drifted.name, item.drifted.what)
        found.setdefault(key, item)
    return list(found.values())


def _attributed(
    reading: Reading, items: list[Item], answers: Mapping[str, onhost.Answers]
) -> list[Item]:
    """The same items with who it probably was: one more question a host where something is."""

    def ask(host: HostPlan) -> dict[str, str]:
        mine = {str(n): i for n, i in enumerate(items) if i.host.id == host.id}
        if not mine:
            return {}
        directories = answers[host.id].seen.get("directories") or {}
        asked = {
            key: {
                "words": list(i.drifted.words),
                "when": i.drifted.when,
                "since": directories.get("since", 0.0),
            }
            for key, i in mine.items()
        }
        told = onhost.ask(reading.connections[host.id], ("who",), {"asked": asked})
        return dict(told.seen.get("who") or {})

    who: dict[str, Any] = {}
    for told in reading.each(ask).values():
        who |= told
    return [
        Item(
            i.host, i.detector, i.drifted, "; ".join(filter(None, (i.drifted.by, who.get(str(n)))))
        )
        for n, i in enumerate(items)
    ]


def _report(
    described: Described, reading: Reading, items: list[Item], unknown: tuple[str, ...]
) -> tuple[Report, HanoiError | None]:
    failure = reading.failure()
    unseen = tuple(
        f"{p.where}: not looked at ({p.code})" for p in (failure.problems if failure else ())
    )
    hider = reading.secrets.hider()
    name = described.model.ministry.name
    report = Report(
        source="drift",
        base=described.label,
        head=f"live sites ({', '.join(s.id for s in reading.sites)})",
        ministry_vi=name.vi,
        ministry_en=name.en,
        summary=Summary(
            findings=tuple(_finding(i, hider) for i in items), unknown=(*unseen, *unknown)
        ),
        changes=tuple(_change(i) for i in items),
        hosts=tuple((h.id, h.site) for s in reading.sites for h in s.hosts),
    )
    return report, failure


def _change(item: Item) -> Change:
    d, here = item.drifted, not item.detector.everywhere
    return Change(
        d.kind,
        d.name,
        d.operation,
        item.host.id if here else EVERYWHERE,
        item.host.site if here else EVERYWHERE,
        why="; ".join(filter(None, (d.what, item.who))),
        properties=d.properties,
        diff=d.diff,
    )


def _finding(item: Item, hider: Hider) -> Finding:
    d = item.drifted
    place = "the database cluster" if item.detector.everywhere else item.host.id
    return Finding(
        item.detector.id,
        "danger" if d.danger else "note",
        f"{place} {d.kind} {d.name}",
        hider.text(d.what),
        item.who or UNKNOWN_WHO,
        d.remedy,
    )
