"""Records that a deploy would carry from unit to unit, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import HanoiError
from infra.live.session import Reading
from infra.records import carry
from infra.records.match import Matched
from infra.records.words import coming
from infra.report.content import Finding
from infra.resources import Transfer

REASON = "both would be in one database, and only their administrators know who is who"


def ahead(reading: Reading) -> tuple[list[Finding], list[str]]:
    """(what a deploy would carry and what it would refuse, what could not be looked at). A deploy
    of some sites only carries nothing."""
    if reading.sites != reading.plan.sites:
        return [], []
    work = carry.Work(
        reading.plan, reading.connections, reading.secrets, reading.state, reading.say
    )
    try:
        return [f for t, found in carry.looks(work) for f in _findings(t, found)], []
    except HanoiError as failure:
        return [], [f"{p.where}: {p.what} ({p.code})" for p in failure.problems]


def _findings(transfer: Transfer, found: Matched) -> Iterator[Finding]:
    for told in (*coming(transfer, found), *found.notes):
        yield Finding(
            "records-carried", "note", transfer.name, told,
            "the description states it under records:", "none",
        )  # fmt: skip
    for problem in carry.conflicts(transfer, found):
        yield Finding(
            "records-conflict", "refused", problem.where, problem.what, REASON, problem.remedy
        )
