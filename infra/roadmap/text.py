"""The roadmap for a terminal: at most 100 columns, readable without colour."""

from __future__ import annotations

from infra.report.text import wrap
from infra.report.words import Cell, both, visible
from infra.roadmap import said
from infra.roadmap.content import Overview, WaveView

_SIGNS = {"done": "✓", "deployed": "!", "begun": "~", "next": ">", "later": " "}
_LEAD = 13  # of the words in front of what a wave has


def render(value: Overview) -> str:
    """The whole roadmap, ending with a newline."""
    head = [
        *wrap(" · ".join(said.TITLE).upper()),
        *wrap(visible(both(value.ministry.vi, value.ministry.en))),
        *wrap(_words(said.headline(value))),
        *wrap(said.source(value)),
    ]
    blocks = [head, *(_wave(n, w) for n, w in enumerate(value.waves, 1))]
    if lines := said.procedures(value):
        listed = [x for line in lines for x in wrap(_words(line), "  ", "    ")]
        blocks.append([*wrap(" · ".join(said.PROCEDURES).upper()), *listed])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _words(cell: Cell) -> str:
    return visible("".join(cell))


def _wave(number: int, view: WaveView) -> list[str]:
    lines = wrap(visible(said.name(view)), f"{_SIGNS[view.state]} {number:>2}. ", " " * 6)
    facts = f"{visible(view.id)} · {said.state(view)} · {said.dates(view)}"
    lines += wrap(facts, " " * 6)
    lines += _part("owner", [said.owner(view)])
    lines += _part("brings", said.brings(view))
    lines += _part("gates", [said.gate(g) for g in view.gates])
    lines += _part(said.DESPITE[0].lower().replace("begun ", ""), said.despite(view))
    lines += _part("BLOCKED BY", [said.blocked(b) for b in view.blockers if b.stops])
    lines += _part("to settle", [said.blocked(b) for b in view.blockers if not b.stops])
    return lines


def _part(word: str, cells: list[Cell]) -> list[str]:
    """The word before the first line, the others below what follows it."""
    lines: list[str] = []
    for n, cell in enumerate(cells):
        first = f"{word if n == 0 else '':<{_LEAD}}"
        lines += wrap(_words(cell), " " * 6 + first, " " * (8 + _LEAD))
    return lines
