"""What `hanoi doctor` shows about the lab's prerequisites. Changes nothing."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from infra import paths
from infra.lab import machine, recipe

DISK_GB = 15
MEMORY_GB = 6

Finding = dict[str, str]  # name; state: ok, missing or warning; detail; remedy (empty when ok)


def probe() -> list[Finding]:
    """Each prerequisite of the lab: found or missing, with the remedy. Cheap, read-only."""
    root = os.geteuid() == 0
    installs = root and machine.is_debian()
    return [
        _finding(
            "root", root, "running as root" if root else "not root", "Run `hanoi lab up` as root."
        ),
        _engine(installs),
        _program("mmdebstrap", "mmdebstrap", installs),
        _program("ssh", "openssh-client", installs=False),
        _keyring(installs),
        _disk(),
        _memory(),
        _finding("cgroup", True, f"version {machine.cgroup_version()}", ""),
    ]


def _finding(name: str, good: bool, detail: str, remedy: str, warn: bool = False) -> Finding:
    state = "ok" if good else "warning" if warn else "missing"
    return {"name": name, "state": state, "detail": detail, "remedy": "" if good else remedy}


def _engine(installs: bool) -> Finding:
    if engine := machine.connect():
        try:
            version = engine.version().get("Version", "?")
        finally:
            engine.close()
        return _finding("docker engine", True, f"version {version}", "")
    remedy = "`hanoi lab up` installs and starts it." if installs else "Install and start Docker."
    return _finding("docker engine", False, "does not answer", remedy, warn=installs)


def _program(name: str, package: str, installs: bool) -> Finding:
    where = machine.program(name)
    remedy = "`hanoi lab up` installs it." if installs else f"Install: apt-get install {package}"
    return _finding(name, bool(where), where or "not installed", remedy, warn=installs)


def _keyring(installs: bool) -> Finding:
    there = recipe.SUITE_KEY.exists()
    remedy = (
        "`hanoi lab up` installs it."
        if installs
        else "Install a current one: apt-get install debian-archive-keyring"
    )
    detail = "knows trixie" if there else "no key for trixie"
    return _finding("debian keyring", there, detail, remedy, warn=installs)


def _disk() -> Finding:
    place = paths.cache()
    while not place.exists():
        place = place.parent
    docker_root = Path("/var/lib/docker")
    free = min(shutil.disk_usage(p).free for p in (place, docker_root) if p.exists()) // 10**9
    remedy = f"Free {DISK_GB} GB, or set HANOI_CACHE to a larger disk."
    return _finding("disk space", free >= DISK_GB, f"{free} GB free", remedy)


def _memory(file: Path = Path("/proc/meminfo")) -> Finding:
    try:
        found = re.search(r"MemTotal:\s+(\d+) kB", file.read_text())
    except OSError:
        found = None
    total = int(found.group(1)) * 1024 / 10**9 if found else 0.0
    remedy = f"The three hosts with their services need {MEMORY_GB} GB."
    return _finding("memory", total >= MEMORY_GB, f"{total:.1f} GB in all", remedy)
