"""Units that came from others, and those that ended."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.rules import Broken, View, rule


@rule("HN-M100")
def a_unit_goes_into_one_other(view: View) -> Iterator[Broken]:
    """Old names and records lead to one place. A unit that is divided stays, or goes into one of
    its parts; the others say split_from."""
    heirs: dict[str, str] = {}
    for unit in view.units:
        for n, name in enumerate(unit.predecessors):
            if (first := heirs.setdefault(name, unit.id)) != unit.id:
                what = f'"{name}" is a predecessor of {first} already'
                remedy = "keep it with the unit that took over its data; the other says split_from"
                yield Broken(unit, ("predecessors", n), what, remedy)


@rule("HN-M101")
def closed_units_deploy_nothing(view: View) -> Iterator[Broken]:
    """A unit's operators may deploy that unit alone, and a closed one has nothing to deploy."""
    for unit in view.units:
        if unit.closed and unit.operators:
            what = f"the unit closed on {unit.closed} and still has operators"
            remedy = "name them at the unit that followed, if they work there, and remove them here"
            yield Broken(unit, ("operators",), what, remedy)


@rule("HN-M102")
def heirs_are_there_when_units_close(view: View) -> Iterator[Broken]:
    """A unit cannot go into one that had ended before."""
    units = {u.id: u for u in view.units}
    for unit in view.units:
        for n, name in enumerate(unit.predecessors):
            ended = units[name].closed if name in units else None
            if unit.closed and ended and ended > unit.closed:
                what = f"{name} closed on {ended}, when {unit.id} had been closed on {unit.closed}"
                remedy = "correct a date, or name the unit that was there"
                yield Broken(unit, ("predecessors", n), what, remedy)


@rule("HN-M103")
def a_unit_splits_off_or_follows(view: View) -> Iterator[Broken]:
    """Of a predecessor a unit has everything, of a unit it split off from only a part."""
    for unit in view.units:
        if unit.split_from and unit.split_from in unit.predecessors:
            what = f'"{unit.split_from}" is a predecessor, and the unit split off from it too'
            remedy = "keep split_from if it stayed open then, else keep it in predecessors"
            yield Broken(unit, ("split_from",), what, remedy)


@rule("HN-M104")
def waves_have_an_owner_who_is_there(view: View) -> Iterator[Broken]:
    """Somebody answers for a wave from its first day."""
    closed = {u.id: u.closed for u in view.units if u.closed}
    for n, wave in enumerate(view.roadmap.waves if view.roadmap else ()):
        ended = closed.get(wave.owner)
        if ended and wave.starts and wave.starts >= ended:
            what = f"the unit {wave.owner} closed on {ended}; the wave starts on {wave.starts}"
            remedy = "name the unit that followed it, or another owner"
            yield Broken(view.roadmap, ("waves", n, "owner"), what, remedy)  # type: ignore[arg-type]
