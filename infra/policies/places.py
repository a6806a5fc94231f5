"""Sites and hosts: what goes, what moves, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff.side import Side
from infra.diff.values import listed
from infra.policies import Danger, policy
from infra.policies.data import hosts_of, volumes
from infra.report.content import Change


@policy(
    "site-or-host-removed",
    severity="danger",
    reason="a deploy does not look at it any more: its containers run on, with their secrets, and"
    " nobody patches them",
    remedy="run `hanoi destroy --site SITE` from the earlier description first, and wipe the disks",
)
def removed(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Hosts of the plan that are no longer described, with what they hold."""
    assert before.model and after.model
    sites = {s.id for s in after.model.sites}
    for site in before.model.sites:
        if site.id not in sites:
            yield Danger(f"site {site.id}", "it is no longer described")
    now = hosts_of(after.plan)
    for host_id, old in hosts_of(before.plan).items():
        if host_id not in now:
            held = sorted({v for c in old.parts.containers for v in volumes(c)})
            data = f" and data in {listed(held)}" if held else ""
            running = listed([c.name for c in old.parts.containers])
            what = f"it is no longer described; it keeps running {running or 'nothing'}{data}"
            yield Danger(f"host {host_id}", what)


@policy(
    "hub-moved",
    severity="danger",
    reason="images that were pushed to the earlier hub are still referred to by its address; the"
    " new registry begins empty, the earlier one's container goes and its volume stays",
    remedy="keep the earlier registry until every image was built and pushed anew, and deploy with"
    " both hubs' hosts up",
)
def hub_moved(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """The registry's host changes."""
    assert before.plan and after.plan
    if before.plan.hub != after.plan.hub:
        yield Danger("hub", f"{before.plan.hub} → {after.plan.hub}")


@policy(
    "capacity-exceeded",
    severity="danger",
    reason="limits of containers are enforced one by one; together the kernel ends the largest",
    remedy="lower a memory limit, move a role to another host, or raise memory where the host has"
    " more",
    compares=False,
)
def capacity_exceeded(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Hosts whose containers may together use more memory than the host has."""
    if after.model is None:
        return
    limits = {h.id: h.memory for s in after.model.sites for h in s.hosts}
    earlier = {h.id: h.memory for s in before.model.sites for h in s.hosts} if before.model else {}
    old = hosts_of(before.plan)
    for host_id, host in hosts_of(after.plan).items():
        used = sum(c.memory for c in host.parts.containers)
        limit = limits.get(host_id, used)
        was = sum(c.memory for c in old[host_id].parts.containers) if host_id in old else 0
        same = was == used and earlier.get(host_id) == limit
        if used > limit and not same:
            what = f"containers may use {used // 2**20} MiB of {limit // 2**20} MiB"
            yield Danger(f"host {host_id}", what)
