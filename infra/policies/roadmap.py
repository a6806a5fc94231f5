"""The roadmap and the units on it: nothing that runs is taken back by the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff.side import Side
from infra.policies import Danger, policy
from infra.policies.data import hosts_of
from infra.report.content import Change
from infra.services import interconnection


@policy(
    "wave-taken-back",
    severity="danger",
    reason="a deploy removes the containers of what the waves no longer bring in; its users lose"
    " it at that moment",
    remedy="leave the wave that runs in the roadmap and current at or after it; an application is"
    " closed by agreement with its units, not by the roadmap",
)
def wave_taken_back(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """The current wave goes back, or a wave that runs is removed or moved behind it."""
    assert before.model and after.model
    running = [w.id for w in before.model.waves_through()]
    still = {w.id for w in after.model.waves_through()}
    known = {w.id for w in after.model.roadmap.waves}
    for wave in running:
        if wave not in known:
            yield Danger(f"wave {wave}", "it runs and is removed from the roadmap")
        elif wave not in still:
            yield Danger(f"wave {wave}", "it runs and comes after the current wave now")


@policy(
    "service-removed",
    severity="danger",
    reason="its users lose it with the next deploy",
    remedy="say in the change who was told, and move its data first",
)
def service_removed(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A container that goes from its last host."""
    now = {c.name for h in hosts_of(after.plan).values() for c in h.parts.containers}
    gone = {c.name: c for c in changes if c.kind == "container" and c.operation == "delete"}
    for name in sorted(set(gone) - now):
        hosts = [c.host for c in changes if c.name == name and c.operation == "delete"]
        yield Danger(name, f"it is removed from {', '.join(hosts)}, and runs nowhere any more")


@policy(
    "unit-vanished",
    severity="danger",
    reason="what the unit had (databases, pages, records of where it went) can no longer be told"
    " from the description",
    remedy="keep the unit's file with closed: and its date, and name it in predecessors: of the"
    " unit that follows it",
)
def unit_vanished(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A unit's file is removed, or a unit forgets whom it came from."""
    assert before.model and after.model
    now = {u.id: u for u in after.model.units}
    for unit in before.model.units:
        new = now.get(unit.id)
        if new is None:
            yield Danger(f"unit {unit.id}", "its file is removed; its id is lost")
        elif gone := [p for p in unit.predecessors if p not in new.predecessors]:
            yield Danger(f"unit {unit.id}", f"it no longer names {', '.join(gone)} as predecessor")


@policy(
    "unit-cut-off",
    severity="danger",
    reason="the unit's users lose the application, and its data stays in the central cluster",
    remedy="move the unit's data (a dump of its database) before the deploy, and keep the old"
    " address answering until its users know the new one",
)
def unit_cut_off(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A unit whose page is no longer served by the toolkit, or leads elsewhere from now on."""
    assert after.plan
    heirs = {(t.application, t.source): t.target for t in after.plan.transfers if t.closes}
    for change in changes:
        if change.kind != "page" or not change.units:
            continue
        leads_on = any(
            p.name == "status" and str(p.after) == str(interconnection.STATUS)
            for p in change.properties
        )
        if change.operation == "delete" or (change.operation == "update" and leads_on):
            app = ", ".join(change.applications)
            what = f"{app} at {change.name} is no longer served centrally"
            where, heir = f"unit {change.units[0]}", heirs.get((app, change.units[0]))
            if heir:
                yield Danger(
                    where,
                    f"{what}; it leads to {heir}, where its users and records come",
                    "whoever is at work there has to log in anew",
                    "tell the unit's users the day, and that their login and password stay",
                    severity="note",
                )
            else:
                yield Danger(where, what)
