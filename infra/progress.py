"""What an operator sees while something long runs: who is doing what, and what is waited for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

HEARTBEAT = 15.0  # seconds of silence after which the last line is said again


class Progress:
    """Lines on standard error with the seconds since the start; silent when quiet.

    Call it with a line such as "nd-1: packages: installing 7". A step that says nothing for a
    while is repeated with its age, so that a long wait never looks like a hang.
    """

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._start = time.monotonic()
        self._last = ("", self._start)
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        with self._lock:
            now = time.monotonic()
            self._last = (line, now)
            if not self._quiet:
                print(f"[{now - self._start:5.0f}s] {line}", file=self._stream, flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Repeat the last line while the body is silent."""
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _beat(self, done: threading.Event) -> None:
        said = self._start
        while not done.wait(1.0):
            line, since = self._last
            now = time.monotonic()
            if line and now - max(since, said) >= HEARTBEAT and not self._quiet:
                said = now
                with self._lock:
                    print(
                        f"[{now - self._start:5.0f}s] … still: {line} ({now - since:.0f} s)",
                        file=self._stream,
                        flush=True,
                    )
