"""The lab's hosts and the network they share: pure rules, and a look at what is taken."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from infra.errors import Exit, HanoiError, Problem, error

_ID = re.compile(r"[a-z][a-z0-9-]{0,30}")
_PRIVATE = tuple(IPv4Network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_DEFAULT_MTU = 1500


@dataclass(frozen=True)
class LabHost:
    """One host of the lab: its id in the operator's model and its IPv4 address there."""

    id: str
    address: str


def check_name(name: str) -> str:
    """The lab's name, fit for container names and labels; HN-L001 else."""
    if not _ID.fullmatch(name):
        raise error(
            "HN-L001",
            "lab",
            f"{name!r} cannot name a lab",
            "Use up to 31 lower-case letters, digits and hyphens, a letter first.",
            Exit.USAGE,
        )
    return name


def check_hosts(hosts: Sequence[LabHost]) -> None:
    """Raise HN-L001 with every bad id, bad address and duplicate at once."""
    problems: list[Problem] = []

    def bad(where: str, what: str, remedy: str) -> None:
        problems.append(Problem(f"lab host {where}", "HN-L001", what, remedy))

    if not hosts:
        bad("list", "there is no host", "Name at least one host under sites/ in the model.")
    ids: set[str] = set()
    addresses: dict[str, str] = {}
    for host in hosts:
        if not _ID.fullmatch(host.id):
            bad(
                repr(host.id),
                "the id is not usable as a host name",
                "Use up to 31 lower-case letters, digits and hyphens, a letter first.",
            )
        if host.id in ids:
            bad(host.id, "the id is there twice", "Give each host an id of its own.")
        ids.add(host.id)
        if not _is_private(host.address):
            bad(
                host.id,
                f"{host.address!r} is not a private IPv4 address",
                "Use one in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
            )
        elif host.address in addresses:
            bad(
                host.id,
                f"{host.address} is also the address of {addresses[host.address]}",
                "Give each host an address of its own.",
            )
        addresses[host.address] = host.id
    if problems:
        raise HanoiError(problems, Exit.USAGE)


def _is_private(address: str) -> bool:
    try:
        parsed = IPv4Address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _PRIVATE)


def subnet(addresses: Iterable[str]) -> IPv4Network:
    """The smallest network that covers all addresses, but at least a /16.

    HN-L001 when that would reach beyond one private range, or when an address is the first
    or last of the network, which no host can have.
    """
    parsed = [IPv4Address(a) for a in addresses]
    prefix = 16
    network = IPv4Network((int(parsed[0]), prefix), strict=False)
    while not all(a in network for a in parsed):
        prefix -= 1
        network = IPv4Network((int(parsed[0]), prefix), strict=False)
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise error(
            "HN-L001",
            "lab",
            f"the hosts' addresses need one network of {network}, which is not all private",
            "Give all lab hosts addresses within one private range, for example 10.77.0.0/16.",
            Exit.USAGE,
        )
    for address in parsed:
        if address in (network.network_address, network.broadcast_address):
            raise error(
                "HN-L001",
                "lab",
                f"{address} is the first or last address of {network}",
                "Give the host another address.",
                Exit.USAGE,
            )
    return network


def gateway(network: IPv4Network, addresses: Iterable[str]) -> str:
    """The first address of the network that no host has."""
    used = set(addresses)
    return next(str(a) for a in network.hosts() if str(a) not in used)


@dataclass(frozen=True)
class Route:
    """One line of the machine's IPv4 routing table."""

    device: str
    network: IPv4Network


def routes(table: Path = Path("/proc/net/route")) -> list[Route]:
    """The machine's IPv4 routes; empty where the table cannot be read."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    found = []
    for fields in (line.split() for line in lines):
        destination, mask = (_little_endian(fields[i]) for i in (1, 7))
        found.append(Route(fields[0], IPv4Network((destination, str(IPv4Address(mask))))))
    return found


def _little_endian(value: str) -> int:
    return int(struct.unpack("<I", struct.pack(">I", int(value, 16)))[0])


def uplink_mtu(table: Path = Path("/proc/net/route"), net: Path = Path("/sys/class/net")) -> int:
    """The MTU (bytes) of the device that leads out of the machine; 1500 where unknown.

    A lab network with a larger MTU than the machine's would lose large packets on the way out.
    """
    for route in routes(table):
        if route.network.prefixlen == 0:
            try:
                return int((net / route.device / "mtu").read_text())
            except (OSError, ValueError):
                return _DEFAULT_MTU
    return _DEFAULT_MTU


def check_free(
    wanted: IPv4Network, engine_networks: Iterable[tuple[str, str]], table: Iterable[Route]
) -> None:
    """Raise HN-L002 when a Docker network (name, subnet) or a route overlaps the wanted one."""
    taken = ""
    for name, other in engine_networks:
        try:
            if IPv4Network(other, strict=False).overlaps(wanted):
                taken = f"the Docker network {name} ({other})"
                break
        except ValueError:  # an IPv6 network cannot overlap
            continue
    if not taken:
        for route in table:
            if route.network.prefixlen and route.network.overlaps(wanted):
                taken = f"a route of this machine ({route.network} on {route.device})"
                break
    if taken:
        raise error(
            "HN-L002",
            "lab network",
            f"{wanted} is taken by {taken}",
            "Remove that network (`hanoi lab down` for a lab), or give the model's hosts other "
            "addresses.",
            Exit.REFUSED,
        )
