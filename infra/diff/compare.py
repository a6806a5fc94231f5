"""Side × Side → every change, in the order of a deploy: description, then hosts, then the rest."""

from __future__ import annotations

from infra.diff import common, description, hosts
from infra.diff.certificates import Reissued
from infra.diff.owners import Owners
from infra.diff.side import Side
from infra.report.content import Change


def compare(before: Side, after: Side) -> tuple[Change, ...]:
    """What a deploy of `after` does where `before` is deployed, thing by thing.

    Things are told apart by their ids, names and paths, which renames of units do not touch.
    A side without a plan (or model) has nothing to be compared with: nothing is said of it.
    """
    found: list[Change] = []
    if before.model and after.model and before.model is not after.model:
        found += description.changes(before.model, after.model)
    if before.plan and after.plan:
        owners = Owners(before.model, after.model)
        reissued = Reissued.between(before.plan, after.plan)
        found += hosts.changes(before, after, owners, reissued)
        found += common.changes(before, after, owners)
    return tuple(found)
