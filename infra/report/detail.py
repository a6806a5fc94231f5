"""The detail of a report in order: by site and host, what is worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from infra.report import words
from infra.report.content import OPERATIONS, Change, Operation, Report
from infra.report.sections import site_cell, site_names
from infra.report.words import Cell, Code, codes, joined, number, values


@dataclass(frozen=True)
class Place:
    """A host, or the ministry as a whole (host and site ""), with what changes there."""

    site: str
    host: str
    name: Cell
    changes: tuple[Change, ...]

    @property
    def summary(self) -> str:
        """`1 deleted, 2 created`."""
        return words.counted(counts(self.changes))

    @property
    def kinds(self) -> str:
        """The changes by what they are: `3 containers: 1 replaced, 2 created; 1 file: …`."""
        said = []
        for kind, n in sorted(Counter(c.kind for c in self.changes).items()):
            each = words.counted(counts(c for c in self.changes if c.kind == kind))
            said.append(f"{number(n, kind)}: {each}")
        return "; ".join(said)


def counts(changes: Iterable[Change]) -> dict[Operation, int]:
    """Operation → number of changes, in the order of worry; only what occurs."""
    done = Counter(c.operation for c in changes)
    return {o: done[o] for o in OPERATIONS if o in done}


def ordered(report: Report) -> list[Change]:
    """All changes by site and host (the ministry's own first), worst operation first."""
    return sorted(
        report.changes,
        key=lambda c: (c.site, c.host, OPERATIONS.index(c.operation), c.kind, c.name),
    )


def places(report: Report) -> tuple[Place, ...]:
    """The hosts where something changes, each with its site's name."""
    names = site_names(report)
    found: dict[tuple[str, str], list[Change]] = {}
    for change in ordered(report):
        found.setdefault((change.site, change.host), []).append(change)
    return tuple(
        Place(
            site,
            host,
            joined((site_cell(names, site), (Code(host),) if host else ()), " · "),
            tuple(changes),
        )
        for (site, host), changes in found.items()
    )


def title(change: Change) -> Cell:
    """`container `tryton`, its image changes`; a rename says from what to what."""
    said: list[str] = [change.kind, " ", Code(change.name)]
    if change.why:
        said += [": ", change.why]
    if change.operation == "rename" and change.properties:
        said += [
            "; " if change.why else ": ",
            *joined(values(change, p.name, p.before, p.after) for p in change.properties),
        ]
    return tuple(said)


def listed(change: Change) -> tuple[Cell, ...]:
    """The properties, one a line; a rename's stand in its title."""
    if change.operation == "rename":
        return ()
    return tuple(values(change, p.name, p.before, p.after) for p in change.properties)


def concerns(change: Change) -> Cell:
    """Whom the change concerns; () when that is not said."""
    units = codes(change.units, "unit")
    applications = codes(change.applications, "application")
    return joined((c for c in (units, applications) if c), "; ")


def diff_lines(diff: str) -> list[str]:
    """A unified diff's lines, made harmless, each with its sign: what has none gets a space."""
    lines = words.visible(diff, lines=True).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line if line[:1] in ("+", "-", " ", "@", "\\") else f" {line}" for line in lines]
