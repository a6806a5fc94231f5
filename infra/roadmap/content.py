"""The roadmap as people and programs read it: one frozen value, several forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from infra.model.schema import Name
from infra.roadmap.gates import Gate
from infra.state.waves import Despite

# done: deployed, and its gates pass. deployed: without that being shown. begun: a rollout that no
# run over all sites has finished. next: the first that has not begun. later: the rest.
WaveState = Literal["done", "deployed", "begun", "next", "later"]
Kind = Literal["gate", "order", "toolkit", "unit", "choice", "date"]
Mode = Literal["central", "self-hosted", "external", "none"]
MODES: tuple[Mode, ...] = ("central", "self-hosted", "external", "none")


@dataclass(frozen=True)
class Blocker:
    """What is in the way. kind: what it is about; stops: the wave cannot begin (or be done) with
    it, otherwise it is left to settle; what: the fact; remedy: what to do."""

    kind: Kind
    stops: bool
    what: str
    remedy: str


@dataclass(frozen=True)
class Group:
    """A group of administrative procedures that a wave brings."""

    id: str
    name: Name
    level: int
    count: int


@dataclass(frozen=True)
class Entering:
    """An application in a wave. units: open units by how they want it, "none" for those that have
    not chosen; fresh: units that no earlier wave brings it to; of_all: the wave names all units."""

    app: str
    name: Name
    units: tuple[tuple[Mode, tuple[str, ...]], ...]
    fresh: int
    of_all: bool
    groups: tuple[Group, ...]

    @property
    def unit_count(self) -> int:
        """Units that chose it."""
        return sum(len(names) for mode, names in self.units if mode != "none")

    @property
    def procedures(self) -> int:
        return sum(g.count for g in self.groups)


@dataclass(frozen=True)
class WaveView:
    """One wave. deployed_at: when a run over all sites had brought it, "" before."""

    id: str
    name: Name
    owner: str
    owner_name: Name
    starts: date | None
    ends: date | None
    state: WaveState
    deployed_at: str
    platform: tuple[str, ...]
    applications: tuple[Entering, ...]
    gates: tuple[Gate, ...]
    blockers: tuple[Blocker, ...]
    despite: tuple[Despite, ...]

    @property
    def procedures(self) -> int:
        return sum(a.procedures for a in self.applications)

    @property
    def stopped(self) -> bool:
        return any(b.stops for b in self.blockers)


@dataclass(frozen=True)
class Coverage:
    """A group of procedures and the first wave that brings it, "" where none does."""

    group: Group
    wave: str


@dataclass(frozen=True)
class Procedures:
    """All procedures. total: as the source states it; listed: the groups' sum, which may differ;
    done: of the groups, in waves that are done; note: why the two numbers differ."""

    total: int
    listed: int
    done: int
    groups: tuple[Coverage, ...]
    note: str


@dataclass(frozen=True)
class Overview:
    """The whole roadmap on one day. current: as far as a deploy goes by itself; live: the gates
    were looked at for it, otherwise they are as last recorded."""

    ministry: Name
    today: date
    current: str
    live: bool
    waves: tuple[WaveView, ...]
    procedures: Procedures | None

    @property
    def done(self) -> int:
        return sum(w.state == "done" for w in self.waves)

    @property
    def next(self) -> WaveView | None:
        """The first wave that has not begun."""
        return next((w for w in self.waves if w.state == "next"), None)
