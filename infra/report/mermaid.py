"""The picture of the change as a Mermaid flowchart, which GitLab and GitHub draw."""

from __future__ import annotations

import re

from infra.report.content import OPERATIONS, Report
from infra.report.topology import NODES, SiteBox, size, topology
from infra.report.words import clip, visible

CHARACTERS = 2000  # GitLab draws a longer one only after a click
LABEL = 60
# fill, text: readable on light and dark pages; red for what goes, green for what comes
STYLES = {
    "delete": ("#a1260d", "#ffffff"),
    "replace": ("#6f3fb5", "#ffffff"),
    "create": ("#1a7337", "#ffffff"),
    "restart": ("#8a5a00", "#ffffff"),
    "reload": ("#0b6a78", "#ffffff"),
    "update": ("#0b5cad", "#ffffff"),
    "rename": ("#57606a", "#ffffff"),
}
# Everything but letters, digits, spaces and what is harmless between them.
_UNSAFE = re.compile(r"[^\w ,.()/-]|^[-/]|_|\.(?= )", re.ASCII)


def mermaid(report: Report) -> str:
    """The flowchart's source, ending with a newline; "" when no host is touched.

    Opened up to containers while it has at most NODES nodes and CHARACTERS characters.
    """
    for level in range(4):
        boxes = topology(report, level)
        if not boxes:
            return ""
        source = _source(boxes)
        if size(boxes) <= NODES and len(source) <= CHARACTERS:
            break
    return source


def label(text: str) -> str:
    """Text for between quotes: what could end it or mean something is a character number."""
    shown = clip(visible(text), LABEL)
    return _UNSAFE.sub(lambda m: m[0] if m[0] > "\x7f" else f"#{ord(m[0])};", shown) or "-"


def _source(boxes: tuple[SiteBox, ...]) -> str:
    lines = ["flowchart TB"]  # sites side by side; the nodes of each below each other
    used = set()
    hosts = nodes = 0
    for number, site in enumerate(boxes):
        lines.append(f'  subgraph s{number}["{label(site.name)}"]')
        for host in site.hosts:
            if host.name:
                lines.append(f'    subgraph h{hosts}["{label(host.name)}"]')
                lines.append("      direction LR")
            for node in host.nodes:
                text = label(node.label) + (f"<br/>{label(node.note)}" if node.note else "")
                lines.append(f'      n{nodes}["{text}"]:::{node.operation}_')
                used.add(node.operation)
                nodes += 1
            if host.name:
                lines.append("    end")
            hosts += 1
        lines.append("  end")
    for operation in OPERATIONS:
        if operation in used:
            fill, text = STYLES[operation]
            lines.append(f"  classDef {operation}_ fill:{fill},color:{text},stroke:{fill}")
    return "\n".join(lines) + "\n"
