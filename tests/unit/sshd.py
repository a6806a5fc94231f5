"""A throw-away SSH server on 127.0.0.1 for tests: own keys, own port, gone afterwards."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")


@dataclass
class Server:
    """port; directory: its files; process; user: the only one who may log in."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]
    user: str

    @property
    def host_key(self) -> str:
        return " ".join((self.directory / "host.pub").read_text().split()[:2])

    def trust(self, state: Path) -> None:
        known = state / "ssh" / "known_hosts"
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")


def new_key(path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(directory: Path, user_key: Path, extra: str = "") -> Iterator[Server]:
    """Run a server that lets the current user in with user_key. Skips where sshd is missing."""
    if SSHD is None or os.getuid() != 0:
        pytest.skip("needs an SSH server: apt-get install openssh-server, and root")
    directory.mkdir()
    new_key(directory / "host")
    (directory / "authorized").write_text(user_key.with_suffix(".pub").read_text())
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port, user = free_port(), getpass.getuser()
    (directory / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\n"
        f"PidFile none\nAuthorizedKeysFile {directory}/authorized\nStrictModes no\n"
        f"AllowUsers {user}\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        f"UsePAM no\nMaxStartups 100\nLogLevel ERROR\n{extra}"
    )
    log = (directory / "log").open("wb")
    argv = [SSHD, "-D", "-e", "-f", str(directory / "config")]
    process = subprocess.Popen(argv, stderr=log, start_new_session=True)
    try:
        _wait(port, process, directory / "log")
        yield Server(port, directory, process, user)
    finally:
        process.kill()
        process.wait()
        log.close()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text()[-300:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd did not listen")
