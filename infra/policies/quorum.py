"""The quorums of etcd and the database: their members, and how many change at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff.side import Side
from infra.policies import Danger, policy
from infra.policies.data import hosts_of
from infra.report.content import Change
from infra.resources import Plan


def members(plan: Plan | None) -> dict[str, dict[str, str]]:
    """Quorum → host → address of its voting members."""
    found: dict[str, dict[str, str]] = {}
    for host in plan.hosts if plan else ():
        for container in host.parts.containers:
            if container.votes_in:
                found.setdefault(container.votes_in, {})[host.id] = host.address
    return found


@policy(
    "quorum-at-risk",
    severity="danger",
    reason="a deploy writes the members' files, it does not tell a running cluster who joins or"
    " leaves; a majority of the members it knows must stay up meanwhile",
    remedy="change one member at a time: take the old one out of the running cluster"
    " (etcdctl member remove), deploy, add the new one, and look at `hanoi verify` in between",
)
def quorum_at_risk(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Members that join, leave or move; refused where the members that stay are no majority."""
    now = members(after.plan)
    for quorum, old in sorted(members(before.plan).items()):
        new = now.get(quorum, {})
        if old == new:
            continue
        staying = [h for h, address in old.items() if new.get(h) == address]
        joined = sorted(h for h in new if h not in staying)
        left = sorted(h for h in old if h not in staying)
        told = [f"{', '.join(left)} leave"] if left else []
        told += [f"{', '.join(joined)} join"] if joined else []
        lost = len(staying) * 2 <= len(old)
        yield Danger(
            f"quorum {quorum}",
            f"{' and '.join(told)}; {len(staying)} of {len(old)} members stay as they are",
            severity="refused" if lost else None,
        )


@policy(
    "two-voting-members-at-once",
    severity="refused",
    reason="two of three members away at the same time are the end of the quorum: no writing, and"
    " no leader until one is back",
    remedy="keep votes_in and gate at the container, so that a deploy goes host by host and waits"
    " until each member is well",
)
def two_at_once(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Members replaced on several hosts, of which a deploy would not wait for one another."""
    voted = {
        (host.id, c.name): c.votes_in
        for host in hosts_of(before.plan).values()
        for c in host.parts.containers
        if c.votes_in
    }
    now = {
        (host.id, c.name): c
        for host in hosts_of(after.plan).values()
        for c in host.parts.containers
    }
    away: dict[str, list[str]] = {}
    for change in changes:
        key = (change.host, change.name)
        if change.kind != "container" or key not in voted or change.operation == "reload":
            continue
        container = now.get(key)
        if container is not None and not (container.votes_in and container.gate):
            away.setdefault(str(voted[key]), []).append(change.host)
    for quorum, hosts in sorted(away.items()):
        if len(hosts) > 1:
            what = f"members on {', '.join(sorted(hosts))} change at once, without a gate"
            yield Danger(f"quorum {quorum}", what)
