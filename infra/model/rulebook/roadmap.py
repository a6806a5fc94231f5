"""What comes first, what later."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.rulebook.references import PLATFORM
from infra.model.rules import Broken, View, rule


@rule("HN-M090")
def needs_come_first(view: View) -> Iterator[Broken]:
    """An application enters service with or after what it needs, never before."""
    if not view.roadmap:
        return
    apps = {a.id: a for a in view.apps}
    ready: set[str] = set()
    for n, wave in enumerate(view.roadmap.waves):
        ready.update(wave.platform)
        ready.update(entry.app for entry in wave.applications)
        for m, entry in enumerate(wave.applications):
            needs = apps[entry.app].needs if entry.app in apps else ()
            for need in needs:
                if need in ready or need not in PLATFORM | set(apps):
                    continue
                what = f"{entry.app} needs {need}, which no wave up to {wave.id} brings"
                remedy = f"move {entry.app} to a later wave, or {need} to an earlier one"
                yield Broken(view.roadmap, ("waves", n, "applications", m, "app"), what, remedy)


@rule("HN-M091")
def dates_follow_the_order(view: View) -> Iterator[Broken]:
    """Waves stand in the order in which they begin, and none ends before it begins."""
    latest = None
    if not view.roadmap:
        return
    for n, wave in enumerate(view.roadmap.waves):
        if wave.starts and wave.ends and wave.ends < wave.starts:
            what = f"the wave ends on {wave.ends}, before it starts on {wave.starts}"
            yield Broken(view.roadmap, ("waves", n, "ends"), what, "correct one of the two dates")
        if wave.starts and latest and wave.starts < latest[0]:
            what = f"the wave starts on {wave.starts}, before {latest[1]} on {latest[0]}"
            remedy = "put the waves in the order of their dates"
            yield Broken(view.roadmap, ("waves", n, "starts"), what, remedy)
        if wave.starts and (latest is None or wave.starts > latest[0]):
            latest = (wave.starts, wave.id)


@rule("HN-M092")
def waves_bring_what_units_chose(view: View) -> Iterator[Broken]:
    """A unit named in a wave has said how it wants that application, and is still open."""
    units, apps = {u.id: u for u in view.units}, view.ids("app")
    if not view.roadmap:
        return
    for n, wave in enumerate(view.roadmap.waves):
        for m, entry in enumerate(wave.applications):
            for i, name in enumerate(entry.units if entry.units != "all" else ()):
                unit = units.get(name)
                at = ("waves", n, "applications", m, "units", i)
                if unit and unit.closed:
                    what = f"the unit {name} closed on {unit.closed}"
                    yield Broken(view.roadmap, at, what, "name the unit that followed it")
                elif unit and entry.app in apps and entry.app not in unit.applications:
                    what = f"the unit {name} has made no choice for {entry.app}"
                    remedy = f"add {entry.app}: with a mode to units/{name}.yaml"
                    yield Broken(view.roadmap, at, what, remedy)


@rule("HN-M093")
def every_wave_brings_something(view: View) -> Iterator[Broken]:
    """A wave without content is a slip."""
    if not view.roadmap:
        return
    for n, wave in enumerate(view.roadmap.waves):
        if not wave.platform and not wave.applications:
            what = f"the wave {wave.id} brings nothing"
            yield Broken(view.roadmap, ("waves", n), what, "add platform: or applications:")
