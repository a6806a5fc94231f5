"""Nobody else may be at work while something is measured."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 900  # seconds to wait for others who work with the hosts
WORKING = {"deploy", "up", "configure", "bootstrap", "verify", "destroy", "images", "lab"}
ONE_AT_A_TIME = Path("/dev/shm/hanoi-bench.lock")  # of the machine: whatever the state


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One benchmark at a time on this machine; asked to end (SIGTERM), it clears up first."""
    signal.signal(signal.SIGTERM, _end)
    handle = os.open(ONE_AT_A_TIME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("another benchmark runs on this machine; wait for its end") from None
        yield
    finally:
        os.close(handle)


def _end(number: int, _: Any) -> None:
    raise SystemExit(128 + number)


def others() -> list[str]:
    """Commands that use the hosts or the processors and are not ours."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or _ours(int(entry.name)):
            continue
        try:
            argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        names = [Path(a).name for a in argv]
        testing = names[0:1] != ["sh"] and any(n in ("pytest", "py.test") for n in names[:4])
        after = [names[i + 1 :] for i, n in enumerate(names[:3]) if n in ("hanoi", "cli.py")]
        if testing or any(WORKING & set(rest) for rest in after):
            found.append(f"{entry.name}: {' '.join(argv)[:100]}")
    return found


def _ours(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return False
    return False


def wait_until_quiet() -> None:
    end = time.monotonic() + PATIENCE
    told: list[str] = []
    while busy := others():
        if time.monotonic() > end:
            raise SystemExit("others are still at work: " + "; ".join(busy))
        if busy != told:
            say("waiting for " + "; ".join(busy))
            told = busy
        time.sleep(5)
