"""The files of a unit's application: volumes, brought level between two hosts.

Not used while an application keeps everything in its database.
"""

from __future__ import annotations

from collections.abc import Callable

from infra.moves.ends import End
from infra.moves.record import Move


def copy(source: End, target: End, move: Move, say: Callable[[str], None]) -> None:
    """Bring the target's volumes level with the source's."""
    if move.volumes:
        raise NotImplementedError("volumes do not move yet")


def differences(source: End, target: End, move: Move) -> list[str]:
    """Files that are not the same at both places, in words."""
    return []
