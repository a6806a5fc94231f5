"""The offline comparison from beginning to end, and what it is worth as an exit code."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence

from infra.diff.compare import compare
from infra.diff.git import Repository
from infra.diff.impact import summary
from infra.diff.revisions import directory_of_model, resolve
from infra.diff.side import Side
from infra.diff.sides import Reader, Sources, both
from infra.errors import Exit
from infra.policies import accepted, judged, shipped
from infra.report.content import Change, Finding, Report

_ORDER = ("refused", "danger", "note")


def report(revisions: str | None = None, through: str | None = None) -> Report:
    """Compare two revisions (see revisions.resolve). through: a wave, else each side's current.

    Raises HanoiError HN-R001 to HN-R011, and the later description's own problems.
    """
    directory = directory_of_model()
    repository = Repository.around(directory)
    base, head = resolve(repository, revisions)
    with _uncollected(), Reader(repository, directory, through) as reader:
        (before, earlier), (after, later) = both(reader, base, head)
        assert later is not None
        return compared(before, after, earlier, later)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Many small values are made and kept until the process ends, none of them in a cycle: there
    is nothing to collect meanwhile."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor is there at the end of the process
        if collects:
            gc.enable()


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
    for sources in (earlier, later):
        if sources and sources.policies:
            found += _of_own(sources, sources is earlier, before, after, changes)
    entries = [
        accepted.read(s.policies, f"{_shown(s)}/{accepted.FILE}") if s else ()
        for s in (earlier, later)
    ]
    told = accepted.apply(list(dict.fromkeys(found)), *entries)
    return sorted(told, key=lambda f: (_ORDER.index(f.severity), f.id, f.where))


def _of_own(
    sources: Sources, is_earlier: bool, before: Side, after: Side, changes: Sequence[Change]
) -> list[Finding]:
    """What the ministry's policies of one side say; of the earlier, also that they do not work."""
    from infra.policies import own  # most descriptions have none

    assert sources.policies
    try:
        return own.findings(sources.policies, _shown(sources), before, after, changes)
    except own.Unusable as failure:
        if is_earlier:
            return [own.of_base(failure)]
        raise own.unusable(failure) from None


def _shown(sources: Sources) -> str:
    return f"{sources.revision.shown}:policies" if sources.revision.commit else "policies"


def verdict(finished: Report) -> Exit:
    """REFUSED where a policy refuses, FINDINGS where one sees a danger, else OK."""
    severities = {f.severity for f in finished.summary.findings}
    if "refused" in severities:
        return Exit.REFUSED
    return Exit.FINDINGS if "danger" in severities else Exit.OK
