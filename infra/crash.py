"""Failures that nobody foresaw: kept whole in a file, told to the operator in three lines."""

from __future__ import annotations

import time
import traceback

from infra import paths
from infra.errors import Problem


def record(failure: Exception) -> Problem:
    """Write the traceback to <state>/crashes/ (0600) and say what to do. Never raises."""
    where = paths.state() / "crashes" / f"{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        where.touch(mode=0o600)
        # No values of local variables: they could be secrets.
        where.write_text("".join(traceback.format_exception(failure)))
        kept = f"the details are in {where}"
    except OSError as unwritable:
        kept = f"the details could not be kept ({unwritable.strerror})"
    return Problem(
        "hanoi",
        "HN-X001",
        f"an unforeseen failure: {type(failure).__name__}; {kept}",
        "Run the same command again. If it fails again, report it with that file.",
    )
