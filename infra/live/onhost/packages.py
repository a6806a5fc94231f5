"""Packages that are held, and those that somebody installed or removed by name."""

from __future__ import annotations

import glob
import gzip
import os
import re
import time
from typing import Any

STATUS = "/var/lib/dpkg/status"
HISTORY = "/var/log/apt/history.log*"
_PACKAGE = re.compile(r"([a-z0-9][a-z0-9+.-]+):[a-z0-9]+ \(([^)]*)\)")


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    installed, held = states(STATUS)
    return {
        "held": held,
        "installed": installed,
        "history": history(sorted(glob.glob(HISTORY), key=os.path.getmtime)),
    }


def states(path: str) -> tuple[list[str], list[str]]:
    """Names that are wholly installed, and names on hold."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    rows = re.findall(r"^Package: (\S+)\nStatus: (\S+) \S+ (\S+)$", text, re.MULTILINE)
    return [n for n, _, s in rows if s == "installed"], [n for n, w, _ in rows if w == "hold"]


def history(paths: list[str]) -> list[dict[str, Any]]:
    """apt's runs, oldest first: when, by whom, named packages installed and removed."""
    found = []
    for path in paths[-3:]:
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8", errors="replace") as stream:
            blocks = stream.read().split("\n\n")
        found += [entry(block) for block in blocks if "Start-Date" in block]
    return found


def entry(block: str) -> dict[str, Any]:
    fields = dict(line.partition(": ")[::2] for line in block.strip().splitlines())
    named = [
        n for n, rest in _PACKAGE.findall(fields.get("Install", "")) if "automatic" not in rest
    ]
    gone = [n for key in ("Remove", "Purge") for n, _ in _PACKAGE.findall(fields.get(key, ""))]
    return {
        "when": when(fields.get("Start-Date", "")),
        "by": fields.get("Requested-By", "").partition(" ")[0],
        "by_toolkit": "Dpkg::Options" in fields.get("Commandline", ""),
        "unattended": "unattended-upgrade" in fields.get("Commandline", ""),
        "installed": named,
        "removed": gone,
    }


def when(text: str) -> float:
    """Seconds since the epoch of apt's local time."""
    try:
        return time.mktime(time.strptime(" ".join(text.split()), "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return 0.0
