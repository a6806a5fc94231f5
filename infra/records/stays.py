"""What a closed unit's application still holds where its records cannot be carried, by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.errors import HanoiError
from infra.model.schema import Model
from infra.moves.ends import end
from infra.placement import Home, Homes
from infra.resources import Plan
from infra.services import mayan
from infra.services.per_unit import database_name
from infra.ssh import Connection

# SQL whose rows are title|count. Mayan EDMS 4.12: the tables of its migrations.
COUNTS = {
    mayan.SERVICE: """
        SELECT format('documents of the type "%s"', t.label) || '|' || count(*)
            FROM documents_document d JOIN documents_documenttype t ON t.id = d.document_type_id
            GROUP BY t.label ORDER BY t.label;
        SELECT 'files of documents|' || count(*) FROM documents_documentfile;
        SELECT 'values of metadata|' || count(*) FROM metadata_documentmetadata;
        SELECT 'cabinets|' || count(*) FROM cabinets_cabinet;
        SELECT 'tags|' || count(*) FROM tags_tag;
        SELECT 'comments|' || count(*) FROM document_comments_comment;
        SELECT 'workflows under way or ended|' || count(*) FROM document_states_workflowinstance;
        SELECT 'users|' || count(*) FROM auth_user;"""
}


@dataclass(frozen=True)
class Stay:
    """An application of a closed unit whose records nobody carries; heir: the unit that followed,
    "" without one."""

    application: str
    service: str
    unit: str
    heir: str
    database: str
    home: Home

    @property
    def name(self) -> str:
        return f"{self.application} of {self.unit}"


def stays(model: Model, plan: Plan, homes: Homes) -> Iterator[Stay]:
    """Every application of a closed unit that has data and of which no records are carried."""
    carried = {(t.application, t.source) for t in plan.transfers}
    heirs = {old: u.id for u in model.units for old in u.predecessors}
    units = {u.id: u for u in model.units if u.closed}
    apps = {a.id: a for a in model.apps}
    for (app, unit), home in sorted(homes.items(), key=lambda entry: entry[0]):
        if unit in units and app in apps and (app, unit) not in carried:
            name = database_name(apps[app], units[unit])
            heir = heirs.get(unit, "")
            yield Stay(app, apps[app].service or "", unit, heir, name, home)


def counted(stay: Stay, plan: Plan, connections: Mapping[str, Connection]) -> tuple[str, ...]:
    """What is in its database, a line for each kind; where nobody knows how to count, or nothing
    answers, the line says so."""
    if stay.service not in COUNTS:
        return ("not counted: look at it in the application's own database",)
    if stay.home.serving.own:
        return (f"not counted: it is on the unit's own host {stay.home.serving.host}",)
    try:
        rows = end(plan, stay.home.serving, connections).sql(COUNTS[stay.service], stay.database)
    except HanoiError as failure:
        return tuple(f"not counted: {p.what}" for p in failure.problems)
    found = [row.rpartition("|") for row in rows if "|" in row]
    return tuple(f"{count} {title}" for title, _, count in found if count != "0")
