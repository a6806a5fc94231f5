"""Whether a command that changes the sites is at work, without touching its lock.

Taking the lock to try it, even for a moment, could refuse a deploy that begins just then. The
kernel lists who holds one in /proc/locks.
"""

from __future__ import annotations

import json
import os
from typing import Any

HOST_LOCK = "/run/hanoi/deploy.lock"


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any] | None:
    return holder(HOST_LOCK)


def holder(path: str, table: str = "/proc/locks") -> dict[str, Any] | None:
    """What the holder wrote into the lock's file; None while nobody holds it."""
    try:
        number = os.stat(path).st_ino
        with open(table) as stream:
            rows = [line.split() for line in stream]
        if not any(row[1] == "FLOCK" and inode(row) == number for row in rows if len(row) >= 8):
            return None
        with open(path) as stream:
            written = json.load(stream)
    except (OSError, ValueError):
        return None
    return written if isinstance(written, dict) else None


def inode(row: list[str]) -> int:
    """The inode of "1: FLOCK ADVISORY WRITE 1234 00:1f:42 0 EOF"."""
    field = next((f for f in row if f.count(":") == 2), "::-1")
    return int(field.rsplit(":", 1)[1])
