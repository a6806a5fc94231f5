"""JSON Schemas of the kinds of files, made from the classes in schema.py."""

from __future__ import annotations

from functools import cache
from typing import Any

from infra.model.scalars import written_size
from infra.model.schema import KINDS


@cache
def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one kind of file: ministry, roadmap, site, unit, app."""
    schema = KINDS[kind].model_json_schema(mode="validation")
    _readable_sizes(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _readable_sizes(node: Any) -> None:
    """Defaults of sizes are bytes in the model, but an operator writes 8GiB."""
    if isinstance(node, list):
        for item in node:
            _readable_sizes(item)
    elif isinstance(node, dict):
        default = node.get("default")
        if node.get("type") == "string" and isinstance(default, int):
            node["default"] = written_size(default)
        elif isinstance(default, dict):
            del node["default"]  # a whole section; each of its keys states its own
        for item in list(node.values()):
            _readable_sizes(item)
