"""What comes first, what later."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.explain import suggestion
from infra.model.gates import carried
from infra.model.positions import Path
from infra.model.rulebook.references import PLATFORM
from infra.model.rules import Broken, View, rule
from infra.model.schema import App, Wave


@rule("HN-M090")
def needs_come_first(view: View) -> Iterator[Broken]:
    """What enters service does so with or after what it needs, never before."""
    if not view.roadmap:
        return
    apps = {a.id: a for a in view.apps}
    ready: set[str] = set()
    for n, wave in enumerate(view.roadmap.waves):
        ready.update(wave.platform)
        ready.update(entry.app for entry in wave.applications)
        for at, name in _brought(wave):
            for need in _needs(name, apps):
                if need in ready or need not in PLATFORM | set(apps):
                    continue
                what = f"{name} needs {need}, which no wave up to {wave.id} brings"
                remedy = f"move {name} to a later wave, or {need} to an earlier one"
                yield Broken(view.roadmap, ("waves", n, *at), what, remedy)


def _brought(wave: Wave) -> Iterator[tuple[Path, str]]:
    """Where in the wave, and what: platform parts and applications."""
    for m, part in enumerate(wave.platform):
        yield ("platform", m), part
    for m, entry in enumerate(wave.applications):
        yield ("applications", m, "app"), entry.app


def _needs(name: str, apps: dict[str, App]) -> tuple[str, ...]:
    """Every platform part runs on the infrastructure; more is stated where the catalogue has it
    as an application too (the sharing platform)."""
    stated = apps[name].needs if name in apps else ()
    if name not in PLATFORM or name == "infrastructure" or "infrastructure" in stated:
        return stated
    return ("infrastructure", *stated)


@rule("HN-M091")
def dates_follow_the_order(view: View) -> Iterator[Broken]:
    """Waves stand in the order in which they begin and end, and none ends before it begins.

    They may overlap: a wave is prepared while the one before it still runs. It cannot be over
    before that one is.
    """
    latest = ended = None
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
        backwards = wave.ends and wave.starts and wave.ends < wave.starts  # said above
        if wave.ends and ended and wave.ends < ended[0] and not backwards:
            what = f"the wave ends on {wave.ends}, before {ended[1]}, which ends on {ended[0]}"
            remedy = "let a wave end with or after those above it"
            yield Broken(view.roadmap, ("waves", n, "ends"), what, remedy)
        if wave.ends and (ended is None or wave.ends > ended[0]):
            ended = (wave.ends, wave.id)


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


@rule("HN-M094")
def gates_are_checked(view: View) -> Iterator[Broken]:
    """A gate is a tag that some compliance check carries; otherwise it could never pass.

    What the catalogue has without a service is planned only, and its checks come with it: until
    then its own id may stand as a gate.
    """
    tags = carried()
    if not view.roadmap or tags is None or "app" in view.unread:
        return
    read = {a.id for a in view.apps}
    planned = {a.id for a in view.apps if a.service is None} | (view.ids("app") - read)
    for n, wave in enumerate(view.roadmap.waves):
        for m, name in enumerate(wave.gates):
            if name not in tags | planned:
                what = f'no check carries the gate "{name}"'
                remedy = (
                    suggestion(name, sorted(tags)) or "write its checks first (docs/verify.md), "
                )
                remedy += "or leave it out"
                yield Broken(view.roadmap, ("waves", n, "gates", m), what, remedy)


@rule("HN-M096", whole=True)
def data_come_first(view: View) -> Iterator[Broken]:
    """An application that uses data enters service with or after one that shares them.

    Two that use each other's are not asked: one of them is the first.
    """
    assert view.roadmap
    apps = {a.id: a for a in view.apps}
    first: dict[str, int] = {}
    for n, wave in enumerate(view.roadmap.waves):
        for entry in wave.applications:
            first.setdefault(entry.app, n)
    for n, wave in enumerate(view.roadmap.waves):
        for m, entry in enumerate(wave.applications):
            for data in apps[entry.app].uses if entry.app in apps else ():
                sharers = [a for a in view.apps if data in a.shares and a.id in first]
                if not sharers or any(
                    first[a.id] <= n or _back(a, entry.app, apps) for a in sharers
                ):
                    continue
                names = ", ".join(a.id for a in sharers)
                what = f"{entry.app} uses {data}, which only later waves bring ({names})"
                remedy = f"move {entry.app} to a later wave, or {names} to an earlier one"
                yield Broken(view.roadmap, ("waves", n, "applications", m, "app"), what, remedy)


def _back(sharer: App, name: str, apps: dict[str, App]) -> bool:
    """Whether the sharer itself needs the application, or uses what that one shares."""
    return name in sharer.needs or bool(set(sharer.uses) & set(apps[name].shares))
