"""What a unit's database would hold after a transfer, so that the next one is held against it."""

from __future__ import annotations

import itertools

from infra.records.content import KINDS, Content, Record
from infra.records.match import Matched, Statement


def foreseen(said: Statement, target: Content, found: Matched) -> Content:
    """The target with what would come. Records that do not exist yet have ids below zero."""
    come = {(m.kind, m.source): m.here for m in target.markers if m.unit == said.source}
    lowest = min((i for kind in KINDS for i in target.of(kind)), default=0)
    unused = itertools.count(min(lowest, 0) - 1, -1)
    here: dict[tuple[str, int], int] = {}
    new: list[Record] = []
    for record in found.coming.lines():
        key = (record["is"], record["id"])
        known = come.get(key, found.given[record["is"]].get(record["id"]))
        here[key] = next(unused) if known is None else known
        if known is None:
            new.append(record)
    records = {kind: dict(target.of(kind)) for kind in KINDS}
    for record in new:
        moved = _moved(record, here)
        records[record["is"]][moved["id"]] = moved
    return Content(records, target.others, target.markers)


def _moved(record: Record, here: dict[tuple[str, int], int]) -> Record:
    """The record with the ids that it and those it refers to have on the other side."""
    made = {**record, "id": here[record["is"], record["id"]]}
    for field, kind in (("party", "party"), ("company", "company"), ("employee", "employee")):
        if isinstance(there := record.get(field), int):
            made[field] = here[kind, there]
    for field, kind in (("employees", "employee"), ("companies", "company"), ("groups", "group")):
        if field in record:
            made[field] = [here[kind, i] for i in record[field]]
    return made
