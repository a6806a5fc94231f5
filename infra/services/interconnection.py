"""Host names that lead elsewhere: to a unit's own system, and from what a unit was called before.

A name that users and other systems have once been given goes on answering: through a rename by
`former_labels`, through a merge by the successor's `predecessors`. The answer is a redirect that
browsers do not keep (307), as any of these may be undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.model.schema import App, Unit
from infra.resources import Page, Parts
from infra.services import Context, once, unit_name

STATUS = 307


@dataclass(frozen=True)
class Redirect:
    """host: the name that is asked for; to: what stands before the path, without a last slash."""

    host: str
    to: str
    application: str
    unit: str


def redirects(ctx: Context) -> tuple[Redirect, ...]:
    """Every such name within the scope, sorted by host name."""
    found = {r.host: r for r in (*_external(ctx), *_former(ctx))}
    return tuple(found[host] for host in sorted(found))


@once("gateway")
def pages(ctx: Context) -> Parts:
    """Each of them is verified: the name has a valid certificate and leads on."""
    return Parts(
        pages=tuple(Page(r.host, "/", STATUS, r.application, r.unit) for r in redirects(ctx))
    )


def _external(ctx: Context) -> Iterator[Redirect]:
    for app, unit, choice in ctx.scope.externals:
        yield Redirect(unit_name(ctx, app, unit), choice.endpoint.rstrip("/"), app.id, unit.id)


def _former(ctx: Context) -> Iterator[Redirect]:
    """Labels of the past, the unit's own and those of the units it came from."""
    units = {u.id: u for u in ctx.model.units}
    for app, unit in _offered(ctx):
        to = f"https://{unit_name(ctx, app, unit)}"
        earlier = [units[i] for i in unit.predecessors if i in units]
        labels = [*unit.former_labels]
        labels += [label for u in earlier for label in (u.host_label, *u.former_labels)]
        for label in labels:
            yield Redirect(unit_name(ctx, app, unit, label), to, app.id, unit.id)


def _offered(ctx: Context) -> list[tuple[App, Unit]]:
    served = [(p.app, p.unit) for p in ctx.scope.placements if p.serving]
    return served + [(app, unit) for app, unit, _ in ctx.scope.externals]
