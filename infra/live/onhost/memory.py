"""The memory that each container of the toolkit may use."""

from __future__ import annotations

from typing import Any


def look(wanted: dict[str, Any], facts: Any) -> dict[str, int]:
    """Name → bytes, of all that carry the toolkit's label; 0 where there is no limit."""
    listed = [c for c in facts.ask_engine("/containers/json?all=1") if _ours(c)]
    told = [facts.ask_engine("/containers/{}/json".format(c["Id"])) for c in listed]
    return {c["Name"].lstrip("/"): c["HostConfig"]["Memory"] for c in told}


def _ours(container: dict[str, Any]) -> bool:
    return bool(container["Labels"].get("hanoi.managed") == "true")
