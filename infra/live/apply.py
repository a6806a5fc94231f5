"""`hanoi deploy PLAN`: exactly what was saved, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infra import deploy, moves
from infra.errors import Exit, HanoiError, error
from infra.live import fingerprint, moved, saved
from infra.live.described import describe
from infra.live.preview import EngineOf, look_ahead
from infra.moves.commands import carry_out_due
from infra.records import carry as records

if TYPE_CHECKING:
    from infra.progress import Progress


def apply(
    path: Path, engine: EngineOf, say: Progress, *, options: bool, verify: bool, despite: str = ""
) -> tuple[deploy.Outcome, bool]:
    """Deploy the saved plan; returns what was done and whether verify found it good.

    options: whether --site or --through were given beside it; despite: see deploy.execute.
    Everything is computed anew and compared before anything is written, and the hosts once more
    when the lock is held. Raises HN-R030 to HN-R037 (exit code REFUSED when something moved on),
    and what a deploy raises. Moves and records that the plan asks for follow,
    as in a deploy without a file.
    """
    if options:
        raise error(
            "HN-R037",
            str(path),
            "--site and --through are part of the saved plan",
            "leave them out, or plan again with others",
            Exit.USAGE,
        )
    kept = saved.read(path)
    described = describe(kept.through)
    moved.refuse_description(kept, described)
    moves.refuse_unmovable(described.plan)
    ahead = look_ahead(described, kept.sites, engine, say)
    if ahead.failure is not None:
        raise ahead.failure
    moved.refuse_sites(kept, ahead)
    with deploy.opened(described.plan, kept.sites, say, f"deploy {path.name}") as run:
        run.look()
        before = {h.id: fingerprint.looked_at(h, ahead.looks[h.id]) for h in run.hosts}
        now = {h.id: fingerprint.looked_at(h, run.looks[h.id]) for h in run.hosts}
        if problems := moved.host_problems(before, now):
            raise HanoiError(problems, Exit.REFUSED)
        records.refuse_conflicts(records.work_of(run), run.hosts if kept.sites else ())
        outcome = deploy.execute(run, engine(), deploy.STEPS, despite)
        if not kept.sites:
            carry_out_due(run, lambda: describe(kept.through).plan)
            records.carry_out_due(records.work_of(run))
        return outcome, deploy.verify(run) if verify else True
