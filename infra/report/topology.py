"""What a picture of the change shows: sites, the hosts touched, what changes on each.

Few enough nodes to be read: containers while there is room, else hosts with their counts, else
sites with theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.report import words
from infra.report.content import OPERATIONS, Change, Operation, Report
from infra.report.detail import counts
from infra.report.sections import site_names
from infra.report.words import number

NODES = 50
DRAWN = ("container", "volume")  # what runs, and what holds data


@dataclass(frozen=True)
class Node:
    """label: what it is; note: what happens; operation: the worst of it."""

    label: str
    note: str
    operation: Operation


@dataclass(frozen=True)
class Box:
    """A host (or a site, when it is not opened up) with its nodes."""

    name: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class SiteBox:
    """name: as people read it; untouched: how many of its hosts stay as they are."""

    name: str
    hosts: tuple[Box, ...]
    untouched: int = 0


def topology(report: Report, level: int | None = None) -> tuple[SiteBox, ...]:
    """The sites and hosts that the change touches; empty when it touches no host.

    level: 0 containers, 1 hosts, 2 sites, 3 the first sites only; None: the first that has at
    most NODES nodes.
    """
    if level is None:
        return next(
            (made for n in range(3) if size(made := topology(report, n)) <= NODES),
            topology(report, 3),
        )
    names = site_names(report)
    by_host: dict[tuple[str, str], list[Change]] = {}
    for change in report.changes:
        if change.host:
            by_host.setdefault((change.site, change.host), []).append(change)
    found = sorted({site for site, _ in by_host})
    boxes = tuple(
        SiteBox(
            names.get(site, site),
            _hosts({h: c for (s, h), c in sorted(by_host.items()) if s == site}, level),
            len({h for h, s in report.hosts if s == site} - {h for s, h in by_host if s == site}),
        )
        for site in found
    )
    if level < 3 or len(boxes) <= NODES:
        return boxes
    more = Node(number(len(boxes) - NODES + 1, "more site"), "", "update")
    return (*boxes[: NODES - 1], SiteBox("…", (Box("", (more,)),)))


def size(boxes: tuple[SiteBox, ...]) -> int:
    """How many nodes the picture has."""
    return sum(len(host.nodes) for box in boxes for host in box.hosts)


def _hosts(by_host: dict[str, list[Change]], level: int) -> tuple[Box, ...]:
    if level >= 2:
        every = [c for changes in by_host.values() for c in changes]
        return (Box("", (_counted(number(len(by_host), "host"), every),)),)
    return tuple(Box(host, _nodes(changes, level)) for host, changes in by_host.items())


def _nodes(changes: list[Change], level: int) -> tuple[Node, ...]:
    """A node for each container and volume, and one for all the rest; or one for everything."""
    if level:
        return (_counted(number(len(changes), "change"), changes),)
    ordered = sorted(changes, key=lambda c: (OPERATIONS.index(c.operation), c.name))
    nodes = [
        Node(c.name if c.kind == "container" else f"{c.kind} {c.name}", c.operation, c.operation)
        for c in ordered
        if c.kind in DRAWN
    ]
    if rest := [c for c in ordered if c.kind not in DRAWN]:
        nodes.append(_counted(number(len(rest), "other change" if nodes else "change"), rest))
    return tuple(nodes)


def _counted(label: str, changes: list[Change]) -> Node:
    done = counts(changes)
    return Node(label, words.counted(done), next(iter(done)))
