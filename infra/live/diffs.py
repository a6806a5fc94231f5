"""A rendered file beside what stands on its host, without what must not be shown."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from infra.live.hidden import Hider
from infra.live.known import DEPLOY_KEY
from infra.report.content import Property
from infra.resources import File

LIMIT = 256 * 1024  # bytes of a file that are fetched at most
SHOWN = 160  # lines of a diff that are shown at most

Resolve = Callable[[str], str]


def closed(file: File) -> bool:
    """Whether the file's content must not even be fetched: it holds a secret or a certificate."""
    return any(secret_id != DEPLOY_KEY for secret_id in file.secrets)


def secrets_of(file: File) -> str:
    """What the file holds, for whoever may not see it."""
    return f"it holds {', '.join(f'secret://{i}' for i in file.secrets)}; not shown"


def planned_text(file: File, resolve: Resolve) -> str:
    """The content of a file that is not closed."""
    return resolve(file.content)


def unified(before: str, after: str) -> str:
    """The two texts' unified diff without its header, cut after SHOWN lines."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3))[
        2:
    ]
    more = len(lines) - SHOWN
    if more > 0:
        lines = [*lines[:SHOWN], f"… {more} more lines"]
    return "\n".join(lines)


def differences(
    file: File, seen: dict[str, Any], resolve: Resolve, hider: Hider, *, live_first: bool
) -> tuple[tuple[Property, ...], str]:
    """Mode and owner as properties, content as a diff.

    seen: as onhost/current.py tells it; live_first: the host's side is "before" (a plan), else
    it is "after" (a drift).
    """
    pairs = []
    if seen.get("kind") == "file":
        pairs = [
            ("mode", seen["mode"], f"{file.mode:04o}"),
            ("owner", seen["owner"], file.owner),
            ("group", seen["group"], file.group),
        ]
    found = tuple(
        Property(name, *((live, planned) if live_first else (planned, live)))
        for name, live, planned in pairs
        if live != planned
    )
    content = seen.get("content")
    if closed(file) or (content is None and seen.get("kind") == "file"):
        return found, ""
    planned = planned_text(file, resolve)
    live = hider.text(content or "", planned)
    return found, unified(live, planned) if live_first else unified(planned, live)
