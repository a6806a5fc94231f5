"""systemd's units, kernel settings in force, the clock, and what runs by itself."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

UNIT = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,Transient,NRestarts"


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    """wanted: settings (kernel settings' names), machine_settings (those of the whole machine,
    which are its own business in a container), links (paths)."""
    names = list(wanted["settings"])
    in_container = run("systemd-detect-virt", "--container").strip() not in ("", "none")
    if not in_container:
        names += wanted["machine_settings"]
    return {
        "container": in_container,
        "failed": listed("--state=failed"),
        "services": services(),
        "settings": {n: setting(n) for n in names},
        "clock": time.time(),
        "synchronised": "yes" in run("timedatectl", "show", "-p", "NTPSynchronized", "--value"),
        "links": {p: os.readlink(p) if os.path.islink(p) else None for p in wanted["links"]},
        "sshd": sshd(),
    }


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout


def listed(*options: str) -> list[str]:
    out = run("systemctl", "list-units", "--all", "--no-legend", "--plain", *options)
    return sorted(line.split()[0] for line in out.splitlines() if line.split())


def services() -> list[dict[str, Any]]:
    """Running services and timers that no package brought: transient ones, and local ones."""
    names = listed("--type=service,timer,socket,path", "--state=active,activating,reloading")
    if not names:
        return []
    out = run("systemctl", "show", "--property", UNIT, "--", *names)
    blocks = [dict(x.partition("=")[::2] for x in b.splitlines()) for b in out.split("\n\n")]
    return [
        {"name": b["Id"], "transient": b.get("Transient") == "yes", "path": b.get("FragmentPath")}
        for b in blocks
        if b.get("Transient") == "yes" or b.get("FragmentPath", "").startswith("/etc/systemd/")
    ]


def setting(name: str) -> str | None:
    """The value in force; None where this kernel has no such setting."""
    try:
        with open("/proc/sys/" + name.replace(".", "/")) as stream:
            return " ".join(stream.read().split())
    except OSError:
        return None


def sshd() -> dict[str, str]:
    """The settings that sshd works out from all its files."""
    found: dict[str, str] = {}
    for line in run("/usr/sbin/sshd", "-T").splitlines():
        name, _, value = line.partition(" ")
        found[name] = f"{found[name]} {value}" if name in found else value
    return found
