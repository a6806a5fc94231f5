"""What a verification says about the roadmap's gates."""

from __future__ import annotations

from infra.state.waves import GateResult
from infra.verify.report import NOT_CHECKED, Check, Report

LISTED = 5  # failed checks that are kept of a gate; the rest is a number


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
        failed = [_line(c) for c in checks if c.outcome == "failed" or _missed(c)]
        passed = sum(c.outcome == "passed" for c in checks)
        if failed or whole:
            found[name] = GateResult(at, through, passed, _first(failed))
    return found


def _missed(check: Check) -> bool:
    """Left out because its host did not answer; what is left out on purpose is no failure."""
    return check.outcome == "skipped" and check.detail.startswith(NOT_CHECKED)


def _line(check: Check) -> str:
    return f"{check.host}: {check.id}: {check.title}"


def _first(lines: list[str]) -> tuple[str, ...]:
    if len(lines) <= LISTED:
        return tuple(lines)
    return (*lines[:LISTED], f"and {len(lines) - LISTED} more")
