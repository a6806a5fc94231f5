"""Logs: kept over a restart, and never the reason for a full disk."""

from __future__ import annotations

import re

from infra.verify.checks import control, gate, look, settings

pytestmark = [gate("infrastructure")]

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def journald(host) -> dict[str, str]:
    """The effective settings: of several the last one counts."""
    lines = look(host, "systemd-analyze cat-config systemd/journald.conf").splitlines()
    return settings("\n".join(reversed(lines)), "=")


def size(text: str) -> float:
    match = re.match(r"([\d.]+)([KMG]?)", text)
    assert match, f"not a size: {text}"
    return float(match[1]) * UNITS[match[2]]


@control("LOG-01", "CIS 6.1.1")
def test_persistent(host) -> None:
    """The journal survives a restart."""
    found = journald(host).get("storage", "auto")
    assert found == "persistent", f"Storage={found}"
    assert host.file("/var/log/journal").is_directory, "there is no /var/log/journal"


@control("LOG-02", "CIS 6.1.1")
def test_limited(host) -> None:
    """The journal has a limit of at most 1 GiB."""
    found = journald(host).get("systemmaxuse", "")
    assert found and size(found) <= 2**30, f"SystemMaxUse={found or '(not set)'}"


@control("LOG-03", "own requirement")
def test_within_limit(host) -> None:
    """The journal takes no more than 1 GiB."""
    text = look(host, "journalctl --disk-usage")
    match = re.search(r"take up ([\d.]+[KMG]?)", text)
    assert match and size(match[1]) <= 2**30, text.strip()


@control("LOG-04", "own requirement")
def test_service(host) -> None:
    """The journal's service runs."""
    assert host.service("systemd-journald").is_running, "systemd-journald does not run"


@control("LOG-05", "CIS 6.1.4")
def test_logs_are_not_public(host) -> None:
    """No log can be written by others."""
    found = look(host, "find /var/log -type f -perm /002")
    assert not found.strip(), f"writable by others: {' '.join(found.split()[:5])}"


@control("LOG-06", "own requirement")
def test_disk(host) -> None:
    """At least a tenth of the disk is free for data and logs."""
    rows = [
        line.split() for line in look(host, "df -P / /var/lib/docker /var/log").splitlines()[1:]
    ]
    full = [f"{r[5]} {r[4]}" for r in rows if int(r[4].rstrip("%")) > 90]
    assert not full, f"nearly full: {', '.join(full)}"
