"""Addresses and networks."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from infra.model.positions import Path
from infra.model.rules import Broken, View, rule
from infra.model.schema import Site, Unit

DOCKER_DEFAULT = IPv4Network("172.17.0.0/16")  # Docker's own bridge, docker0
WIDEST_MANAGEMENT = 8
SMALLEST_CONTAINER_NETWORK = 26


@rule("HN-M040")
def networks_do_not_overlap(view: View) -> Iterator[Broken]:
    """An address must mean one thing: sites' and containers' networks are all apart."""
    networks = [
        (network, site, key)
        for site in view.sites
        for key, network in (
            ("network", site.network),
            ("container_network", site.container_network),
        )
    ]
    for (first, one, name), (second, site, key) in combinations(networks, 2):
        if first.overlaps(second):
            what = f"{second} overlaps {first}, the {name} of {one.id}"
            yield Broken(site, (key,), what, "choose a network that nothing else uses")


@rule("HN-M041")
def container_networks_are_inside_only(view: View) -> Iterator[Broken]:
    """A container that had a manager's or a user's address would pass the firewall as them."""
    outer = [(DOCKER_DEFAULT, "the engine's own bridge")]
    if view.ministry:
        outer += [(n, "a management network") for n in view.ministry.management_networks]
        outer += [
            (n, "a user network") for n in view.ministry.user_networks
            if n.prefixlen and n not in view.ministry.management_networks
        ]  # fmt: skip
    remedy = "choose a network that nothing outside the host uses, such as 172.30.1.0/24"
    for owner, path, inner in _container_networks(view):
        for network, name in outer:
            if inner.overlaps(network) and network.prefixlen:
                yield Broken(owner, path, f"{inner} overlaps {network}, {name}", remedy)


def _container_networks(view: View) -> Iterator[tuple[Site | Unit, Path, IPv4Network]]:
    """Every container network that is written, or that a unit's host has by default."""
    for site in view.sites:
        yield site, ("container_network",), site.container_network
    for unit in view.units:
        for n, host in enumerate(unit.hosts):
            yield unit, ("hosts", n, "container_network"), host.container_network


@rule("HN-M046")
def a_units_containers_reach_the_sites(view: View) -> Iterator[Broken]:
    """What is in a host's container network is not looked for outside: a site or another host of
    the unit with such an address could not be reached from there."""
    for unit in view.units:
        for n, host in enumerate(unit.hosts):
            inner = host.container_network
            outer = [(s.network, f"the network of the site {s.id}") for s in view.sites]
            outer += [
                (IPv4Network(other.address), f"the address of {other.id}") for other in unit.hosts
            ]
            for network, name in outer:
                if inner.overlaps(network):
                    outside = network.network_address if network.prefixlen == 32 else network
                    what = f"{inner} overlaps {outside}, {name}"
                    remedy = "choose a network that nothing outside the host uses"
                    yield Broken(unit, ("hosts", n, "container_network"), what, remedy)


@rule("HN-M042")
def hosts_are_in_their_sites_network(view: View) -> Iterator[Broken]:
    """A host's address tells its site; the firewall and the routes rely on it."""
    sites = {s.id: s for s in view.sites}
    for owner, path, host in view.hosts():
        name = owner.id if isinstance(owner, Site) else getattr(host, "site", None)
        site = sites.get(name or "")
        at = (*path, "address")
        if site and host.address not in site.network:
            what = f"{host.address} is outside {site.network}, the network of {site.id}"
            yield Broken(owner, at, what, "correct the address, or the site's network")
        if name is None:
            for other in view.sites:
                if host.address in other.network:
                    what = f"{host.address} is in the network of the site {other.id}"
                    yield Broken(owner, at, what, f"add site: {other.id}, or correct the address")


@rule("HN-M043")
def hosts_have_a_hosts_address(view: View) -> Iterator[Broken]:
    """The first and the last address of a network belong to no host; nor do special ones."""
    ends = {a for s in view.sites for a in (s.network.network_address, s.network.broadcast_address)}
    for owner, path, host in view.hosts():
        address = host.address
        special = address.is_loopback or address.is_multicast or address.is_unspecified
        if address in ends or special or address.is_link_local:
            what = f"{address} cannot be a host's address"
            yield Broken(
                owner, (*path, "address"), what, "choose an ordinary address of the network"
            )


@rule("HN-M044")
def management_is_not_everywhere(view: View) -> Iterator[Broken]:
    """SSH is open to management networks, so the whole internet must not be one."""
    if not view.ministry:
        return
    for index, network in enumerate(view.ministry.management_networks):
        if network.prefixlen < WIDEST_MANAGEMENT:
            what = f"{network} would open SSH to far too many"
            remedy = "name the networks that operators work from, such as 10.77.0.0/16"
            yield Broken(view.ministry, ("management_networks", index), what, remedy)


@rule("HN-M045")
def container_networks_have_room(view: View) -> Iterator[Broken]:
    """A host's containers each have an address of their own."""
    for owner, path, network in _container_networks(view):
        if network.prefixlen > SMALLEST_CONTAINER_NETWORK:
            what = f"{network} has too few addresses for the containers of a host"
            remedy = f"choose a /{SMALLEST_CONTAINER_NETWORK} or larger, such as a /24"
            yield Broken(owner, path, what, remedy)
