"""`hanoi doctor`: each prerequisite, found or missing, with the remedy. Changes nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

Finding = dict[str, str]

PROGRAMS = {
    "ssh": "install OpenSSH's client (Debian: apt-get install openssh-client)",
    "git": "install git (Debian: apt-get install git)",
}


def examine() -> list[Finding]:
    """name, state (found | missing | unsuitable | will be …), detail, remedy of each."""
    from infra import engine, lab

    findings = [_python(), *(_program(name, remedy) for name, remedy in PROGRAMS.items())]
    probes: tuple[Callable[[], list[Finding]], ...] = (engine.probe, lab.probe)
    for probe in probes:
        findings += probe()
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    suitable = sys.version_info >= (3, 11)
    return {
        "name": "Python",
        "state": "found" if suitable else "missing",
        "detail": version,
        "remedy": "" if suitable else "install Python 3.11 or newer",
    }


def _program(name: str, remedy: str) -> Finding:
    path = shutil.which(name)
    return {
        "name": name,
        "state": "found" if path else "missing",
        "detail": path or "not on PATH",
        "remedy": "" if path else remedy,
    }


def render(findings: list[Finding]) -> str:
    """The findings as lines; remedies stand under what is missing."""
    lines = []
    for f in findings:
        lines.append(f"{f['state']:>14}  {f['name']}: {f['detail']}")
        if f["remedy"] and f["state"] != "found":
            lines.append(f"{'':>14}  → {f['remedy']}")
    return "\n".join(lines)
