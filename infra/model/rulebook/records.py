"""Records that are to come from one unit's application into another's."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.rules import Broken, View, rule
from infra.model.schema import EVERYTHING, Carried, Central, SelfHosted, Unit

CARRYING = ("tryton",)  # services of which infra.records can carry records


def _stated(view: View) -> Iterator[tuple[Unit, str, str, Carried]]:
    for unit in view.units:
        for source, apps in unit.records.items():
            for app, carried in apps.items():
                yield unit, source, app, carried


@rule("HN-M120")
def records_come_from_where_the_unit_came_from(view: View) -> Iterator[Broken]:
    """Records follow the organisation: into the heir, or into what was split off."""
    for unit in view.units:
        for source in unit.records:
            if source not in (*unit.predecessors, unit.split_from):
                what = f'records are to come from "{source}", which {unit.id} did not come from'
                remedy = "name the unit in predecessors or split_from, or take its records out"
                yield Broken(unit, ("records", source), what, remedy)


@rule("HN-M121")
def a_merge_takes_everything_a_split_a_selection(view: View) -> Iterator[Broken]:
    """Of a closed unit nobody would find what stayed; of one that stays, only a part is meant."""
    for unit, source, app, carried in _stated(view):
        path = ("records", source, app, "carry")
        if carried.carry != EVERYTHING and source in unit.predecessors:
            what = f"{source} is closed, and only a selection of its records would come"
            yield Broken(unit, path, what, "write carry: everything")
        if carried.carry == EVERYTHING and source == unit.split_from:
            what = f"{source} goes on, and everything of it would come into {unit.id} too"
            remedy = "list the logins or identifiers of those who come, or close the unit into this"
            yield Broken(unit, path, what, remedy)


@rule("HN-M122")
def records_come_into_what_the_toolkit_runs(view: View) -> Iterator[Broken]:
    """What cannot be carried is told before anything is begun."""
    services = {a.id: a.service for a in view.apps}
    for unit, source, app, _ in _stated(view):
        path = ("records", source, app)
        if app in services and services[app] not in CARRYING:
            what = f"records of {app} cannot be carried from one unit to another"
            remedy = "take the entry out; docs/moves.md says what is left to administrators"
            yield Broken(unit, path, what, remedy)
        elif not isinstance(unit.applications.get(app), Central | SelfHosted):
            what = f"records of {app} would come into {unit.id}, for which the toolkit runs none"
            remedy = f"choose {app} for {unit.id} as central or self-hosted, or take the entry out"
            yield Broken(unit, path, what, remedy)
