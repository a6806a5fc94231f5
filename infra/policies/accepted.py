"""Dangers that somebody has accepted, in writing: `policies/accepted.yaml` beside the model.

An entry names the policy, the place as the report writes it, and why. It turns a danger into a
note. What a policy refuses it turns only when the entry stands on the earlier side already, so
that a refusal is lifted by a change of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infra.errors import Exit, HanoiError, Problem
from infra.model.yamltext import parse
from infra.report.content import Finding

FILE = "accepted.yaml"
KEYS = {"policy", "where", "reason"}


@dataclass(frozen=True)
class Accepted:
    policy: str
    where: str
    reason: str


def read(directory: Path | None, shown: str) -> tuple[Accepted, ...]:
    """The entries of a policies directory; none without the file. Raises HanoiError HN-R011."""
    file = directory / FILE if directory else None
    if file is None or not file.is_file():
        return ()
    try:
        parsed = parse(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise _wrong(shown, f"it cannot be read ({type(failure).__name__})") from None
    if parsed.faults:
        fault = parsed.faults[0]
        raise _wrong(f"{shown}:{fault.line}", fault.what)
    entries = parsed.data
    if not isinstance(entries, list):
        raise _wrong(shown, "it is not a list")
    for number, entry in enumerate(entries, 1):
        sound = isinstance(entry, dict) and set(entry) == KEYS
        if not sound or not all(isinstance(v, str) and v.strip() for v in entry.values()):
            raise _wrong(
                shown, f"entry {number} has not the keys policy, where and reason, as text"
            )
    return tuple(Accepted(**entry) for entry in entries)


def _wrong(where: str, what: str) -> HanoiError:
    remedy = "write a list of entries with policy:, where: and reason:, as docs/review.md shows"
    return HanoiError(Problem(where, "HN-R011", what, remedy), Exit.FINDINGS)


def apply(
    found: Sequence[Finding], base: Sequence[Accepted], head: Sequence[Accepted]
) -> list[Finding]:
    """The findings, accepted ones as notes that say why."""
    standing = {(a.policy, a.where): a for a in base}
    fresh = {(a.policy, a.where): a for a in head}
    result = []
    for finding in found:
        key = (finding.id, finding.where)
        entry = standing.get(key) if key in fresh else None
        if finding.severity == "danger":
            entry = fresh.get(key)
        if entry is None:
            result.append(finding)
        else:
            reason = f"accepted: {entry.reason} ({finding.reason})"
            result.append(replace(finding, severity="note", reason=reason))
    return result
