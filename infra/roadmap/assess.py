"""Model and what is known → Overview: a pure function, without clock, files or hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from infra.model.schema import Model, Wave, WaveApplication
from infra.roadmap import blockers
from infra.roadmap.content import (
    MODES,
    Coverage,
    Entering,
    Group,
    Mode,
    Overview,
    Procedures,
    WaveState,
    WaveView,
)
from infra.roadmap.gates import Gate, ahead, gate
from infra.state.waves import GateResult, Reached


@dataclass(frozen=True)
class Known:
    """What is known beside the model. reached, results: as the state has them; carried: gates that
    checks carry, None where that is not known; parts: platform parts and services (as
    `app:<service>`) that this toolkit deploys; live: the results were fetched just now."""

    reached: Reached = field(default_factory=Reached)
    results: Mapping[str, GateResult] = field(default_factory=dict)
    carried: frozenset[str] | None = None
    parts: frozenset[str] = frozenset()
    live: bool = False


def assess(model: Model, known: Known, today: date) -> Overview:
    """The roadmap as it stands today."""
    views: list[WaveView] = []
    for wave in model.roadmap.waves:
        views.append(_view(model, wave, known, today, tuple(views)))
    return Overview(
        ministry=model.ministry.name,
        today=today,
        current=model.roadmap.current,
        live=known.live,
        waves=tuple(views),
        procedures=_procedures(model, tuple(views)),
    )


def _view(
    model: Model, wave: Wave, known: Known, today: date, before: tuple[WaveView, ...]
) -> WaveView:
    changed = known.reached.changed
    gates = tuple(gate(g, known.results, changed, known.carried) for g in wave.gates)
    if wave.id not in known.reached.entered:
        gates = tuple(ahead(g) for g in gates)
    entering = tuple(_entering(model, wave, entry, before) for entry in wave.applications)
    state = _state(wave, known, gates, before)
    view = WaveView(
        id=wave.id,
        name=wave.name,
        owner=wave.owner,
        owner_name=model.unit(wave.owner).name,
        starts=wave.starts,
        ends=wave.ends,
        state=state,
        deployed_at=dict(known.reached.deployed).get(wave.id, ""),
        platform=wave.platform,
        applications=entering,
        gates=gates,
        blockers=(),
        despite=tuple(d for d in known.reached.despite if wave.id in d.waves),
    )
    found = tuple(blockers.of(model, view, before, known.parts, today))
    return replace(view, blockers=found)


def _state(
    wave: Wave, known: Known, gates: tuple[Gate, ...], before: tuple[WaveView, ...]
) -> WaveState:
    if wave.id in dict(known.reached.deployed):
        return "done" if all(g.ok for g in gates) else "deployed"
    if wave.id in known.reached.entered:
        return "begun"
    return "later" if any(w.state == "next" for w in before) else "next"


def _entering(
    model: Model, wave: Wave, entry: WaveApplication, before: tuple[WaveView, ...]
) -> Entering:
    open_units = [u for u in model.units if not u.closed]
    named = [u for u in open_units if entry.units == "all" or u.id in entry.units]
    by_mode: dict[Mode, list[str]] = {mode: [] for mode in MODES}
    for unit in named:
        choice = unit.applications.get(entry.app)
        by_mode[choice.mode if choice else "none"].append(unit.id)
    chose = {u for mode, names in by_mode.items() if mode != "none" for u in names}
    earlier = {
        u
        for w in before
        for a in w.applications
        if a.app == entry.app
        for mode, names in a.units
        if mode != "none"
        for u in names
    }
    return Entering(
        app=entry.app,
        name=model.app(entry.app).name,
        units=tuple((mode, tuple(names)) for mode, names in by_mode.items() if names),
        fresh=len(chose - earlier),
        of_all=entry.units == "all",
        groups=tuple(g for g in _groups(model) if g.id in entry.groups),
    )


def _groups(model: Model) -> tuple[Group, ...]:
    stated = model.ministry.procedures
    return tuple(Group(g.id, g.name, g.level, g.count) for g in (stated.groups if stated else ()))


def _procedures(model: Model, views: tuple[WaveView, ...]) -> Procedures | None:
    stated = model.ministry.procedures
    if stated is None:
        return None
    first: dict[str, WaveView] = {}
    for view in views:
        for application in view.applications:
            for group in application.groups:
                first.setdefault(group.id, view)
    groups = _groups(model)
    return Procedures(
        total=stated.total,
        listed=sum(g.count for g in groups),
        done=sum(g.count for g in groups if g.id in first and first[g.id].state == "done"),
        groups=tuple(Coverage(g, first[g.id].id if g.id in first else "") for g in groups),
        note=stated.note or "",
    )
