"""The offline comparison from beginning to end, and what it is worth as an exit code."""

from __future__ import annotations

from collections.abc import Sequence

from infra.diff.compare import compare
from infra.diff.git import Repository
from infra.diff.impact import summary
from infra.diff.revisions import directory_of_model, resolve
from infra.diff.side import Side
from infra.diff.sides import Reader, Sources, both
from infra.errors import Exit
from infra.policies import accepted, judged, own, shipped
from infra.report.content import Change, Finding, Report

_ORDER = ("refused", "danger", "note")


def report(revisions: str | None = None, through: str | None = None) -> Report:
    """Compare two revisions (see revisions.resolve). through: a wave, else each side's current.

    Raises HanoiError HN-R001 to HN-R011, and the later description's own problems.
    """
    directory = directory_of_model()
    repository = Repository.around(directory)
    base, head = resolve(repository, revisions)
    with Reader(repository, directory, through) as reader:
        (before, earlier), (after, later) = both(reader, base, head)
        assert later is not None
        return compared(before, after, earlier, later)


def compared(
    before: Side, after: Side, earlier: Sources | None = None, later: Sources | None = None
) -> Report:
    """The report of two sides; their sources tell which policies of their own apply."""
    changes = compare(before, after)
    found = judge(before, after, changes, earlier, later)
    model = after.model or before.model
    names = (model.ministry.name.vi, model.ministry.name.en) if model else ("", "")
    hosts = [
        (h.id, h.site)
        for h in dict.fromkeys(
            (*(before.plan.hosts if before.plan else ()), *(after.plan.hosts if after.plan else ()))
        )
    ]
    return Report(
        "diff",
        before.name,
        after.name,
        *names,
        summary=summary(before, after, changes, found),
        changes=changes,
        hosts=tuple(sorted(set(hosts))),
    )


def judge(
    before: Side,
    after: Side,
    changes: Sequence[Change],
    earlier: Sources | None,
    later: Sources | None,
) -> list[Finding]:
    """What the policies say, worst first: the shipped, the earlier side's, the later side's."""
    found = judged(shipped(), before, after, changes)
    if earlier and earlier.policies:
        try:
            found += own.findings(earlier.policies, _shown(earlier), before, after, changes)
        except own.Unusable as failure:
            found.append(own.of_base(failure))
    if later and later.policies:
        try:
            found += own.findings(later.policies, _shown(later), before, after, changes)
        except own.Unusable as failure:
            raise own.unusable(failure) from None
    entries = [
        accepted.read(s.policies, f"{_shown(s)}/{accepted.FILE}") if s else ()
        for s in (earlier, later)
    ]
    told = accepted.apply(list(dict.fromkeys(found)), *entries)
    return sorted(told, key=lambda f: (_ORDER.index(f.severity), f.id, f.where))


def _shown(sources: Sources) -> str:
    return f"{sources.revision.shown}:policies" if sources.revision.commit else "policies"


def verdict(finished: Report) -> Exit:
    """REFUSED where a policy refuses, FINDINGS where one sees a danger, else OK."""
    severities = {f.severity for f in finished.summary.findings}
    if "refused" in severities:
        return Exit.REFUSED
    return Exit.FINDINGS if "danger" in severities else Exit.OK
