"""Two programs on two hosts talking to each other, with this machine between them.

Neither host is let into the other, and no port is opened: each program's output is the other's
input, over the connections that the toolkit has anyway. When this machine stops, however it
stops, both programs find their input ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from infra.ssh import faults
from infra.ssh.connection import Connection

CHUNK = 2**20
TICK_SECONDS = 0.25
_LAST = 4000  # characters of standard error that are kept


@dataclass
class Ended:
    """How a program ended: its exit code, and the last of what it said on standard error."""

    rc: int = 0
    said: str = field(default="")


def relay(
    first: Connection,
    one: str,
    second: Connection,
    other: str,
    heard: Callable[[str], None] = lambda line: None,
) -> tuple[Ended, Ended]:
    """Run the shell script `one` on the first host and `other` on the second, as root.

    heard is given each line (ended by \\n or \\r) of the second's standard error. Returns how both
    ended. Raises HanoiError HN-C005 when a connection breaks.
    """
    started: list[tuple[Connection, subprocess.Popen[bytes]]] = []
    try:
        for connection, script in ((first, one), (second, other)):
            argv = connection.argv(connection.as_root("sh", "-c", script))
            started.append((connection, connection._children.start(argv)))
        (_, a), (_, b) = started
        said: tuple[list[str], list[str]] = ([], [])
        threads = [
            threading.Thread(target=_pump, args=(a.stdout, b.stdin), daemon=True),
            threading.Thread(target=_pump, args=(b.stdout, a.stdin), daemon=True),
            threading.Thread(target=_listen, args=(a.stderr, said[0], _nobody), daemon=True),
            threading.Thread(target=_listen, args=(b.stderr, said[1], heard), daemon=True),
        ]
        for thread in threads:
            thread.start()
        for _, child in started:
            _wait(child)
        for thread in threads[2:]:
            thread.join(timeout=5)
    finally:
        for connection, child in started:
            connection._children.end(child)
    ends = []
    for (connection, child), lines in zip(started, said, strict=True):
        text = "\n".join(lines)[-_LAST:]
        if child.returncode == faults.LOST or child.returncode < 0:
            raise faults.lost(connection.host_id, connection.address, text)
        ends.append(Ended(child.returncode, text))
    return ends[0], ends[1]


def _nobody(line: str) -> None:
    """Nobody listens."""


def _wait(child: subprocess.Popen[bytes]) -> None:
    """In short turns, so that Ctrl-C is heard."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=TICK_SECONDS)
            return


def _pump(source: IO[bytes] | None, sink: IO[bytes] | None) -> None:
    """Everything from one to the other; the end too, in both directions."""
    assert source and sink, "both are pipes"
    with contextlib.suppress(OSError, ValueError):
        while chunk := os.read(source.fileno(), CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(sink.fileno(), view) :]
    with contextlib.suppress(OSError, ValueError):
        sink.close()
    with contextlib.suppress(OSError, ValueError):
        source.close()


def _listen(stream: IO[bytes] | None, lines: list[str], heard: Callable[[str], None]) -> None:
    """Each line to `heard`; the last ones are kept, without those of a progress (\\r)."""
    assert stream, "it is a pipe"
    rest = ""
    with contextlib.suppress(OSError, ValueError):
        while chunk := os.read(stream.fileno(), CHUNK):
            *whole, rest = re.split(r"(?<=[\r\n])", rest + chunk.decode(errors="replace"))
            for line in whole:
                heard(line.strip())
                if line.endswith("\n") and line.strip():
                    lines.append(line.strip())
                    del lines[:-200]
    if rest.strip():
        lines.append(rest.strip())
