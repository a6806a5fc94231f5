"""What a change of the description brings when it is deployed, in a few lines.

The change is compared by the same code as `hanoi diff`, but with the description as it was a
moment ago: other edits in the working tree are not told as if they came from this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.diff.description import mode
from infra.diff.review import compared
from infra.diff.side import Side
from infra.model.schema import Central, External, Model, SelfHosted, Unit, Wave
from infra.plan import plan, plan_after
from infra.report.content import Report

Line = tuple[str, str]  # what it is about, what happens


def consequences(before: Model, after: Model) -> tuple[Line, ...]:
    """What follows of a change between two sound models, dangers first."""
    of_plan = planned(before, after)
    dangers = [line for line in of_plan if line[0] in ("refused", "danger")]
    return tuple(dict.fromkeys((*dangers, *described(before, after), *of_plan)))


def described(before: Model, after: Model) -> tuple[Line, ...]:
    """What the description alone tells: choices, whose data has to move, pages, homes."""
    lines = (*_choices(before, after), *_names(before, after), *_homes(before, after))
    return tuple(dict.fromkeys(lines))


def planned(before: Model, after: Model) -> tuple[Line, ...]:
    """What the plans of both tell: dangers, pauses, data that comes or stays behind, waves."""
    old = plan(before)
    new = plan_after(old.places, after, copies=old.copies)
    made = compared(Side("before", before, old), Side("after", after, new))
    return (*_dangers(made), *_pauses(made), *_data(made), *_roadmap(made))


def _dangers(made: Report) -> Iterator[Line]:
    for finding in made.summary.findings:
        if finding.severity != "note":
            yield finding.severity, f"{finding.where}: {finding.what} ({finding.id})"


def _pairs(before: Model, after: Model) -> Iterator[tuple[Unit | None, Unit]]:
    known = {u.id: u for u in before.units}
    for unit in after.units:
        if known.get(unit.id) != unit:
            yield known.get(unit.id), unit


def _choices(before: Model, after: Model) -> Iterator[Line]:
    """Applications that come, go or change their mode, and what that means for their data."""
    heirs = {old: u for u in after.units for old in u.predecessors}
    for was, now in _pairs(before, after):
        for app in dict.fromkeys((*(was.applications if was else ()), *now.applications)):
            old = was.applications.get(app) if was else None
            new = now.applications.get(app)
            if old == new:
                continue
            heir = heirs.get(now.id) if now.closed else None
            yield "choice", f"{app} of {now.id}: {mode(old) or 'none'} → {mode(new) or 'none'}"
            if was and _runs(before, was, app):
                if told := _moving(old, new, heir, app):
                    yield "data", f"{app} of {now.id}: {told}"
            elif new and not _runs(after, now, app):
                yield "later", f"{app} of {now.id}: {_when(after, now, app)}"


def _runs(model: Model, unit: Unit, app: str) -> bool:
    """Whether the toolkit runs it for the unit by now, as the roadmap says."""
    ours = isinstance(unit.applications.get(app), Central | SelfHosted)
    deployed = ours and any(a.id == app and a.service for a in model.apps)
    return deployed and any(_brings(w, unit, app) for w in model.waves_through())


def _when(model: Model, unit: Unit, app: str) -> str:
    """What has to come before anything runs."""
    if not any(a.id == app and a.service for a in model.apps):
        return "nothing runs yet: the toolkit does not deploy this application"
    wave = next((w.id for w in model.roadmap.waves if _brings(w, unit, app)), None)
    return f"nothing runs before the wave {wave}" if wave else "no wave brings it to the unit"


def _brings(wave: Wave, unit: Unit, app: str) -> bool:
    return any(e.app == app and (e.units == "all" or unit.id in e.units) for e in wave.applications)


def _moving(old: Any, new: Any, heir: Unit | None, app: str) -> str:
    """What happens to the data of a choice that runs, in words."""
    if isinstance(new, External):
        return "it stays where it is until the unit's own system has taken it over"
    if new is None and heir:
        choice = heir.applications.get(app)
        return f"it has to go into {heir.id} ({mode(choice) or 'no choice'})"
    if new is None:
        return "it stays where it is, without a user"
    return f"it has to move: {_home(old)} → {_home(new)}" if _home(old) != _home(new) else ""


def _home(choice: Any) -> str:
    """Where a choice's data is, as far as the choice alone says."""
    if isinstance(choice, SelfHosted):
        return choice.host
    return f"central on {choice.host}" if choice.host else "central"


def _names(before: Model, after: Model) -> Iterator[Line]:
    """Host names that begin, lead elsewhere or end, of what the toolkit runs for a unit."""
    heirs = {old: u for u in after.units for old in u.predecessors}
    for was, now in _pairs(before, after):
        heir = (heirs.get(now.id) if now.closed else None) or now
        apps = dict.fromkeys((*(was.applications if was else ()), *heir.applications))
        for app in apps:
            old = _page(before, was, app) if was else None
            new = _page(after, heir, app)
            if old and new and old != new:
                yield "page", f"{old} leads to {new}"
            elif old and not new:
                yield "page", f"{old} ends"
            elif new and not old and heir is now:
                yield "page", f"{new} is new"


def _page(model: Model, unit: Unit, app: str) -> str | None:
    if not _runs(model, unit, app):
        return None
    return f"{app}-{unit.host_label}.{model.ministry.domain}"


def _pauses(made: Report) -> Iterator[Line]:
    for pause in made.summary.interruptions:
        seconds = f"about {pause.seconds} s" if pause.seconds else "not noticeably"
        at = f" on {pause.host}" if pause.host else ""
        yield "pause", f"{pause.whom}: {pause.what}{at}, {seconds} ({pause.basis})"


def _data(made: Report) -> Iterator[Line]:
    for data in made.summary.data:
        yield "data", f"{data.what} {data.effect}" + (f" on {data.host}" if data.host else "")


def _homes(before: Model, after: Model) -> Iterator[Line]:
    """Instances of a unit's own that stand at its home site go with it."""
    single = {a.id for a in after.apps if a.serves == "one-unit"}
    for was, now in _pairs(before, after):
        if was and was.home != now.home:
            yield "home", f"{now.id}: {was.home} → {now.home}"
            for app, choice in now.applications.items():
                stays = not isinstance(choice, Central) or choice.host or app not in single
                if not stays and _runs(before, was, app):
                    yield "data", f"{app} of {now.id} has to move: {was.home} → {now.home}"


def _roadmap(made: Report) -> Iterator[Line]:
    yield from (("roadmap", text) for text in made.summary.waves)
