"""At most one command changes the sites at a time.

Two locks, both the kernel's own (flock), so neither is ever stale: it goes with the process.
- Local: <state>/lock, held by this process.
- On each host: /run/hanoi/deploy.lock, held by a small program at the far end of an SSH
  connection of its own, which waits for the end of its input. When this process dies, by
  SIGKILL too, the kernel closes the pipe, ssh and the program end, the lock is free. When
  the network is cut, the host's sshd gives up after ClientAliveInterval × ClientAliveCountMax
  (15 s × 3, set by the baseline) and the same follows; ssh on our side gives up too, and
  check() says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import selectors
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra import paths
from infra.errors import Exit, HanoiError, Problem
from infra.files import private_directory
from infra.ssh import Connection
from infra.ssh.connection import CONNECT_SECONDS
from infra.ssh.faults import LOST, last_line, problem
from infra.ssh.open import raise_together
from infra.ssh.process import Children

HOST_LOCK = "/run/hanoi/deploy.lock"

# Runs on the host as root. argv: the lock's path, the SSH client's address. stdin: the
# holder as one line of JSON, then nothing until its end. stdout: "free" or "held", the holder.
_REMOTE = """
import fcntl, json, os, sys
path, origin = sys.argv[1], (sys.argv[2:] + [""])[0]
os.umask(0o022)
os.makedirs(os.path.dirname(path), exist_ok=True)
handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
holder = json.loads(sys.stdin.readline())
holder["origin"] = origin
try:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("held", os.pread(handle, 4096, 0).decode(errors="replace"), flush=True)
    sys.exit(0)
os.ftruncate(handle, 0)
os.pwrite(handle, json.dumps(holder).encode(), 0)
print("free", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. since: ISO 8601 with zone; origin: the address a host saw."""

    who: str
    pid: int
    command: str
    since: str
    origin: str = ""

    def __str__(self) -> str:
        origin = f" from {self.origin}" if self.origin else ""
        return f"{self.who}{origin} (pid {self.pid}) runs “{self.command}” since {self.since}"


def _myself(command: str) -> Holder:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name
        user = str(os.getuid())
    since = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return Holder(f"{user}@{socket.gethostname()}", os.getpid(), command, since)


def _parsed(text: str) -> Holder | None:
    """The holder as written; None where it has not been written (yet)."""
    try:
        return Holder(**json.loads(text))
    except (TypeError, ValueError):
        return None


class Lock:
    """The right to change the sites.

        with Lock("hanoi deploy") as lock, connected(…) as hosts:
            lock.hold(hosts)

    command: as the operator would type it, without secrets. Raises HN-D001 (exit code
    REFUSED) naming the holder when another command has it.
    """

    def __init__(self, command: str, directory: Path | None = None):
        self.holder = _myself(command)
        self.path = (directory or paths.state()) / "lock"
        self._handle: int | None = None
        self._children = Children()  # not the connections' own: closing those keeps the lock
        self._on_hosts: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the local lock; at once or not at all."""
        private_directory(self.path.parent)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise HanoiError(_refusal("this machine", self._reread()), Exit.REFUSED) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(self.holder)).encode(), 0)
        self._handle = handle

    def _reread(self) -> Holder | None:
        """The other's entry; it may be some milliseconds away from being written."""
        for _ in range(20):
            if holder := _parsed(self.path.read_text(errors="replace")):
                return holder
            time.sleep(0.05)
        return None

    def hold(self, connections: Mapping[str, Connection]) -> None:
        """Take the lock on all the hosts in parallel, until release().

        Raises HN-D001 for every host another operator holds, or the connection's own error.
        Then no host stays locked.
        """
        wanted = {id_: c for id_, c in connections.items() if id_ not in self._on_hosts}
        line = json.dumps(asdict(self.holder)).encode() + b"\n"
        try:
            for connection in wanted.values():
                self._ask(connection, line)
            deadline = time.monotonic() + CONNECT_SECONDS * 3
            failures = [self._outcome(c, deadline) for c in wanted.values()]
            raise_together([f for f in failures if f])
        except BaseException:
            self._release_hosts()
            raise

    def _ask(self, connection: Connection, line: bytes) -> None:
        python = connection.as_root("python3", "-I", "-S", "-c", _REMOTE, HOST_LOCK)
        command = f'exec {python} "${{SSH_CONNECTION%% *}}"'
        child = self._children.start(connection.argv(command, shared=False))
        self._on_hosts[connection.host_id] = child
        assert child.stdin
        try:
            child.stdin.write(line)
            child.stdin.flush()
        except BrokenPipeError:  # ssh has ended already; _outcome says why
            pass

    def _outcome(self, connection: Connection, deadline: float) -> HanoiError | None:
        """None when the host's lock is ours, else why not."""
        child = self._on_hosts[connection.host_id]
        where = f"{connection.host_id} ({connection.address})"
        answer = _first_line(child, deadline)
        if answer == "free":
            return None
        if answer.startswith("held"):
            return HanoiError(_refusal(where, _parsed(answer[4:])), Exit.REFUSED)
        if child.poll() is None and not answer:
            try:
                child.wait(0.5)
            except subprocess.TimeoutExpired:
                child.kill()
        message = (child.stderr.read() if child.stderr else b"").decode(errors="replace")
        if child.wait() in (LOST, -9):
            failure = problem(connection.host_id, connection.address, connection.user, message)
            return HanoiError(failure, Exit.UNREACHABLE)
        return HanoiError(
            Problem(
                where,
                "HN-D004",
                f"the lock on the host could not be taken: {last_line(message)}",
                "the host needs python3, and sudo for the toolkit's user: hanoi bootstrap",
            )
        )

    def check(self) -> None:
        """Raises HN-D002 when the lock on a host was lost (its connection ended)."""
        gone = sorted(id_ for id_, child in self._on_hosts.items() if child.poll() is not None)
        if gone:
            raise HanoiError(
                [
                    Problem(
                        id_,
                        "HN-D002",
                        "the lock on this host was lost: its connection ended",
                        "check the host and the network, then run the command again",
                    )
                    for id_ in gone
                ],
                Exit.UNREACHABLE,
            )

    def release(self) -> None:
        """Give everything back. The file stays: only the kernel's lock on it means anything."""
        self._release_hosts()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _release_hosts(self) -> None:
        children, self._on_hosts = self._on_hosts, {}
        for child in children.values():
            if child.stdin:
                with contextlib.suppress(OSError):
                    child.stdin.close()
        deadline = time.monotonic() + 2
        for child in children.values():
            # Waiting for ssh means that the far end has let go when we return.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            self._children.end(child)


def _first_line(child: subprocess.Popen[bytes], deadline: float) -> str:
    """One line of its output; "" when it ends or says nothing until the deadline."""
    assert child.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            return ""
    return child.stdout.readline().decode(errors="replace").strip()


def _refusal(where: str, holder: Holder | None) -> Problem:
    return Problem(
        where,
        "HN-D001",
        f"another command is at work: {holder or 'its name is not known yet'}",
        "wait until it has ended; the lock goes with it, there is nothing to remove",
    )
