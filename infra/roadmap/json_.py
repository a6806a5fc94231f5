"""The roadmap for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from infra.model.schema import Name
from infra.roadmap.content import Overview


def render(value: Overview) -> str:
    """Every field by its name in infra/roadmap/content.py; what follows from them is added."""
    made = asdict(value)
    made["done"] = value.done
    made["next"] = value.next.id if value.next else None
    for wave, view in zip(made["waves"], value.waves, strict=True):
        wave["procedures"] = view.procedures
        wave["stopped"] = view.stopped
    return json.dumps(made, indent=2, ensure_ascii=True, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, Name) else str(value)
