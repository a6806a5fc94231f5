"""The roadmap as a picture: one file without scripts, fonts or addresses, light and dark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.cells import cell_len, set_cell_size

from infra.report.words import Cell, both, number, visible
from infra.roadmap import said
from infra.roadmap.content import Overview, WaveView
from infra.roadmap.timeline import Bar, timeline

WIDTH = 1280
LEFT, RIGHT = 436, 1240  # of the time axis
TOP, ROW = 150, 82
MARKS = 4  # gates that are drawn of a wave; all are named
_NOT_XML = re.compile("[\ufffe\uffff]")  # characters that XML does not have, beyond the controls
LEGEND = (
    ("passed", "cổng đạt · gate passes"),
    ("failed", "không đạt · fails"),
    ("unseen", "chưa kiểm tra · not seen"),
    ("unchecked", "chưa có phép kiểm tra · no check"),
)
# Letters that fit: of names, of what is below them, below a bar, of gates beside a bar.
_NAME, _SOFT, _BELOW, _GATES = 43, 52, 84, 44


@dataclass(frozen=True)
class Mark:
    x: float
    state: str


@dataclass(frozen=True)
class Row:
    """anchor, x: where the lines below the bar begin or end; gates: the names of the marks."""

    y: float
    view: WaveView
    number: int
    name: str
    english: str
    owner: str
    state: str
    bar: Bar | None
    marks: tuple[Mark, ...]
    gates: str
    gates_x: float
    anchor: str
    x: float
    facts: str
    trouble: str
    title: str


def render(value: Overview) -> str:
    """The whole picture, ending with a newline."""
    line = timeline(value.waves, value.today, LEFT, RIGHT)
    rows = [_row(n, w, line.bar(w)) for n, w in enumerate(value.waves)]
    bottom = TOP + ROW * len(rows)
    made = (
        _environment()
        .get_template("roadmap.svg.j2")
        .render(
            width=WIDTH,
            height=bottom + 92,
            left=LEFT,
            right=RIGHT,
            top=TOP,
            bottom=bottom,
            row_height=ROW,
            title=" · ".join(reversed(said.TITLE)),
            ministry=_fit(both(value.ministry.vi, value.ministry.en), 120),
            headline=_fit(_words(said.headline(value)), 150),
            source=said.source(value),
            rows=rows,
            ticks=line.ticks(),
            today=value.today,
            today_x=line.x(value.today) if line.shows(value.today) else None,
            states=said.STATES,
            marks=LEGEND,
            procedures=_procedures(value),
        )
    )
    return _NOT_XML.sub("\ufffd", made.rstrip("\n")) + "\n"


def _row(n: int, view: WaveView, bar: Bar | None) -> Row:
    ends = bar is not None and bar.x > (LEFT + RIGHT) / 2
    away = -1 if ends else 1  # marks go from the bar towards the picture's middle
    start = LEFT + 8 if bar is None else bar.x - 12 if ends else bar.end + 12
    shown = view.gates[:MARKS]
    marks = tuple(Mark(round(start + away * 17 * i, 1), g.state) for i, g in enumerate(shown))
    stops = [b for b in view.blockers if b.stops]
    title = [said.name(view), said.state(view), said.dates(view), _words(said.owner(view))]
    title += [_words(c) for c in said.brings(view)]
    title += [_words(said.gate(g)) for g in view.gates]
    title += [_words(said.blocked(b)) for b in view.blockers]
    title += [f"{said.DESPITE[0]} {_words(c)}" for c in said.despite(view)]
    return Row(
        y=TOP + ROW * n,
        view=view,
        number=n + 1,
        name=_fit(view.name.vi, _NAME),
        english=_fit(view.name.en, _SOFT),
        owner=_owner(view),
        state=_fit("; ".join([said.state(view), *_passed_by(view)]), _BELOW),
        bar=bar,
        marks=marks,
        gates=_fit(", ".join(g.name for g in view.gates), _GATES),
        gates_x=round(start + away * (17 * len(shown) - 4), 1),
        anchor="end" if ends else "start",
        x=bar.end if ends and bar else bar.x if bar else LEFT,
        facts=_fit(f"{said.dates(view)} · {_contents(view)}", _BELOW),
        trouble=_fit(_trouble([b.what for b in stops]), _BELOW),
        title=visible("\n".join(title), lines=True),
    )


def _owner(view: WaveView) -> str:
    """In both languages where there is room for them."""
    full = visible(both(view.owner_name.vi, view.owner_name.en))
    return full if cell_len(full) <= _SOFT else _fit(view.owner_name.vi, _SOFT)


def _passed_by(view: WaveView) -> list[str]:
    return [f"{said.DESPITE[0].lower()} {', '.join(d.gates)}" for d in view.despite]


def _contents(view: WaveView) -> str:
    """`personnel: 25 units, 206 procedures` for a line of the picture."""
    parts = [", ".join(view.platform)] if view.platform else []
    for entry in view.applications:
        some = f"{entry.app}: {number(entry.unit_count, 'unit')}"
        some += f", {number(entry.procedures, 'procedure')}" if entry.procedures else ""
        parts.append(some)
    return "; ".join(parts)


def _trouble(stops: list[str]) -> str:
    if not stops:
        return ""
    more = f" (+{len(stops) - 1})" if len(stops) > 1 else ""
    return _fit(stops[0], _BELOW - len(more)) + more


def _procedures(value: Overview) -> str:
    found = value.procedures
    if found is None:
        return ""
    vi, en = said.PROCEDURES[1], said.PROCEDURES[0].lower()
    done = f"{found.done:,} of {found.listed:,} in waves that are done"
    return f"{vi} · {en}: {found.total:,}; {done}"


def _words(cell: Cell) -> str:
    return visible("".join(cell))


def _fit(text: str, letters: int) -> str:
    shown = visible(text)
    if cell_len(shown) <= letters:
        return shown
    return set_cell_size(shown, letters - 1).rstrip() + "…"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("infra.roadmap", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
