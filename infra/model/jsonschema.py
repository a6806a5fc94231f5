"""JSON Schemas for editors: `python -m infra.model.jsonschema [DIRECTORY]` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra.model.jsonform import json_schema
from infra.model.schema import KINDS


def rendered(kind: str) -> str:
    """The schema as the committed file holds it."""
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(directory: Path) -> list[Path]:
    """Writes <kind>.schema.json for every kind into `directory`; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / f"{kind}.schema.json" for kind in KINDS]
    for kind, file in zip(KINDS, files, strict=True):
        file.write_text(rendered(kind), encoding="utf-8")
    return files


if __name__ == "__main__":
    from infra import paths

    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else paths.sites() / ".schema"):
        print(path)
