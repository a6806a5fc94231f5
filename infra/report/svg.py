"""The picture of the change as SVG, one small drawing a site, for pages without scripts."""

from __future__ import annotations

from html import escape

from rich.cells import cell_len, set_cell_size

from infra.report.topology import Box, SiteBox
from infra.report.words import number, visible

WIDTH = 330  # of a drawing, in its own units, as all below
_LINE = 24
_HEAD = 34
_GAP = 10
_LETTERS = 40  # that fit beside the sign


def drawing(site: SiteBox) -> str:
    """A site's box with its touched hosts; colours come from the page's style sheet."""
    y = _HEAD
    parts: list[str] = []
    for host in site.hosts:
        drawn, height = _host(host, y)
        parts.append(drawn)
        y += height + _GAP
    if site.untouched:
        parts.append(_text(18, y + 12, number(site.untouched, "host") + " not touched", "quiet"))
        y += _LINE
    name = visible(site.name)
    height = y + 4
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(_said(site))}">'
        f'<rect class="site" x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="6"/>'
        f"{_text(14, 23, name, 'name')}{''.join(parts)}</svg>"
    )


def _host(host: Box, y: int) -> tuple[str, int]:
    """A host's box at y, and its height."""
    head = 28 if host.name else 8
    height = head + _LINE * len(host.nodes) + 6
    parts = [f'<rect class="host" x="10" y="{y}" width="{WIDTH - 20}" height="{height}" rx="4"/>']
    if host.name:
        parts.append(_text(20, y + 19, host.name, "host-name"))
    for n, node in enumerate(host.nodes):
        top = y + head + n * _LINE
        sign = f'x="20" y="{top + 2}" width="10" height="16" rx="2"'
        parts.append(f'<rect class="op-{node.operation}" {sign}/>')
        parts.append(_text(38, top + 15, f"{node.label}: {node.note}" if node.note else node.label))
    return "".join(parts), height


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    shown = visible(text)
    if cell_len(shown) > _LETTERS:
        shown = set_cell_size(shown, _LETTERS - 1).rstrip() + "…"
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{attribute}>{escape(shown)}</text>'


def _said(site: SiteBox) -> str:
    """The drawing in words, for who cannot see it."""
    hosts = []
    for host in site.hosts:
        nodes = ", ".join(f"{n.label} {n.note}".strip() for n in host.nodes)
        hosts.append(f"{host.name}: {nodes}" if host.name else nodes)
    return visible(f"{site.name}. {'; '.join(hosts)}")
