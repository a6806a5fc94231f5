"""Networks: who may come in, and who no longer can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network

from infra.diff.hosts import joined
from infra.diff.side import Side
from infra.policies import Danger, policy
from infra.policies.data import hosts_of
from infra.report.content import Change

WIDE = {4: 8, 6: 16}  # prefix lengths from which on a network is no longer "somebody"


def wide(sources: Iterable[str]) -> list[str]:
    """Those that are the whole internet or a large part of it."""
    networks = [ip_network(s) for s in sources]
    return [str(n) for n in networks if n.prefixlen < WIDE[n.version]]


@policy(
    "open-to-everyone",
    severity="danger",
    reason="every machine of the internet that has a way here may try it",
    remedy="name the networks that need it; user_networks and management_networks in"
    " ministry.yaml are where they come from",
    compares=False,
)
def open_to_everyone(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Openings that are wide and were not before; SSH to everyone is refused."""
    known = hosts_of(before.plan)
    places: dict[tuple[str, str, str], list[str]] = {}
    ssh = f"tcp/{after.plan.ssh_port}" if after.plan else ""
    for host in hosts_of(after.plan).values():
        old = joined(known[host.id].parts.openings) if host.id in known else {}
        for name, opening in joined(host.parts.openings).items():
            sources = wide(opening["sources"])  # type: ignore[arg-type]
            was = wide(old.get(name, {}).get("sources", ()))  # type: ignore[arg-type]
            if fresh := [s for s in sources if s not in was]:
                key = (name, ", ".join(fresh), str(opening["reason"]))
                places.setdefault(key, []).append(host.id)
    for (name, sources_text, reason), hosts in sorted(places.items()):
        yield Danger(
            f"{name} on {', '.join(sorted(hosts))}",
            f"open to {sources_text} ({reason})",
            severity="refused" if name == ssh else None,
        )


@policy(
    "operators-locked-out",
    severity="danger",
    reason="whoever is there can no longer reach the hosts, not even to take the change back",
    remedy="make sure that you work from a network that stays, with a key that stays, and that"
    " somebody is at a console",
)
def operators_locked_out(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Management networks that are left out, no key any more, another SSH user or port."""
    assert before.model and after.model
    old, new = before.model.ministry, after.model.ministry
    for network in old.management_networks:
        if not any(network.subnet_of(n) for n in new.management_networks):
            yield Danger("management_networks", f"{network} may no longer use SSH")
    if any(o.keys for o in old.operators) and not any(o.keys for o in new.operators):
        what = "no operator has a key any more; only the deploy key is left"
        yield Danger("operators", what)
    if old.ssh.port != new.ssh.port:
        yield Danger(
            "ssh: port",
            f"{old.ssh.port} → {new.ssh.port}: a deploy connects to the new port, where no host"
            " listens yet",
            remedy="let the hosts listen on both ports first, or change the port on each host by"
            " hand before the deploy",
        )
    if old.ssh.user != new.ssh.user:
        yield Danger(
            "ssh: user",
            f"{old.ssh.user} → {new.ssh.user}: a deploy logs in as the new user, whom no host has",
            remedy="run `hanoi bootstrap` with access as the bootstrap user",
        )


@policy(
    "network-in-use",
    severity="danger",
    reason="the engine cannot remove a network while containers are in it, and members know each"
    " other by address",
    remedy="do it in a maintenance window, site by site: destroy the site's containers (data stays"
    " in its volumes), deploy, verify, then the next site",
)
def network_in_use(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A container network that is replaced under running containers."""
    for change in changes:
        if change.kind == "network" and change.operation == "replace":
            yield Danger(f"host {change.host}", f"the network {change.name} is replaced")
