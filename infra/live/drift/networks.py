"""Docker networks."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector, stamp
from infra.report.content import Property

DOCKERS = {"bridge", "host", "none"}


@detector("network-unknown", needs="engine")
def unknown(seen: Seen) -> Iterator[Drifted]:
    """A Docker network that nobody planned."""
    planned = {n.name for n in seen.host.parts.networks}
    for network in seen.answers["engine"]["networks"]:
        name = network["Name"]
        if name not in planned | DOCKERS:
            yield Drifted(
                "network",
                name,
                "create",
                "a network beside the plan",
                remedy=f"docker network rm {name}, if nobody needs it",
                words=(name,),
                when=stamp(seen.answers["engine"]["events"], name, "create"),
            )


@detector("network-planned", needs="engine", danger=True)
def planned(seen: Seen) -> Iterator[Drifted]:
    """A planned network that is gone or has other addresses."""
    there = {n["Name"]: n for n in seen.answers["engine"]["networks"]}
    for network in seen.host.parts.networks:
        live = there.get(network.name)
        if live is None:
            yield Drifted("network", network.name, "delete", "it is gone", words=(network.name,))
            continue
        config = (live["IPAM"].get("Config") or [{}])[0]
        pairs = (
            ("subnet", network.subnet, config.get("Subnet")),
            ("gateway", network.gateway, config.get("Gateway")),
        )
        found = tuple(Property(*p) for p in pairs if p[1] != p[2])
        if found:
            yield Drifted(
                "network",
                network.name,
                "replace",
                "it has other addresses",
                properties=found,
                words=(network.name,),
            )


@detector("network-guest", needs="engine", danger=True)
def guests(seen: Seen) -> Iterator[Drifted]:
    """A container on a planned network that nobody planned there."""
    mine = {c.name for c in seen.host.parts.containers}
    for network in seen.answers["engine"]["networks"]:
        if network["Name"] not in {n.name for n in seen.host.parts.networks}:
            continue
        for guest in (network.get("Containers") or {}).values():
            if guest["Name"] not in mine:
                yield Drifted(
                    "network",
                    network["Name"],
                    "update",
                    f"the container {guest['Name']} is on it beside the plan",
                    remedy=f"docker network disconnect -f {network['Name']} {guest['Name']}",
                    danger=True,
                    properties=(Property("container", None, guest["Name"]),),
                    words=(guest["Name"],),
                )
