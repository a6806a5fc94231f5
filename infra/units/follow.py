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
from infra.model.schema import Central, External, Model, SelfHosted, Unit
from infra.plan import plan
from infra.report.content import Report

Line = tuple[str, str]  # what it is about, what happens


def consequences(before: Model, after: Model) -> tuple[Line, ...]:
    """What follows of a change between two sound models, most grave first."""
    made = compared(Side("before", before, plan(before)), Side("after", after, plan(after)))
    lines = [*_dangers(made), *_choices(before, after), *_names(before, after)]
    lines += [*_pauses(made), *_data(made), *_homes(before, after), *_roadmap(made)]
    return tuple(dict.fromkeys(lines))


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
            keeps = any(a.id == app and a.database for a in before.apps)
            heir = heirs.get(now.id) if now.closed else None
            yield "choice", f"{app} of {now.id}: {mode(old) or 'none'} → {mode(new) or 'none'}"
            if keeps and (told := _moving(old, new, heir, app)):
                yield "data", f"{app} of {now.id}: {told}"


def _moving(old: Any, new: Any, heir: Unit | None, app: str) -> str:
    """What happens to the data of one choice, in words; nothing where there is none yet."""
    ours, then = (isinstance(c, Central | SelfHosted) for c in (old, new))
    if isinstance(old, External) and then:
        return "it begins empty; the unit's administrators bring what its own system holds"
    if ours and isinstance(new, External):
        return "it stays where it is until the unit's own system has taken it over"
    if ours and then and _home(old) != _home(new):
        return f"it has to move: {_home(old)} → {_home(new)}"
    if ours and new is None and heir:
        choice = heir.applications.get(app)
        return f"it has to go into {heir.id} ({mode(choice) or 'no choice'})"
    return "it stays where it is, without a user" if ours and new is None else ""


def _home(choice: Any) -> str:
    """Where a choice's data is, as far as the choice alone says."""
    if isinstance(choice, SelfHosted):
        return choice.host
    return f"central on {choice.host}" if choice.host else "central"


def _names(before: Model, after: Model) -> Iterator[Line]:
    domain = after.ministry.domain
    heirs = {old: u for u in after.units for old in u.predecessors}
    for was, now in _pairs(before, after):
        if was is None:
            apps = [a for a, c in now.applications.items() if isinstance(c, Central)]
            yield from (("page", f"{a}-{now.host_label}.{domain} is new") for a in apps)
            continue
        heir = heirs.get(now.id) if now.closed and not was.closed else None
        label = heir.host_label if heir else now.host_label
        if label != was.host_label:
            for app in was.applications:
                leads = f"{app}-{was.host_label}.{domain} leads to {app}-{label}.{domain}"
                yield "page", leads


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
                if app in single and isinstance(choice, Central) and not choice.host:
                    yield "data", f"{app} of {now.id} has to move: {was.home} → {now.home}"


def _roadmap(made: Report) -> Iterator[Line]:
    yield from (("roadmap", text) for text in made.summary.waves)
