"""Data: what would be lost, and what stays behind with nobody to look after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff.moves import between
from infra.diff.side import Side
from infra.model.schema import SelfHosted
from infra.policies import Danger, policy
from infra.report.content import Change
from infra.resources import Container, HostPlan, Plan


def volumes(container: Container) -> set[str]:
    return {m.source for m in container.mounts if m.kind == "volume"}


def hosts_of(plan: Plan | None) -> dict[str, HostPlan]:
    return {h.id: h for h in plan.hosts} if plan else {}


@policy(
    "data-lost",
    severity="danger",
    reason="the service starts with an empty directory; what it kept is only in the old volume",
    remedy="keep the volume's name, or move the data first and say how in the change",
)
def data_lost(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A container that stays on its host without a volume that it had; on every host: refused."""
    lost: dict[str, list[tuple[str, str]]] = {}
    had: dict[str, int] = {}
    now = hosts_of(after.plan)
    for host_id, old in hosts_of(before.plan).items():
        staying = {c.name: c for c in now[host_id].parts.containers} if host_id in now else {}
        for container in old.parts.containers:
            had[container.name] = had.get(container.name, 0) + bool(volumes(container))
            if container.name in staying:
                for gone in sorted(volumes(container) - volumes(staying[container.name])):
                    lost.setdefault(container.name, []).append((host_id, gone))
    for name, places in lost.items():
        everywhere = len({h for h, _ in places}) == had[name]
        for host_id, volume in places:
            yield Danger(
                f"host {host_id}",
                f"{name} no longer uses the volume {volume}"
                + (", nor does it on any other host" if everywhere and had[name] > 1 else ""),
                severity="refused" if everywhere else None,
            )


@policy(
    "data-left-behind",
    severity="danger",
    reason="nothing serves, watches or updates it any more, and nobody is told when it is lost",
    remedy="keep a dump where the unit's files go, agree on the date of deletion, then delete it"
    " by hand; a deploy does not",
)
def data_left_behind(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Databases that nothing uses any more, and volumes of services that leave a host."""
    assert before.plan and after.plan
    kept = {d.name for d in after.plan.common.databases}
    carried = {t.database_from: t for t in after.plan.transfers if t.closes}
    for database in before.plan.common.databases:
        if transfer := carried.get(database.name):
            yield Danger(
                f"database {database.name}",
                f"its records come into {transfer.target}; what cannot be carried stays in it",
                "a deploy carries what is stated under records:, and refuses conflicts first",
                "look at `hanoi records show` before and after the deploy; `hanoi records finish`"
                " removes the database when nothing of it is needed",
                severity="note",
            )
        elif database.name not in kept:
            yield Danger(f"database {database.name}", "it leaves the plan with its data in it")
    now = hosts_of(after.plan)
    for host_id, old in hosts_of(before.plan).items():
        if host_id not in now:
            continue  # site-or-host-removed says it
        there = {c.name for c in now[host_id].parts.containers}
        for container in old.parts.containers:
            if container.name not in there:
                for volume in sorted(volumes(container)):
                    what = f"{container.name} goes, its volume {volume} stays"
                    yield Danger(f"host {host_id}", what)


@policy(
    "move-impossible",
    severity="refused",
    reason="both places have the same database, and nothing makes one of two instances wait",
    remedy="put the unit's home or host back; docs/moves.md says what moves",
)
def move_impossible(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """What keeps no files does not move between the sites' hosts yet (HN-T010)."""
    assert before.plan and after.plan
    for move in between(before.plan, after.plan):
        if not move.possible:
            yield Danger(f"unit {move.unit}", f"{move.application}: {move.source} → {move.target}")


@policy(
    "unit-without-backup",
    severity="danger",
    reason="nothing is copied from the unit's own host then; what breaks there is gone",
    remedy="state backup: at the unit's choice (where copies go, when), or run it centrally",
    compares=False,
)
def unit_without_backup(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A self-hosted application without a stated backup; one that was so before is not told."""
    known = {u.id: u for u in before.model.units} if before.model else {}
    for unit in after.model.units if after.model else ():
        old = known.get(unit.id)
        if old is unit:
            continue
        for app, choice in unit.applications.items():
            if isinstance(choice, SelfHosted) and not choice.backup:
                if old and old.applications.get(app) == choice:
                    continue
                yield Danger(f"unit {unit.id}", f"{app} is self-hosted and no backup is stated")
