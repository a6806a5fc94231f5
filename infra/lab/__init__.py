"""The lab: three site hosts on one machine, bare until the toolkit configures them over SSH.

They are containers that boot systemd, take SSH and later run an engine of their own; to the
rest of the toolkit they are ordinary hosts. docs/lab.md is the operator's page.
"""

from __future__ import annotations

from infra.lab.described import described, find_described
from infra.lab.faults import cut, heal, kill_host, start_host, stop_host
from infra.lab.hosts import DEFAULT, HostStatus, down, remove, reset, ssh_command, status, up
from infra.lab.machine import ensure_engine
from infra.lab.network import LabHost
from infra.lab.probe import probe

__all__ = [
    "DEFAULT",
    "HostStatus",
    "LabHost",
    "cut",
    "described",
    "down",
    "ensure_engine",
    "find_described",
    "heal",
    "kill_host",
    "probe",
    "remove",
    "reset",
    "ssh_command",
    "start_host",
    "status",
    "stop_host",
    "up",
]
