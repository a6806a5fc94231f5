"""How far each move has come (moves.json), so that a killed one is continued or taken back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from infra import paths
from infra.placement import Place
from infra.state.store import Store

# In order. Up to COMPARE the first place serves, or will again when the move is taken back.
PREPARE, COPY, FOLLOW, PAUSE, FENCE, SYNC, COMPARE, SWITCH, OPEN, KEPT = PHASES = (
    "prepare",  # the structure at the second place
    "copy",  # its rows, while users work
    "follow",  # what users change meanwhile
    "pause",  # the gateways ask users to wait
    "fence",  # the first place lets the application in no more
    "sync",  # the last changes, sequences, large objects, files
    "compare",  # both copies, table by table
    "switch",  # the second place is the home; the first one follows it
    "open",  # the gateways send users there
    "kept",  # over; the first place is kept up to date until it is told to go
)


@dataclass(frozen=True)
class Move:
    """One move. source, target: places in their written form; phase: the step to be done next
    (one of PHASES); started, paused, opened: ISO 8601; undone: taken back on purpose, so that no
    deploy begins it again; keep_until: the last day on which it can be undone as promised; undoing:
    it takes another back and leads the other way, until it ends as that one undone."""

    application: str
    unit: str
    database: str
    source: str
    target: str
    phase: str = PREPARE
    started: str = ""
    paused: str = ""
    opened: str = ""
    keep_until: str = ""
    undone: bool = False
    undoing: bool = False

    @property
    def name(self) -> str:
        """As operators are told: personnel of vnnic."""
        return f"{self.application} of {self.unit}"

    @property
    def link(self) -> str:
        """The name of the publication, the subscription and its slot; one a database."""
        return f"move_{self.database}"[:63]

    @property
    def ends(self) -> tuple[Place, Place]:
        return Place.parse(self.source), Place.parse(self.target)

    @property
    def over(self) -> bool:
        return self.phase == KEPT or self.undone

    @property
    def switched(self) -> bool:
        """Whether the second place is the home, or is about to be."""
        return PHASES.index(self.phase) >= PHASES.index(SWITCH)

    @property
    def at(self) -> str:
        """Where one that is over has brought users."""
        return self.source if self.undone else self.target


class MoveRecord:
    """One entry for each unit's application that has been moved."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "moves.json")

    def all(self) -> tuple[Move, ...]:
        """Every move, sorted by application and unit. Raises HN-D003."""
        content = self._store.read()
        return tuple(Move(**content[name]) for name in sorted(content))

    def get(self, application: str, unit: str) -> Move | None:
        return next((m for m in self.all() if (m.application, m.unit) == (application, unit)), None)

    def write(self, move: Move) -> Move:
        content = self._store.read()
        self._store.write({**content, f"{move.application}/{move.unit}": asdict(move)})
        return move

    def reached(self, move: Move, phase: str, **more: str | bool) -> Move:
        """The move goes on with this phase."""
        return self.write(replace(move, phase=phase, **more))  # type: ignore[arg-type]

    def forget(self, move: Move) -> None:
        content = self._store.read()
        if content.pop(f"{move.application}/{move.unit}", None) is not None:
            self._store.write(content)


def now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def seconds_between(first: str, last: str) -> float:
    """Between two of now()'s answers."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
