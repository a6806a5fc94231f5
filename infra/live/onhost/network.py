"""Firewall rules in force, and what listens."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

_PROCESS = re.compile(r'"([^"]+)",pid=(\d+)')


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    return {"rules": ruleset(), "listening": listening()}


def ruleset() -> list[dict[str, Any]]:
    out = subprocess.run(
        ["/usr/sbin/nft", "-j", "list", "ruleset"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    return list(json.loads(out)["nftables"]) if out.strip() else []


def listening() -> list[dict[str, Any]]:
    """Sockets beyond loopback: protocol, address, port, program, pid."""
    out = subprocess.run(
        ["ss", "-Hltunp"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    return [found for line in out.splitlines() if (found := socket(line))]


def socket(line: str) -> dict[str, Any] | None:
    fields = line.split(None, 6)
    address, _, port = fields[4].rpartition(":")
    if address.startswith(("127.", "[::1]", "[fe80")) or "%lo" in address:
        return None
    process = _PROCESS.search(fields[6]) if len(fields) > 6 else None
    return {
        "protocol": fields[0],
        "address": address,
        "port": int(port),
        "program": process[1] if process else "",
        "pid": int(process[2]) if process else 0,
    }
