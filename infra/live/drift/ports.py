"""What listens beyond loopback."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector

# systemd-resolved's, which Debian's images may have; the firewall drops it.
OF_DEBIAN = {5355}


@detector("port-listening", needs="network", danger=True)
def listening(seen: Seen) -> Iterator[Drifted]:
    """A port that something listens on, and that no service of the plan has."""
    parts = seen.host.parts
    planned = {(o.protocol, o.port) for o in parts.openings}
    planned |= {("tcp", p.host_port) for c in parts.containers for p in c.ports}
    planned.add(("tcp", seen.plan.ssh_port))
    told = set()
    for socket in seen.answers["network"]["listening"]:
        port = (socket["protocol"], socket["port"])
        if port in planned or socket["port"] in OF_DEBIAN or port in told:
            continue
        told.add(port)
        program = socket["program"] or "a program that is not known"
        yield Drifted(
            "listening port",
            f"{port[0]}/{port[1]}",
            "create",
            f"{program} listens on {socket['address']}",
            remedy=f"look what it is (ss -ltunp 'sport = :{port[1]}') and stop it",
            danger=True,
            words=(str(port[1]),),
        )


@detector("port-silent", needs="network")
def silent(seen: Seen) -> Iterator[Drifted]:
    """A planned port that nothing listens on."""
    there = {s["port"] for s in seen.answers["network"]["listening"] if s["protocol"] == "tcp"}
    running = {c.name for c in seen.look.containers if c.state == "running"}
    for container in seen.host.parts.containers:
        for port in container.ports:
            if container.name in running and port.host_port not in there:
                yield Drifted(
                    "listening port",
                    f"tcp/{port.host_port}",
                    "delete",
                    f"nothing listens there although {container.name} runs",
                    remedy=f"look at hanoi logs {seen.host.id} {container.name}",
                    words=(container.name,),
                )
