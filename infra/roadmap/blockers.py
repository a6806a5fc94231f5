"""What is in the way of a wave: one small function for each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from infra.model.schema import Model, SelfHosted
from infra.placement import application_hosts
from infra.roadmap.content import Blocker, WaveView

LISTED = 4  # ids that a line names before it counts the rest


def of(
    model: Model, view: WaveView, before: Sequence[WaveView], parts: frozenset[str], today: date
) -> Iterator[Blocker]:
    """Everything in the way of the wave, what stops it first; nothing for one that is done.

    before: the waves above it, with their own states; parts: what the toolkit deploys.
    """
    if view.state == "done":
        return
    found = [
        *_own_gates(view),
        *_gates_before(view, before),
        *_unfinished(view),
        *_order(view, before),
        *_toolkit(model, view, parts),
        *_units(model, view),
        *_choices(view),
        *_dates(view, today),
    ]
    yield from sorted(found, key=lambda b: not b.stops)


def _own_gates(view: WaveView) -> Iterator[Blocker]:
    for gate in view.gates if view.state in ("deployed", "begun") else ():
        if not gate.ok:
            yield Blocker("gate", True, f"gate {gate.name}: {gate.why}", gate.shown_by)


def _gates_before(view: WaveView, before: Sequence[WaveView]) -> Iterator[Blocker]:
    """What a deploy refuses the next wave for; those behind it wait for that one anyhow."""
    seen: set[str] = set()
    for wave in before if view.state == "next" else ():
        for gate in wave.gates if wave.state in ("deployed", "begun") else ():
            if not gate.ok and gate.name not in seen:
                seen.add(gate.name)
                what = f"gate {gate.name} of the wave {wave.id}: {gate.why}"
                yield Blocker("gate", True, what, gate.shown_by)


def _unfinished(view: WaveView) -> Iterator[Blocker]:
    if view.state == "begun":
        remedy = f"hanoi deploy --through {view.id}"
        yield Blocker("order", True, "its rollout has not ended at all sites", remedy)


def _order(view: WaveView, before: Sequence[WaveView]) -> Iterator[Blocker]:
    """A later wave only: what is next has nothing before it, and what runs has it behind it."""
    waiting = [w.id for w in before if w.state in ("next", "later")]
    if view.state == "later" and waiting:
        what = f"{_names(waiting)} {'comes' if len(waiting) == 1 else 'come'} first"
        yield Blocker("order", False, what, f"hanoi deploy --through {waiting[0]}")


def _toolkit(model: Model, view: WaveView, parts: frozenset[str]) -> Iterator[Blocker]:
    """What the toolkit cannot deploy yet (its checks would come with it), and gates of what it
    can that no check carries."""
    lacking = list(_lacking(model, view, parts))
    yield from lacking
    for gate in view.gates if view.state in ("next", "later") and not lacking else ():
        if gate.state == "unchecked":
            what = f"no check carries the gate {gate.name}, so it can never pass"
            remedy = f"write its checks (docs/verify.md) before the wave after {view.id}"
            yield Blocker("gate", False, what, remedy)


def _lacking(model: Model, view: WaveView, parts: frozenset[str]) -> Iterator[Blocker]:
    for part in view.platform:
        if parts and part not in parts:
            what = f"this toolkit does not deploy the platform part {part} yet"
            yield Blocker("toolkit", True, what, f"add a module for {part}: docs/services.md")
    for entry in view.applications:
        service = model.app(entry.app).service
        if service is None:
            what = f"the application {entry.app} has no service: it is planned only"
            yield Blocker("toolkit", True, what, f"name its service: in apps/{entry.app}.yaml")
        elif parts and f"app:{service}" not in parts:
            what = f"this toolkit has no service {service}, which {entry.app} names"
            yield Blocker("toolkit", True, what, f"add a module for {service}: docs/services.md")


def _units(model: Model, view: WaveView) -> Iterator[Blocker]:
    """Units whose choice cannot be carried out as it stands."""
    for entry in view.applications:
        app = model.app(entry.app)
        modes = dict(entry.units)
        for name in modes.get("self-hosted", ()):
            choice = model.unit(name).applications[entry.app]
            if isinstance(choice, SelfHosted) and choice.backup is None:
                what = f"{name} hosts {entry.app} itself, and says not where its copies go"
                remedy = f"add backup: to applications.{entry.app} in units/{name}.yaml"
                yield Blocker("unit", True, what, remedy)
        for name in modes.get("central", ()) if app.serves == "one-unit" else ():
            unit = model.unit(name)
            chosen = getattr(unit.applications[entry.app], "host", None)
            if not chosen and not application_hosts(model, unit.home):
                what = f"no host at {unit.home}, the home of {name}, runs applications"
                remedy = f"name host: for {entry.app} in units/{name}.yaml"
                yield Blocker("unit", True, what, remedy)


def _choices(view: WaveView) -> Iterator[Blocker]:
    for entry in view.applications:
        undecided = dict(entry.units).get("none", ())
        if not entry.unit_count:
            what = f"no unit has chosen {entry.app} yet"
            yield Blocker("choice", True, what, f"add {entry.app}: with a mode to units' files")
        elif undecided:
            what = f"no choice for {entry.app} yet from {_names(undecided)}"
            remedy = f"add {entry.app}: with a mode to their files, or name the wave's units"
            yield Blocker("choice", False, what, remedy)


def _dates(view: WaveView, today: date) -> Iterator[Blocker]:
    if view.ends and view.ends < today:
        what = f"it was to end on {view.ends}, {_ago(today, view.ends)}"
        yield Blocker("date", False, what, "agree on a new date with its owner")
    elif view.starts and view.starts < today and view.state in ("next", "later"):
        what = f"it was to start on {view.starts}, {_ago(today, view.starts)}"
        yield Blocker("date", False, what, "begin it, or agree on a new date with its owner")


def _ago(today: date, then: date) -> str:
    days = (today - then).days
    return f"{days} day{'' if days == 1 else 's'} ago"


def _names(ids: Sequence[str]) -> str:
    if len(ids) <= LISTED + 1:
        return ", ".join(ids)
    return f"{', '.join(ids[:LISTED])} and {len(ids) - LISTED} more"
