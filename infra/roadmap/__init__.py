"""The roadmap: how far it has come, what is next and what blocks it.

overview(say=print) → a frozen value; render(value, "text") → a form of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from infra import paths

if TYPE_CHECKING:
    from infra.model import Model
    from infra.resources import Plan
    from infra.roadmap.assess import Known
    from infra.roadmap.content import Overview

Form = Literal["text", "markdown", "json", "svg"]
FORMS: tuple[Form, ...] = ("text", "markdown", "json", "svg")


def overview(
    say: Callable[[str], object], plan_through: Callable[[str], Plan] | None = None
) -> Overview:
    """The described roadmap with what is known of it, today in the ministry's time zone.

    plan_through: wave → the plan up to it; with it the checks run at the sites first, up to the
    last wave that has begun (they only look). Without it nothing is contacted, and the state
    says what was last recorded.
    Raises HN-M…, HN-D003, HN-D032 when nothing is there to be looked at, and what verify raises.
    """
    from infra.model import load
    from infra.roadmap.assess import assess

    model = load(paths.sites())
    if plan_through is not None:
        _look(model, plan_through, say)
    today = datetime.now(ZoneInfo(model.ministry.timezone)).date()
    return assess(model, replace(_known(model), live=plan_through is not None), today)


def _known(model: Model) -> Known:
    from infra.model.gates import carried
    from infra.roadmap.assess import Known
    from infra.services import registered
    from infra.state import Gates, Waves

    on_host, once = registered()
    return Known(
        reached=Waves().read([w.id for w in model.roadmap.waves]),
        results=Gates().all(),
        carried=carried(),
        parts=frozenset(r.part for r in (*on_host, *once)),
    )


def _look(model: Model, plan_through: Callable[[str], Plan], say: Callable[[str], object]) -> None:
    """Verify what has begun; what it says of the gates is kept, as after every verification."""
    from infra.errors import Exit, error
    from infra.state import Waves
    from infra.verify import verify

    order = [w.id for w in model.roadmap.waves]
    entered = Waves().read(order).entered
    begun = [w for w in order if w in entered]
    if not begun:
        raise error(
            "HN-D032",
            "--live",
            "no wave has begun by this state, so there is nothing to look at",
            "leave --live out, or hanoi deploy first",
            Exit.REFUSED,
        )
    verify(plan_through(begun[-1]), progress=say)


def render(value: Overview, form: Form) -> str:
    """The overview in one form, ending with a newline."""
    if form == "json":
        from infra.roadmap import json_

        return json_.render(value)
    if form == "markdown":
        from infra.roadmap import markdown

        return markdown.render(value)
    if form == "svg":
        from infra.roadmap import svg

        return svg.render(value)
    from infra.roadmap import text

    return text.render(value)
