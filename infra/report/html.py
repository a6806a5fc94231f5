"""The report as one page: no script, no address that a browser would fetch, light and dark."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infra.report import detail, words
from infra.report.content import OPERATIONS, Report
from infra.report.sections import counts, findings, headline, nothing, sections, verdict
from infra.report.svg import drawing
from infra.report.topology import topology
from infra.report.words import Cell, Code, visible

_LINES = {"+": "added", "-": "removed", "@": "place"}


def render(report: Report) -> str:
    """The whole page, ending with a newline."""
    every = sections(report)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            title=words.TITLES[report.source],
            empty=nothing(report),
            nothing=words.NO_DRIFT if report.source == "drift" else words.NOTHING,
            findings=findings(report),
            severities=words.SEVERITIES,
            verdict=verdict(report),
            headline=headline(report),
            totals=[(o, n, words.DONE[o]) for o, n in report.counts().items()],
            counts=counts(report),
            touched=[s for s in every if s.id == "touched"],
            sections=[s for s in every if s.id != "touched"],
            drawings=[Markup(drawing(site)) for site in topology(report)],
            operations=[(o, words.DONE[o]) for o in OPERATIONS],
            places=detail.places(report),
            detail=detail,
        )
        + "\n"
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("infra.report", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters.update(visible=visible, cell=_cell, diff=_diff)
    return environment


def _cell(cell: Cell) -> Markup:
    """A cell's pieces, what machines read in a fixed-width face."""
    made = (
        f"<code>{escape(visible(p) or '(empty)')}</code>"
        if isinstance(p, Code)
        else escape(visible(p))
        for p in cell
    )
    return Markup("".join(made))


def _diff(text: str) -> Markup:
    """A diff's lines, those of a kind that follow each other in one coloured block."""
    out = []
    for kind, lines in groupby(detail.diff_lines(text), key=lambda x: _LINES.get(x[:1], "")):
        block = escape("\n".join(lines))
        out.append(f'<span class="{kind}">{block}</span>' if kind else block)
    return Markup("\n".join(out))
