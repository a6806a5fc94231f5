"""What a verification says about the roadmap's gates."""

from __future__ import annotations

from infra.state.waves import GateResult
from infra.verify.report import NOT_CHECKED, Check, Report

LISTED = 5  # failed checks that are kept of a gate; of the rest, how many there are


def results(
    report: Report, at: str, through: str, *, gate: str | None = None, whole: bool = True
) -> dict[str, GateResult]:
    """Gate → its result, for every gate of which the report says enough.

    gate: the one that the run was limited to: of others it had only some checks. whole: all
    hosts were looked at; otherwise a failure counts and a success proves nothing.
    """
    names = {gate} if gate else {g for c in report.checks for g in c.gates}
    found = {}
    for name in sorted(names):
        checks = [c for c in report.checks if name in c.gates]
        failed = [c for c in checks if c.outcome == "failed"]
        missed = sum(map(_missed, checks))
        passed = sum(c.outcome == "passed" for c in checks)
        if failed or missed or whole:
            said = tuple(map(_line, failed[:LISTED]))
            found[name] = GateResult(at, through, passed, len(failed) + missed, said)
    return found


def _missed(check: Check) -> bool:
    """Left out because its host did not answer; what is left out on purpose is no failure."""
    return check.outcome == "skipped" and check.detail.startswith(NOT_CHECKED)


def _line(check: Check) -> str:
    return f"{check.host}: {check.id}: {check.title}"
