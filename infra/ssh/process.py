"""Child processes that never outlive an interrupted command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO

from infra.ssh import faults

TICK_SECONDS = 0.25


class Children:
    """The running children of one connection (or of one start of connections)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def start(self, argv: Sequence[str], *, keep_stdin: bool = True) -> subprocess.Popen[bytes]:
        """Start a child in a session of its own: a terminal's Ctrl-C reaches only us, and we
        end the child in order. Raises HN-C008 where the program is missing."""
        with self._lock:
            if self._stopped:
                raise KeyboardInterrupt
            try:
                child = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE if keep_stdin else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except FileNotFoundError:
                raise faults.no_client(argv[0]) from None
            self._running.add(child)
            return child

    def run(
        self, argv: Sequence[str], stdin: bytes | None, timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Run to the end: exit code, stdout, stderr. Raises subprocess.TimeoutExpired."""
        child = self.start(argv, keep_stdin=stdin is not None)
        try:
            return _communicate(child, stdin, timeout)
        finally:
            self.end(child)

    def end(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(child)
        if child.poll() is None:
            _kill(child)
            child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream:
                with contextlib.suppress(OSError):  # a flush into a pipe whose reader has gone
                    stream.close()

    def stop(self, *, final: bool = True) -> None:
        """Kill what runs; waiting threads return. final: nothing can be started any more."""
        with self._lock:
            self._stopped = final
            for child in self._running:
                _kill(child)


def _communicate(
    child: subprocess.Popen[bytes], stdin: bytes | None, timeout: float
) -> tuple[int, bytes, bytes]:
    """Popen.communicate that also returns when the child was killed: a shared connection's
    background process holds copies of the pipes until the remote command ends."""
    end = time.monotonic() + timeout
    if child.stdin and stdin is not None:
        # Not by communicate(): until Python 3.12 it forgets the rest of its input on a timeout.
        pipe, child.stdin = child.stdin, None
        threading.Thread(target=_feed, args=(pipe, stdin), daemon=True).start()
    while True:
        try:
            out, err = child.communicate(timeout=min(TICK_SECONDS, max(end - time.monotonic(), 0)))
            return child.returncode, out, err
        except subprocess.TimeoutExpired:
            if child.poll() is not None and child.returncode < 0:
                return child.returncode, b"", b""
            if time.monotonic() >= end:
                raise


def _feed(pipe: IO[bytes], content: bytes) -> None:
    """Write all of it and close; whoever reads may have gone."""
    with contextlib.suppress(OSError):
        pipe.write(content)
    with contextlib.suppress(OSError):
        pipe.close()


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
