"""What answers from another host: the stated ports and no other."""

from __future__ import annotations

import json

import pytest

from infra.verify.checks import STATED_PORTS, Host, control, gate, look, on, python

pytestmark = [gate("infrastructure")]

# A connection attempt to many ports at once; prints those that answered.
SCAN = """
import errno, json, resource, select, socket, sys, time
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
address, seconds = sys.argv[1], float(sys.argv[3])
open_ports, waiting, poll = [], {}, select.epoll()
for port in json.loads(sys.argv[2]):
    s = socket.socket(); s.setblocking(False)
    code = s.connect_ex((address, port))
    if code == 0: open_ports.append(port); s.close()
    elif code == errno.EINPROGRESS:
        waiting[s.fileno()] = (s, port); poll.register(s.fileno(), select.EPOLLOUT)
    else: s.close()
end = time.monotonic() + seconds
while waiting and time.monotonic() < end:
    for number, _ in poll.poll(max(0.0, end - time.monotonic())):
        s, port = waiting.pop(number); poll.unregister(number)
        if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: open_ports.append(port)
        s.close()
print(json.dumps(sorted(open_ports)))
"""
# All well-known ports, and those that a database, an engine, a queue or an application takes.
LIST = sorted(
    {*range(1, 1024)}
    | {1433, 1521, 2049, 2181, 2222, 2375, 2376, 2377, 2379, 2380, 2381, 3000, 3128, 3306, 3389}
    | {4243, 4369, 5000, 5001, 5044, 5432, 5433, 5601, 5672, 5671, 5900, 6379, 6432, 6433, 6443}
    | {
        7000,
        7001,
        7946,
        8000,
        8001,
        8008,
        8009,
        8069,
        8080,
        8081,
        8088,
        8200,
        8300,
        8404,
        8443,
        8444,
        8446,
    }
    | {8500, 8888, 9000, 9090, 9091, 9093, 9100, 9200, 9300, 9418, 9999, 10250, 11211, 15672}
    | {15692, 25672, 27017, 31337}
)
CONTAINER_PORTS = (
    ("etcd", 2379),
    ("etcd", 2380),
    ("postgres", 5432),
    ("postgres", 8008),
    ("database-proxy", 6432),
    ("database-proxy", 6433),
    ("gateway", 443),
    ("gateway", 80),
    ("registry", 5000),
    ("sign-on", 8446),
)


def listening(host: Host) -> list[int]:
    """TCP ports that something on the host listens on beyond loopback."""
    found = set()
    for line in look(host, "ss -Hltn").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        if not address.startswith(("127.", "[::1]")):
            found.add(int(port))
    return sorted(found)


def answering(neighbour: Host, address: str, ports: list[int]) -> set[int]:
    """Those of the ports that answer the neighbour."""
    return set(python(neighbour, SCAN, address, json.dumps(ports), "1.2"))


@control("PORT-01", "own requirement")
def test_only_stated_ports(neighbour, target, host) -> None:
    """From another host only the stated ports answer.

    All ports below 1024, about 80 well-known ones above, and whatever really listens there.
    Break: a listener on another port and a rule that lets it in.
    """
    found = answering(neighbour, target.address, LIST)
    extra = [p for p in listening(host) if p not in LIST]
    found |= answering(neighbour, target.address, extra) if extra else set()
    assert found <= STATED_PORTS, f"also answering: {sorted(found - STATED_PORTS)}"


@control("PORT-02", "own requirement")
def test_answers_are_planned(neighbour, target, host) -> None:
    """From another host nothing answers that the plan does not open to it."""
    found = answering(neighbour, target.address, LIST)
    planned = {o.port for o in target.parts.openings}
    assert found <= planned, f"not planned: {sorted(found - planned)}"


@pytest.mark.parametrize(
    ("service", "port"),
    [
        pytest.param(
            s, p, id=f"{s}-{p}", marks=(control(f"PORT-1{i}", "own requirement"), on(container=s))
        )
        for i, (s, p) in enumerate(CONTAINER_PORTS)
    ],
)
def test_answers(neighbour, target, host, service: str, port: int) -> None:
    """The service's port answers from another host.

    Break: the container or the proxy stopped.
    """
    found = answering(neighbour, target.address, LIST)
    assert port in found, f"port {port} of {target.address} does not answer"


@control("PORT-03", "own requirement")
def test_ssh_answers(neighbour, target, host) -> None:
    """SSH answers, or nobody could repair the host."""
    assert 22 in answering(neighbour, target.address, LIST), "port 22 does not answer"


@control("PORT-04", "own requirement")
def test_nothing_else_listens(host) -> None:
    """Nothing listens beyond loopback but the stated ports, firewall or not.

    Break: a plain-text listener, or the engine on TCP.
    """
    # 5355 is systemd-resolved's, which Debian's images may have; the firewall drops it.
    extra = set(listening(host)) - STATED_PORTS - {5355}
    assert not extra, f"also listening: {sorted(extra)}"
