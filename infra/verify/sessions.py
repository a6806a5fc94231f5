"""The hosts under verification: opened side by side, each with its testinfra Host.

What the checks asked in one session is noted per check, so that the next session can have all
of it run on all hosts at once, while the checks themselves still go one after the other.
Every command runs in every session; only the list of commands is kept.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from testinfra.backend import get_backend  # type: ignore[import-untyped]
from testinfra.host import Host  # type: ignore[import-untyped]

from infra import files, ssh
from infra.errors import HanoiError
from infra.resources import HostPlan, Plan
from infra.verify.backend import AgentBackend, Unreachable, converse

Notes = dict[str, dict[str, list[str]]]  # host → check → commands, in the order asked


class Sessions:
    """Opens hosts on demand and remembers which ones do not answer.

    backend: "agent" (ours); "ssh" or "ssh-shared" is testinfra's own, without and with a shared
    connection, to measure it with the same checks (benchmarks/verify.py).
    """

    def __init__(self, plan: Plan, notes_file: Path, backend: str = "agent") -> None:
        self._plan = plan
        self._backend = backend
        self._notes_file = notes_file
        self._notes = _read_notes(notes_file) if backend == "agent" else {}
        self._seen: Notes = {}
        self._locks = {h.id: threading.Lock() for h in plan.hosts}
        self._hosts: dict[str, Host | Unreachable] = {}
        self.check = ""  # the node id of the check that runs now

    def host(self, host_id: str) -> Host:
        """The host, opened if need be. Raises Unreachable (every time)."""
        with self._locks[host_id]:
            if host_id not in self._hosts:
                self._hosts[host_id] = self._open(self._plan.host(host_id))
            found = self._hosts[host_id]
        if isinstance(found, Unreachable):
            raise found
        return found

    def start(self, checks: Mapping[str, Iterable[str]]) -> None:
        """Open the hosts side by side and have the checks' known commands run there.

        checks: host → node ids selected.
        """
        for host_id, nodes in checks.items():
            threading.Thread(
                target=self._prefetch, args=(host_id, list(nodes)), daemon=True
            ).start()

    def close(self) -> None:
        for host in self._hosts.values():
            if isinstance(host, Host) and isinstance(host.backend, AgentBackend):
                host.backend.close()
        if self._backend == "agent" and self._seen:
            self._write_notes()

    def _open(self, target: HostPlan) -> Host | Unreachable:
        try:
            backend = self._agent(target) if self._backend == "agent" else self._plain(target)
        except Unreachable as failure:
            return failure
        except HanoiError as failure:
            return Unreachable(f"{failure.problems[0].code}: {failure.problems[0].what}")
        host = Host(backend)
        backend.set_host(host)
        return host

    def _agent(self, target: HostPlan) -> AgentBackend:
        plan = self._plan
        opened = ssh.connect([(target.id, target.address)], plan.ssh_user, plan.ssh_port)
        conversation = converse(opened[target.id])

        def note(command: str) -> None:
            asked = self._seen.setdefault(target.id, {}).setdefault(self.check, [])
            if command not in asked:
                asked.append(command)

        return AgentBackend(target.id, conversation, note)

    def _plain(self, target: HostPlan) -> Any:
        plan = self._plan
        ssh.connect([(target.id, target.address)], plan.ssh_user, plan.ssh_port)
        options = [f"UserKnownHostsFile={ssh.known_hosts()}", "LogLevel=ERROR"]
        if self._backend == "ssh-shared":
            shared = tempfile.mkdtemp(prefix="hanoi-cp-")
            options += ["ControlMaster=auto", "ControlPersist=10", f"ControlPath={shared}/s"]
        key = ssh.identity()
        return get_backend(
            f"ssh://{plan.ssh_user}@{target.address}:{plan.ssh_port}?sudo=true",
            ssh_extra_args=" ".join(f"-o {o}" for o in options),
            ssh_identity_file=str(key) if key else None,
        )

    def _prefetch(self, host_id: str, nodes: list[str]) -> None:
        with contextlib.suppress(Unreachable):
            backend = self.host(host_id).backend
            if isinstance(backend, AgentBackend):
                known = self._notes.get(host_id, {})
                backend.prefetch(c for node in nodes for c in known.get(node, ()))

    def _write_notes(self) -> None:
        merged = {h: dict(checks) for h, checks in self._notes.items()}
        for host_id, checks in self._seen.items():
            merged.setdefault(host_id, {}).update(checks)
        if merged == self._notes:
            return
        with contextlib.suppress(OSError):  # it only saves time
            self._notes_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.write_atomically(self._notes_file, json.dumps(merged, indent=1).encode())


def _read_notes(path: Path) -> Notes:
    """The last session's list, or nothing: it is an aid, never a truth."""
    try:
        notes = json.loads(path.read_bytes())
        return {
            str(h): {str(n): [str(c) for c in cs] for n, cs in checks.items()}
            for h, checks in notes.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
