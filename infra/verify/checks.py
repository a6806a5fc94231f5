"""What compliance checks are written with: markers and a few questions to a host.

A check is a function in tests/compliance with a docstring (first line: the requirement; then
why, and the source), ``@control("SSH-01")`` and, where it concerns only some hosts, ``@on``.
It may use these fixtures: ``host`` (testinfra's, once a host), ``target`` (its HostPlan),
``neighbour`` (another host), ``container`` (a planned container's name, once a container),
``hosts`` (all of them, for what concerns the whole ministry), ``plan``, ``secret``.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

# TLS to each service without a certificate of one's own: "refused", or what came instead.
_KNOCK = r"""
import json, socket, ssl, sys
address, authority, services = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def knock(name, port):
    try:
        s = socket.create_connection((address, port), 8)
    except OSError as failure:
        return "no connection: %s" % failure
    try:
        s = ssl.create_default_context(cadata=authority).wrap_socket(s, server_hostname=name)
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return "answered" if s.recv(1) else "refused"
    except ssl.SSLCertVerificationError as failure:
        return "its certificate: %s" % failure
    except (ssl.SSLError, ConnectionError):
        return "refused"
print(json.dumps({name: knock(name, port) for name, port in services}))
"""
Key = TypeVar("Key")
Value = TypeVar("Value")
# Every port that may ever be open to another host, whatever a plan says: SSH, web, etcd, registry,
# the database with its endpoints and Patroni, Tryton, Plone, sign-on, then the ranges of Mayan's
# instances and of web applications.
STATED_PORTS = frozenset(
    {22, 80, 443, 2379, 2380, 5000, 5432, 6432, 6433, 8008, 8443, 8444, 8446}
    | {*range(8600, 8664), *range(8700, 9000)}
)
Host = Any  # testinfra.host.Host gives its modules by __getattr__


def control(control_id: str, *sources: str) -> pytest.MarkDecorator:
    """The check's stable id (such as "SSH-01") and where the requirement comes from."""
    return pytest.mark.control(control_id, *sources)


def on(*, container: str | None = None, role: str | None = None) -> pytest.MarkDecorator:
    """Only on hosts that are planned to have the container, or the role."""
    return pytest.mark.on(container=container, role=role)


def gate(*names: str) -> pytest.MarkDecorator:
    """The roadmap's gates that the check belongs to (`hanoi verify --gate NAME`)."""
    return pytest.mark.gate(*names)


def look(host: Host, command: str, *args: str) -> str:
    """Standard output of a command that only looks; a failure names the command and why."""
    done = host.run(command, *args)
    assert done.rc == 0, f"`{_short(command)}` ended with {done.rc}: {_last(done.stderr)}"
    return str(done.stdout)


def fresh(host: Host, command: str, *args: str, timeout: float = 60, stdin: bytes = b"") -> Any:
    """Run a command now (it changes something, or its answer changes). timeout: seconds.
    stdin: for what must be in no process list. Plain testinfra has no such thing."""
    run = getattr(host.backend, "fresh", None)
    if run:
        return run(command, *args, timeout=timeout, stdin=stdin)
    if stdin:
        pytest.skip("this backend has no standard input")
    return host.run(command, *args)


def pages_here(plan: Any, application: str) -> list[Any]:
    """The pages of the units whose application is the toolkit's to run: no unit's own system."""
    units = {d.unit for d in plan.data if d.application == application}
    return [p for p in plan.common.pages if p.application == application and p.unit in units]


def python(host: Host, program: str, *args: str) -> Any:
    """The JSON that a Python program prints on the host (standard library, looks only)."""
    done = host.run(shlex.join(["python3", "-I", "-c", program, *args]))
    assert done.rc == 0, f"a probe failed: {_last(done.stderr)}"
    return json.loads(done.stdout)


def taken_without_certificate(
    asking: Host, address: str, authority: str, services: list[tuple[str, int]]
) -> list[str]:
    """What is wrong with services that only gateways may use: each must show a certificate of
    the authority for its own name, and take no request of a client without one. services: (the
    certificate's name, port)."""
    told = python(asking, _KNOCK, address, authority, json.dumps(services))
    return [f"{name}: {what}" for name, what in told.items() if what != "refused"]


def at_once(work: Callable[[Key], Value], keys: Iterable[Key]) -> dict[Key, Value]:
    """work(key) for all keys side by side (a slow question to every site, say)."""
    wanted = list(keys)
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        return dict(zip(wanted, pool.map(work, wanted), strict=True))


def inspect(host: Host, name: str) -> dict[str, Any]:
    """`docker inspect` of a container; fails with plain words when there is none."""
    done = host.run("docker inspect --type container %s", name)
    assert done.rc == 0, f"there is no container {name}"
    return dict(json.loads(done.stdout)[0])


def settings(text: str, separator: str | None = None) -> dict[str, str]:
    """ "Key value" lines as a dictionary with keys in lower case; the first one wins."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(separator or " ")
        if key and not key.startswith("#"):
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _short(command: str) -> str:
    return command if len(command) <= 60 else command[:57] + "…"


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
