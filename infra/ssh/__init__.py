"""SSH: one shared connection a host, host keys on first use, Docker's socket forwarded.

with connected([("nd-1", "10.77.1.10")], "hanoi", 22) as hosts:
    hosts["nd-1"].run("uname -r").stdout
    hosts["nd-1"].python("print('{}')", {})
    hosts["nd-1"].forward_docker()
    on_each(hosts, lambda connection: connection.run("true"))
"""

from __future__ import annotations

from infra.ssh.connection import Completed, Connection
from infra.ssh.hostkeys import (
    HostKey,
    fingerprints,
    forget_host_keys,
    learn_host_keys,
    record_host_keys,
)
from infra.ssh.open import Reached, connect, connected, on_each, reached
from infra.ssh.paths import identity, known_hosts

__all__ = [
    "Completed",
    "Connection",
    "HostKey",
    "Reached",
    "connect",
    "connected",
    "fingerprints",
    "forget_host_keys",
    "identity",
    "known_hosts",
    "learn_host_keys",
    "on_each",
    "reached",
    "record_host_keys",
]
