"""Child processes that are ended whole, with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Asks the kernel to kill the command when we are killed, then becomes the command; else a build
# whose parent was killed would go on writing into a directory that the next run removes.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"
)


def start(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, its words going to the log's end."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End the command and its children if it still runs: politely, then for certain."""
    for sign, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def run(command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> int:
    """Run to the end and return the exit code. A long silence is the caller's heartbeat's."""
    process = start(command, log, env, cwd)
    try:
        return process.wait()
    finally:
        end(process)
