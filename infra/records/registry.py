"""Which applications can carry records from unit to unit, by their service."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Carrier:
    """service: as the application's description names it; container: where the program runs;
    config: the directory there that holds the application's configuration."""

    service: str
    container: str
    config: str

    @property
    def program(self) -> str:
        """The text of the program, for Python inside the container."""
        return (Path(__file__).parent / "programs" / f"{self.service}.py").read_text("utf-8")


@cache
def carriers() -> dict[str, Carrier]:
    """Service → what carries its records."""
    from infra.services import tryton

    known = (Carrier(tryton.SERVICE, tryton.NAME, tryton.CONFIG),)
    return {c.service: c for c in known}
