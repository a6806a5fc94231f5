"""One JSON file of the state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.errors import error
from infra.files import write_atomically


class Store:
    """A JSON object in a file; a missing file is an empty object."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> dict[str, Any]:
        """Raises HN-D003 where the file is not a JSON object."""
        try:
            content = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as failure:
            raise self.damaged(str(failure)) from None
        if not isinstance(content, dict):
            raise self.damaged("not a JSON object")
        return content

    def write(self, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        write_atomically(self.path, f"{text}\n".encode())

    def damaged(self, why: str) -> Exception:
        """The error HN-D003, for content that is not what its reader wrote."""
        return error(
            "HN-D003",
            str(self.path),
            f"the state file cannot be read: {why}",
            "put back a copy of it; docs/errors.md (HN-D003) says what is lost without one",
        )
