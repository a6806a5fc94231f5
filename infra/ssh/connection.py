"""One host's shared connection: OpenSSH's own multiplexing, driven through its client."""

from __future__ import annotations

import hashlib
import json
import shlex
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.ssh import faults
from infra.ssh.paths import identity, known_hosts, sockets
from infra.ssh.process import Children

CONNECT_SECONDS = 8
PERSIST_SECONDS = 60
DOCKER_SOCKET = "/var/run/docker.sock"

# Reads "<length>\n<program><payload as JSON>" from stdin: nothing in argv, nothing on disk.
_LOADER = (
    "import sys,json;i=sys.stdin.buffer;s=i.read(int(i.readline()));"
    "payload=json.loads(i.read());exec(compile(s,'<hanoi>','exec'))"
)


@dataclass(frozen=True)
class Completed:
    """A finished remote command. stdout is bytes (it may be a file), stderr text."""

    rc: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


@dataclass(eq=False)
class Connection:
    """A host reached through one shared SSH connection. Safe to use from several threads.

    bare: True when only the bootstrap user could log in.
    """

    host_id: str
    address: str
    user: str
    port: int = 22
    bare: bool = False
    _children: Children = field(default_factory=Children, repr=False)
    _forwarding: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _keeper: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def control_path(self) -> Path:
        return sockets() / f"c-{self._key}"

    @property
    def _key(self) -> str:
        """Everything that decides who answers and whom we trust: another state, another socket."""
        parts = (known_hosts(), identity(), self.user, self.address, self.port)
        return hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:16]

    def options(self, *, shared: bool = True) -> list[str]:
        """All of ssh's options as ["-o", "Name=value", …], for ssh, scp, Ansible or testinfra.

        shared: use (and if need be become) the host's shared connection.
        """
        values = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": _quoted(known_hosts()),
            "UpdateHostKeys": "no",
            "CheckHostIP": "no",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "Compression": "no",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "RequestTTY": "no",
            "StreamLocalBindUnlink": "yes",
            "LogLevel": "ERROR",
            "ControlMaster": "auto" if shared else "no",
            "ControlPath": _quoted(self.control_path) if shared else "none",
            "ControlPersist": str(PERSIST_SECONDS) if shared else "no",
        }
        if key := identity():
            values |= {"IdentityFile": _quoted(key), "IdentitiesOnly": "yes"}
        return [part for item in values.items() for part in ("-o", "=".join(item))]

    def argv(self, command: str | None = None, *, shared: bool = True) -> list[str]:
        """The whole ssh command line; command: one line for the remote shell."""
        base = ["ssh", *self.options(shared=shared), "-p", str(self.port), "-l", self.user]
        return [*base, self.address] + (["--", command] if command is not None else [])

    def as_root(self, *argv: str) -> str:
        """A remote command line that runs argv as root."""
        return shlex.join(argv if self.user == "root" else ("sudo", "-n", "--", *argv))

    def alive(self) -> bool:
        """Whether a shared connection is open already (no traffic: one local connect)."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self.control_path))
            except OSError:
                return False
        return True

    def run(
        self, script: str, *, input: bytes | None = None, root: bool = True, timeout: float = 60
    ) -> Completed:
        """Run a shell script on the host; secrets go through `input` only, never the script.

        timeout: seconds. Any exit code comes back in Completed; a script must not use 255.
        Raises HanoiError HN-C001 to HN-C007 when the host could not run it.
        """
        command = self.as_root("sh", "-c", script) if root else shlex.join(("sh", "-c", script))
        return self._run(command, input, timeout)

    def python(self, source: str, payload: dict[str, Any], timeout: float = 120) -> Any:
        """Run a Python program as root; it finds `payload` as a global and prints JSON.

        Program and payload travel over stdin, so secrets may be in the payload. Returns the
        parsed JSON. Raises HN-C009 with the program's last line of stderr when it fails.
        """
        program = source.encode()
        data = b"%d\n%s%s" % (len(program), program, json.dumps(payload).encode())
        done = self._run(self.as_root("python3", "-I", "-c", _LOADER), data, timeout)
        if done.rc != 0:
            raise faults.program_failed(self.host_id, self.address, done.stderr)
        try:
            return json.loads(done.stdout)
        except ValueError:
            # Not what it printed: that may hold anything, a secret too.
            raise faults.program_failed(
                self.host_id, self.address, "its answer was not JSON"
            ) from None

    def forward_docker(self) -> Path:
        """A local Unix socket that is the host's Docker engine, until close().

        Needs the user to be root or in group docker when the connection was opened.
        """
        local = sockets() / f"d-{self._key}"
        with self._forwarding:
            self._keep()
            forward = ["-O", "forward", "-L", f"{local}:{DOCKER_SOCKET}"]
            base = self.argv()
            rc, _, err = self._execute([base[0], *forward, *base[1:]], None, CONNECT_SECONDS + 2)
            if rc != 0:
                raise faults.lost(self.host_id, self.address, err.decode(errors="replace"))
        return local

    def close(self, *, shared: bool = False) -> None:
        """End what this object runs. shared: also the shared connection, so that the next
        one logs in anew (needed after the user's groups or keys were changed)."""
        self._children.stop(final=False)
        if self._keeper:
            self._children.end(self._keeper)
            self._keeper = None
        if shared and self.alive():
            base = self.argv()
            self._execute([base[0], "-O", "exit", *base[1:]], None, CONNECT_SECONDS)

    def _keep(self) -> None:
        """One idle session, so that a forward without traffic does not end with the shared
        connection's idle time; it ends with us, by end of file, however we die."""
        if self._keeper and self._keeper.poll() is None:
            return
        self._open()
        self._keeper = self._children.start(self.argv("exec cat >/dev/null 2>&1"))

    def _open(self) -> None:
        """Make sure that the shared connection is there. Raises HN-C001 to HN-C004."""
        if self.alive():
            return
        rc, _, err = self._execute(self.argv("exit 0"), None, CONNECT_SECONDS * 3)
        if rc == faults.LOST:
            raise Refused(err.decode(errors="replace"))

    def _run(self, command: str, stdin: bytes | None, timeout: float) -> Completed:
        rc, out, err = self._execute(self.argv(command), stdin, timeout)
        message = err.decode(errors="replace")
        if rc == faults.LOST or rc < 0:
            raise faults.lost(self.host_id, self.address, message)
        if rc == 1 and message.startswith("sudo: ") and "password is required" in message:
            raise faults.no_sudo(self.host_id, self.address, self.user)
        return Completed(rc, out, message)

    def _execute(
        self, argv: list[str], stdin: bytes | None, timeout: float
    ) -> tuple[int, bytes, bytes]:
        try:
            return self._children.run(argv, stdin, timeout)
        except subprocess.TimeoutExpired:
            raise faults.timed_out(self.host_id, self.address, timeout) from None


class Refused(Exception):
    """A connection could not be made; the text is ssh's. Turned into a problem by connect()."""


def _quoted(path: Path) -> str:
    """A path as ssh reads option values: % starts a token, blanks end a value."""
    text = str(path).replace("%", "%%")
    return f'"{text}"' if " " in text else text
