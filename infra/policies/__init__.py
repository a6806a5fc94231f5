"""Policies: what a reviewed change must not do unseen. One small function each, by registration.

A policy looks at both sides and at what changes between them, and yields a Danger for each place
where it sees one. Every module of this package is imported; a ministry's own stand in a directory
`policies` beside its model (own.py).
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.diff.side import Side
from infra.report.content import Change, Finding

Severity = Literal["refused", "danger", "note"]


@dataclass(frozen=True)
class Danger:
    """One place: where it is, what the fact is; a reason or remedy other than the policy's."""

    where: str
    what: str
    reason: str = ""
    remedy: str = ""
    severity: Severity | None = None


Rule = Callable[[Side, Side, Sequence[Change]], Iterator[Danger]]


@dataclass(frozen=True)
class Policy:
    """compares: it needs both sides and is not asked when the earlier one is not known."""

    id: str
    severity: Severity
    reason: str
    remedy: str
    compares: bool
    look: Rule

    def findings(self, before: Side, after: Side, changes: Sequence[Change]) -> list[Finding]:
        return [
            Finding(
                self.id,
                d.severity or self.severity,
                d.where,
                d.what,
                d.reason or self.reason,
                d.remedy or self.remedy,
            )
            for d in self.look(before, after, changes)
        ]


_registered: dict[str, Policy] = {}
_target = _registered


def policy(
    policy_id: str, *, severity: Severity, reason: str, remedy: str, compares: bool = True
) -> Callable[[Rule], Rule]:
    """Register a policy under its stable id.

    severity: "refused" and "danger" set the exit code, "note" does not; reason: why it
    matters; remedy: what to do instead, or how it is done safely; compares: False for one that
    judges the later side alone.
    """

    def register(look: Rule) -> Rule:
        if policy_id in _target or policy_id in _registered:
            raise ValueError(f"the policy {policy_id} is registered twice")
        _target[policy_id] = Policy(policy_id, severity, reason, remedy, compares, look)
        return look

    return register


@contextlib.contextmanager
def collecting() -> Iterator[dict[str, Policy]]:
    """What is registered meanwhile goes into a table of its own."""
    global _target
    kept, _target = _target, {}
    try:
        yield _target
    finally:
        _target = kept


def shipped() -> tuple[Policy, ...]:
    """The toolkit's own policies, by id."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(_registered[i] for i in sorted(_registered))


def judged(
    policies: Sequence[Policy], before: Side, after: Side, changes: Sequence[Change]
) -> list[Finding]:
    """What the policies find, in their order."""
    known = before.plan is not None and before.model is not None and after.model is not None
    return [
        finding
        for p in policies
        if known or not p.compares
        for finding in p.findings(before, after, changes)
    ]
