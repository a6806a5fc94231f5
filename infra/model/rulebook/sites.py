"""What the sites must offer together, and what a host can carry."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.capacity import ways_out
from infra.model.rules import Broken, View, demand, rule

QUORUM_SITES = 3


@rule("HN-M060", whole=True)
def quorum_is_spread(view: View) -> Iterator[Broken]:
    """The loss of one site must leave a majority, which takes three sites and an odd count."""
    if not view.ministry:
        return
    voting = [(s.id, h.id) for s in view.sites for h in s.hosts if "database" in h.roles]
    sites = sorted({site for site, _ in voting})
    if len(sites) < QUORUM_SITES:
        what = (
            f"hosts with the role database stand at {len(sites)} of at least {QUORUM_SITES} sites"
        )
        remedy = "give a host of each of three sites the role database"
        yield Broken(view.ministry, (), what, remedy)
    elif len(voting) % 2 == 0:
        what = f"{len(voting)} hosts have the role database; an even count adds no safety"
        yield Broken(view.ministry, (), what, "make the count odd, such as one host a site")
    for site in sites:
        count = sum(1 for s, _ in voting if s == site)
        if len(sites) >= QUORUM_SITES and count * 2 >= len(voting):
            what = f"{count} of {len(voting)} hosts with the role database stand at {site}"
            remedy = "spread them, so that each site has fewer than half"
            yield Broken(next(s for s in view.sites if s.id == site), ("hosts",), what, remedy)


@rule("HN-M061")
def every_site_has_a_gateway(view: View) -> Iterator[Broken]:
    """Users of a site come in through its own gateway, and any one of them may be lost."""
    for site in view.sites:
        if not any("gateway" in h.roles for h in site.hosts):
            what, remedy = (
                "no host of the site has the role gateway",
                "add gateway to a host's roles",
            )
            yield Broken(site, ("hosts",), what, remedy)


@rule("HN-M062")
def hub_can_run_the_registry(view: View) -> Iterator[Broken]:
    """The hub runs the image registry, on a host with the role applications."""
    hub = view.ministry.hub if view.ministry else None
    for site in view.sites:
        if site.id == hub and not any("applications" in h.roles for h in site.hosts):
            what = "the site is the hub, and no host of it has the role applications"
            yield Broken(site, ("hosts",), what, "add applications to a host's roles")


@rule("HN-M063", whole=True)
def hosts_are_not_overfull(view: View) -> Iterator[Broken]:
    """Memory limits of containers are enforced; more than the host has would kill services."""
    for owner, path, host in view.hosts():
        asked = demand(view, host)
        if asked.memory > host.memory:
            parts = " + ".join(f"{name} {_mib(size)}" for name, size in asked.parts)
            needed, has = _mib(asked.memory), _mib(host.memory)
            what = f"{needed} of memory are needed ({parts}); the host has {has}"
            remedy = f"give the host more memory, {ways_out(view, host, 'memory')}"
            yield Broken(owner, (*path, "memory"), what, remedy)


@rule("HN-M064", whole=True)
def hosts_have_enough_cpus(view: View) -> Iterator[Broken]:
    """The applications' shares of processors fit into what the host has."""
    for owner, path, host in view.hosts():
        asked = demand(view, host)
        if asked.cpus > host.cpus:
            what = f"{asked.cpus:g} cpus are needed; the host has {host.cpus}"
            remedy = f"give the host more cpus, {ways_out(view, host, 'cpus')}"
            yield Broken(owner, (*path, "cpus"), what, remedy)


@rule("HN-M065", whole=True)
def hosts_have_room_for_logs_and_slots(view: View) -> Iterator[Broken]:
    """Write-ahead log kept for a lost member and the journal must not fill the disk."""
    if not view.ministry:
        return
    database, logs = view.ministry.database, view.ministry.logs
    for owner, path, host in view.hosts():
        kept = logs.journal_max
        kept += database.max_slot_wal_keep_size if "database" in host.roles else 0
        if kept * 2 > host.storage:
            what = f"{_mib(kept)} may be kept as logs; the host's storage is {_mib(host.storage)}"
            remedy = "give the host at least twice that, or lower the limits in ministry.yaml"
            yield Broken(owner, (*path, "storage"), what, remedy)


def _mib(size: int) -> str:
    return f"{size / 2**20:g} MiB"
