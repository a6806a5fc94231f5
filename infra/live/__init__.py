"""The live sites beside the description: what a deploy would do (plan), what others did (drift).

Everything here reads. Nothing is written on a host, in the operator's state, in a registry or
among the secrets, and no lock is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import Exit, HanoiError, Problem
from infra.report.content import Report

if TYPE_CHECKING:
    from infra.live.preview import EngineOf


@dataclass(frozen=True)
class Found:
    """A report for the operator. problems: hosts that could not be looked at, each once."""

    report: Report
    problems: tuple[Problem, ...]
    exit_code: Exit


def planned(
    through: str | None,
    site_ids: Sequence[str],
    engine: EngineOf,
    say: Callable[[str], None],
    output: Path | None = None,
) -> Found:
    """What a deploy of the sites would do now. output: where to save it for that deploy.

    The exit code is OK whether or not something would change; REFUSED when a deploy would be.
    Raises HN-M…, HN-P…, HN-S…, HN-D024, HN-D020, HN-R038 to HN-R040.
    """
    from infra.live import saved
    from infra.live.described import describe
    from infra.live.preview import look_ahead

    ahead = look_ahead(describe(through), site_ids, engine, say)
    found = _found(ahead.report, ahead.failure, Exit.OK)
    if output is not None and found.exit_code == Exit.OK:
        saved.save(output, ahead, tuple(site_ids))
        say(f"saved: {output}")
    elif output is not None:
        why = saved.not_saved(output, found.exit_code)
        return Found(found.report, (*found.problems, *why.problems), found.exit_code)
    return found


def drifted(through: str | None, site_ids: Sequence[str], say: Callable[[str], None]) -> Found:
    """What differs on the sites' hosts from the description, whoever did it.

    The exit code is FINDINGS when anything does. Raises HN-M…, HN-P…, HN-S….
    """
    from infra.live.described import describe
    from infra.live.survey import find

    report, failure = find(describe(through), site_ids, say)
    return _found(report, failure, Exit.FINDINGS if report.changes else Exit.OK)


def _found(report: Report, failure: HanoiError | None, otherwise: Exit) -> Found:
    if failure is not None:
        return Found(report, tuple(failure.problems), failure.exit_code)
    refused = any(f.severity == "refused" for f in report.summary.findings)
    return Found(report, (), Exit.REFUSED if refused else otherwise)
