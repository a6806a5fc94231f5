"""The roadmap as Markdown, for a page or a merge request."""

from __future__ import annotations

import re

from infra.report.markup import inline, prose
from infra.report.words import Cell, Code, both
from infra.roadmap import said
from infra.roadmap.content import Overview, WaveView

# A heading, a list, a quote, a code block, a quick action of GitLab.
_BEGINS = re.compile(r"[-+#>=/\s]|\d+[.)]")


def render(value: Overview) -> str:
    """The whole roadmap, ending with a newline."""
    blocks = [
        f"# {' · '.join(said.TITLE)}",
        _line((both(value.ministry.vi, value.ministry.en),)),
        f"**{inline(said.headline(value))}** — {prose(said.source(value))}",
        f"## {' · '.join(said.WAVES)}",
        _table(value),
        *(_wave(n, w) for n, w in enumerate(value.waves, 1)),
    ]
    if lines := said.procedures(value):
        blocks += [f"## {' · '.join(said.PROCEDURES)}", _list(lines)]
    return "\n\n".join(blocks) + "\n"


def _table(value: Overview) -> str:
    rows = [
        "| | Wave · Đợt | State · Trạng thái | Dates · Thời gian | Owner · Phụ trách | Gates |",
        "|---:|---|---|---|---|---|",
    ]
    for number, view in enumerate(value.waves, 1):
        gates = "<br>".join(inline(said.gate(g)) for g in view.gates)
        owner = inline((both(view.owner_name.vi, view.owner_name.en),))
        cells = [str(number), f"{prose(said.name(view))}<br>{inline((Code(view.id),))}"]
        cells += [said.state(view), said.dates(view), owner, gates]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _wave(number: int, view: WaveView) -> str:
    parts = [f"### {number}. {prose(said.name(view))}", _list(said.brings(view))]
    groups = (
        (said.DESPITE, said.despite(view)),
        (said.STOPS, [said.blocked(b) for b in view.blockers if b.stops]),
        (said.OPEN, [said.blocked(b) for b in view.blockers if not b.stops]),
    )
    for title, cells in groups:
        if cells:
            parts.append(f"**{' · '.join(title)}**\n\n{_list(cells)}")
    return "\n\n".join(parts)


def _list(cells: list[Cell]) -> str:
    return "\n".join(f"- {_line(cell)}" for cell in cells)


def _line(cell: Cell) -> str:
    """A cell at the beginning of a line, where signs mean more than inside of one."""
    made = inline(cell)
    return f"&#8203;{made}" if _BEGINS.match(made) else made
