"""The names of all containers on an engine, and whether they carry the toolkit's label."""

from __future__ import annotations

from typing import Any


def look(wanted: dict[str, Any], facts: Any) -> dict[str, bool]:
    listed = facts.ask_engine("/containers/json?all=1")
    return {
        name.lstrip("/"): entry["Labels"].get("hanoi.managed") == "true"
        for entry in listed
        for name in entry["Names"]
    }
