"""Units that end, join and part: merge, split, close.

A unit that ends keeps its file, so that its names and records can be told for ever.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.diff.description import mode
from infra.model.rulebook.records import CARRYING
from infra.model.schema import EVERYTHING, Central, External, SelfHosted, Unit
from infra.units import waves
from infra.units.changes import Names, central, described
from infra.units.choices import chosen
from infra.units.draft import Draft, Wish, free_id, known_unit, open_unit, place, refused
from infra.units.files import Description


@dataclass(frozen=True)
class New:
    """The unit that a merge or a split makes: its names and its home (None: the other's)."""

    names: Names
    home: str | None = None


def merge(
    before: Description, gone: Sequence[str], into: str, on: dt.date, new: New | None = None
) -> Wish:
    """The units `gone` close on a date and go into another, which keeps its own choices.

    new: `into` is made by this. Raises HN-U001 to HN-U004, HN-U008.
    """
    _apart(before, gone, into)
    units = [open_unit(before, u) for u in gone]
    draft = Draft(before)
    if new:
        free_id(before, into)
        choices = _joined(before, {}, units, into)
        draft.create(
            into,
            {
                **described(new.names, new.home or units[0].home, choices),
                "predecessors": list(gone),
            },
        )
        apps = set(choices)
    else:
        heir = open_unit(before, into)
        choices = _joined(before, dict(heir.applications), units, into)
        for app, choice in choices.items():
            draft.put(into, ("applications", app), choice)
        draft.extend(into, "predecessors", heir.predecessors, gone)
        apps = {*heir.applications, *choices}
        _tell_differences(draft, heir, units)
    _carry_all(draft, into, units, choices if new else {**heir.applications, **choices})
    for unit in units:
        _end(draft, unit, on)
    waves.follow(draft, set(gone), into, apps)
    waves.own_by(draft, set(gone), into, on)
    return draft.wish()


def _carry_all(draft: Draft, into: str, units: Sequence[Unit], choices: Mapping[str, Any]) -> None:
    """States that records come, of each application that can carry them and that the toolkit ran
    for the unit and runs for the heir; says of the others that they stay."""
    services = {a.id: a.service for a in draft.before.model.apps}
    for unit in units:
        for app, choice in unit.applications.items():
            if isinstance(choice, External):
                continue
            if services.get(app) is None:
                continue
            if services[app] not in CARRYING:
                draft.said.append(
                    f"{app}: what {unit.id} has stays in its own database and files, for the"
                    " application's administrators; nothing of it is carried"
                )
            elif isinstance(choice, SelfHosted):
                draft.said.append(
                    f"{app}: what {unit.id} has stays on {choice.host}; to carry it, first make"
                    f" it central (hanoi unit set-mode {unit.id} {app} central) and deploy"
                )
            elif _mode(choices.get(app)) in ("central", "self-hosted"):
                draft.put(into, ("records", unit.id, app, "carry"), EVERYTHING)


def _mode(choice: Any) -> str:
    return str(choice["mode"] if isinstance(choice, dict) else getattr(choice, "mode", ""))


def close(
    before: Description, unit_id: str, on: dt.date, into: str | None, without_successor: bool
) -> Wish:
    """The unit ends on a date, and goes into another or leaves nothing behind.

    Raises HN-U001, HN-U002, HN-U004, HN-U007, HN-U008.
    """
    if into and without_successor:
        raise refused(
            "HN-U007",
            place(before, known_unit(before, unit_id).id),
            f"the unit {unit_id} was to go into {into}, and to have no successor",
            "leave one of --into and --without-successor out",
        )
    if into:
        return merge(before, [unit_id], into, on)
    unit = open_unit(before, unit_id)
    held = [a for a, c in unit.applications.items() if isinstance(c, Central | SelfHosted)]
    if held and not without_successor:
        raise refused(
            "HN-U007",
            place(before, unit.id, ("applications", held[0])),
            f"the toolkit runs {', '.join(held)} for {unit.id}; its data would belong to nobody",
            "name the unit that takes it over with --into UNIT, or say --without-successor",
        )
    draft = Draft(before)
    _end(draft, unit, on)
    waves.follow(draft, {unit.id}, None, ())
    if held:
        draft.said.append(
            f"the data of {unit.id} ({', '.join(held)}) stays where it is, without a user, until"
            " somebody removes it"
        )
    return draft.wish()


def split(
    before: Description,
    unit_id: str,
    new_id: str,
    new: New,
    apps: Sequence[str],
    carry: Sequence[str] = (),
) -> Wish:
    """A new unit out of one that stays, with some of its central applications.

    carry: logins and identifiers of those whose records come along, in the applications that can
    carry them. Raises HN-U001 to HN-U003, HN-U013, HN-U014, HN-U016.
    """
    unit = open_unit(before, unit_id)
    free_id(before, new_id)
    for app in apps:
        chosen(before, unit, app)
        if not isinstance(unit.applications[app], Central):
            raise refused(
                "HN-U014",
                place(before, unit.id, ("applications", app)),
                f"{app} of {unit.id} is {mode(unit.applications[app])}; a new unit cannot share it",
                f"leave {app} out, and choose afterwards: hanoi unit set-mode {new_id} {app} ...",
            )
    draft = Draft(before)
    choices = central(dict.fromkeys(apps))
    first = described(new.names, new.home or unit.home, choices)
    draft.create(new_id, {**first, "split_from": unit.id})
    waves.join_beside(draft, unit.id, new_id, apps)
    services = {a.id: a.service for a in before.model.apps}
    able = [app for app in choices if services.get(app) in CARRYING]
    if carry and not able:
        raise refused(
            "HN-U016",
            place(before, unit.id, ("applications",)),
            f"records were to come from {unit.id} to {new_id}, which has no application that can"
            " carry any",
            "name one with --applications, or leave --carry out; docs/units.md says which can",
        )
    for app in choices:
        if carry and app in able:
            draft.put(new_id, ("records", unit.id, app, "carry"), list(carry))
            draft.said.append(
                f"{app}: those who are named come to {new_id} and stay in {unit.id} too; its"
                " administrators end their employment there"
            )
        else:
            draft.said.append(
                f"{app}: {new_id} begins empty; which records of {unit.id} go to it is for the"
                " application's administrators to select"
            )
    return draft.wish()


def _apart(before: Description, gone: Sequence[str], into: str) -> None:
    for n, name in enumerate(gone):
        unit = known_unit(before, name)
        if name == into:
            what = f"the unit {name} was to go into itself"
            remedy = "name another unit to go into, or leave it out of those that go"
            raise refused("HN-U004", place(before, unit.id), what, remedy)
        if name in gone[:n]:
            what = f"the unit {name} is named twice"
            raise refused("HN-U004", place(before, unit.id), what, "name each unit once")


def _end(draft: Draft, unit: Unit, on: dt.date) -> None:
    draft.remove(unit.id, "applications")
    draft.remove(unit.id, "operators")
    draft.put(unit.id, ("closed",), on.isoformat())
    if unit.operators:
        names = ", ".join(o.id for o in unit.operators)
        draft.said.append(f"the operators of {unit.id} ({names}) may deploy nothing any more")
    if unit.hosts:
        names = ", ".join(h.id for h in unit.hosts)
        draft.said.append(
            f"the hosts of {unit.id} ({names}) stay described, since their data is there; take them"
            " out when it has moved"
        )


def _joined(
    before: Description, present: dict[str, Any], units: Sequence[Unit], into: str
) -> dict[str, dict[str, Any]]:
    """The choices that the heir takes over for applications that it has none for: central where
    one of the units has it so, else the one external system. Raises HN-U008."""
    found: dict[str, dict[str, Any]] = {}
    for app in dict.fromkeys(a for u in units for a in u.applications):
        if app in present:
            continue
        choices = [(u, u.applications[app]) for u in units if app in u.applications]
        endpoints = {c.endpoint for _, c in choices if isinstance(c, External)}
        if any(isinstance(c, Central) for _, c in choices):
            found[app] = {"mode": "central"}
        elif len(endpoints) == 1 and all(isinstance(c, External) for _, c in choices):
            found[app] = {"mode": "external", "endpoint": endpoints.pop()}
        else:
            unit, choice = next((u, c) for u, c in choices if not isinstance(c, Central))
            raise refused(
                "HN-U008",
                place(before, unit.id, ("applications", app)),
                f"{app} of {unit.id} is {mode(choice)}, and {into} has made no choice for it",
                f"choose first: hanoi unit set-mode {into} {app} ..."
                if any(u.id == into for u in before.model.units)
                else f"choose first: hanoi unit set-mode {unit.id} {app} central, or add the unit"
                f" {into} beforehand with its own choice",
            )
    return found


def _tell_differences(draft: Draft, heir: Unit, units: Sequence[Unit]) -> None:
    for unit in units:
        for app, choice in unit.applications.items():
            kept = heir.applications.get(app)
            if kept and mode(kept) != mode(choice):
                draft.said.append(
                    f"{app}: {unit.id} has it {mode(choice)}; {heir.id} keeps it {mode(kept)}"
                )
        if unit.home != heir.home:
            draft.said.append(f"{unit.id} sits at {unit.home}, {heir.id} at {heir.home}")
