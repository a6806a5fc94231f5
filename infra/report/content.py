"""What a report says, before it has a form: frozen values that text, Markdown, JSON and HTML share.

Two sources fill it: the comparison of two plans (infra/diff, no host, no secret) and the look
at live sites (infra/live). No secret is ever in it: content that holds one shows the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# In the order a reviewer worries about them.
Operation = Literal["delete", "replace", "create", "restart", "reload", "update", "rename"]
OPERATIONS: tuple[Operation, ...] = (
    "delete", "replace", "create", "restart", "reload", "update", "rename",
)  # fmt: skip
EVERYWHERE = ""  # the host of what exists once for the ministry (databases, roles, pages)


@dataclass(frozen=True)
class Property:
    """One property of a thing; None on the side where the thing or the property is not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """One thing that changes.

    kind: the noun of infra/resources in words ("container", "file", "volume", "network",
    "opening", "package", "login", "service", "database", "database role", "one-off", "page",
    "secret", "image"), or of the description ("unit", "application", "site", "host", "wave");
    name: as on its host (a container's name, a file's path, "tcp/443"); host, site: "" for what
    exists once for the ministry; why: the cause in a few words ("its image changes");
    diff: a rendered file's unified diff, without the two header lines; units, applications: ids
    of whom it concerns.
    """

    kind: str
    name: str
    operation: Operation
    host: str = EVERYWHERE
    site: str = EVERYWHERE
    why: str = ""
    properties: tuple[Property, ...] = ()
    diff: str = ""
    units: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()


@dataclass(frozen=True)
class Touched:
    """A unit, application or site that the change concerns, and how, in words a person reads."""

    kind: Literal["unit", "application", "site"]
    id: str
    name_vi: str
    name_en: str
    how: tuple[str, ...]


@dataclass(frozen=True)
class Interruption:
    """Who cannot work with what, for how long. seconds: expected, 0 for none worth noting;
    basis: where the figure comes from."""

    whom: str
    what: str
    seconds: int
    basis: str
    host: str = EVERYWHERE


@dataclass(frozen=True)
class DataChange:
    """Data that comes, moves, stays behind without use, or goes."""

    what: str
    effect: Literal["created", "moved", "left behind", "deleted"]
    host: str = EVERYWHERE
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpeningChange:
    """A port that answers other sources than before. Networks in CIDR form."""

    host: str
    port: int
    protocol: str
    reason: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Capacity:
    """What a host has promised of one resource, before and after, of how much it has.

    resource: "memory" (bytes) or "cpus"; before None: the host is new; after None: it goes.
    """

    host: str
    resource: str
    before: float | None
    after: float | None
    limit: float


@dataclass(frozen=True)
class CheckChange:
    """Compliance checks that begin or stop to apply: a control's id and the hosts."""

    control: str
    title: str
    operation: Literal["create", "delete"]
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What a policy says of the change.

    severity: "refused" and "danger" set the exit code, "note" does not. id: stable, such as
    "data-lost"; where: what it is about; what: the fact; reason: why it matters; remedy: what to
    do instead, or how to allow it.
    """

    id: str
    severity: Literal["refused", "danger", "note"]
    where: str
    what: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Summary:
    """What a reviewer asks first. Everything is sorted; what does not change is not there."""

    touched: tuple[Touched, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    data: tuple[DataChange, ...] = ()
    openings: tuple[OpeningChange, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    waves: tuple[str, ...] = ()
    checks: tuple[CheckChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()  # what could not be told, and why (a bare host's containers)


@dataclass(frozen=True)
class Report:
    """The whole. source: "diff" (two descriptions), "plan" (description and live sites) or
    "drift" (live sites beside the description); base, head: what is compared, as given and as
    resolved ("main (1a2b3c4)", "working tree"); ministry: its names."""

    source: Literal["diff", "plan", "drift"]
    base: str
    head: str
    ministry_vi: str
    ministry_en: str
    summary: Summary
    changes: tuple[Change, ...] = ()
    hosts: tuple[tuple[str, str], ...] = field(
        default=()
    )  # (host, site) of all hosts, for pictures

    @property
    def empty(self) -> bool:
        """Nothing changes and nothing has to be said."""
        return not (self.changes or self.summary.findings or self.summary.unknown)

    def counts(self, host: str | None = None) -> dict[Operation, int]:
        """Operation → number of things, of one host or of all; only what occurs."""
        chosen = [c.operation for c in self.changes if host is None or c.host == host]
        return {o: chosen.count(o) for o in OPERATIONS if o in chosen}
