"""Units' applications whose data a deploy would carry to another place."""

from __future__ import annotations

from infra.diff.moves import Move, of
from infra.live.session import Reading
from infra.moves import MoveRecord, due


def ahead(reading: Reading) -> tuple[Move, ...]:
    """The moves that a deploy would begin or go on with; one of some sites only moves nothing."""
    if reading.sites != reading.plan.sites:
        return ()
    plan = reading.plan
    kept = {(d.application, d.unit): d for d in plan.data if d.serving}
    return tuple(
        of(kept[m.application, m.unit], m.source, m.target)
        for m in due(plan, MoveRecord(reading.state))
    )
