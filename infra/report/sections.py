"""The summary as sections: the order, the headings and the rows that every form shows."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.report import words
from infra.report.content import (
    Capacity,
    Finding,
    OpeningChange,
    Operation,
    Report,
)
from infra.report.words import Cell, Code, codes, joined, number


@dataclass(frozen=True)
class Row:
    """One line of a section. cells: as many as the section has columns; of: the noun that is
    counted when the section's form has no room for every row; grave: to be seen first."""

    cells: tuple[Cell, ...]
    of: str = "line"
    grave: bool = False


@dataclass(frozen=True)
class Section:
    """id: stable; en, vi: the heading; columns: their headings in English."""

    id: str
    en: str
    vi: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def sections(report: Report) -> tuple[Section, ...]:
    """Every part of the summary that has something to say, in a reviewer's order, but for the
    dangers (`findings`) and the counts (`counts`)."""
    made = (make(report) for make in _PARTS)
    return tuple(s for s in made if s.rows)


def findings(report: Report) -> tuple[Finding, ...]:
    """What sets the exit code: refusals, then dangers."""
    order = ("refused", "danger")
    found = [f for f in report.summary.findings if f.severity in order]
    return tuple(sorted(found, key=lambda f: (order.index(f.severity), f.id, f.where)))


def nothing(report: Report) -> bool:
    """Nothing changes, nothing has to be said, and nothing is in the summary."""
    return report.empty and not sections(report)


def site_names(report: Report) -> dict[str, str]:
    """Site id → its name in both languages, of the sites the change touches."""
    touched = (t for t in report.summary.touched if t.kind == "site")
    return {t.id: words.both(t.name_vi, t.name_en) for t in touched}


def site_cell(names: dict[str, str], site: str) -> Cell:
    """How a site is shown: its names where they are known, else its id."""
    if not site:
        return (" · ".join(words.ONCE),)
    return (names[site],) if site in names else (Code(site),)


def host_cell(host: str) -> Cell:
    return (Code(host),) if host else ("the ministry",)


def headline(report: Report) -> str:
    """How much changes, in one line."""
    hosts = {c.host for c in report.changes if c.host}
    what = "difference" if report.source == "drift" else "change"
    counted = words.counted(report.counts()) or "none"
    where = f" on {number(len(hosts), 'host')}" if hosts else ""
    return f"{number(len(report.changes), what)}{where}: {counted}"


def verdict(report: Report) -> str:
    """Refusals and dangers in one line, or that there are none."""
    of = [f.severity for f in report.summary.findings]
    refused, dangers = of.count("refused"), of.count("danger")
    said = [number(refused, "refusal")] if refused else []
    said += [number(dangers, "danger")] if dangers else []
    return ", ".join(said) or "no refusal, no danger"


def counts(report: Report, by: str = "host") -> Section:
    """How many things of each operation; by: "host", "site" or "all" (one row)."""
    operations = tuple(report.counts())
    tally: dict[tuple[str, str], dict[Operation, int]] = {}
    for c in report.changes:
        key = ("", "") if by == "all" else (c.site, c.host if by == "host" else "")
        row = tally.setdefault(key, {})
        row[c.operation] = row.get(c.operation, 0) + 1
    names = site_names(report)
    rows = [] if by == "all" else [_tally(names, k, tally[k], operations) for k in sorted(tally)]
    if len(rows) != 1:
        whole = report.counts()
        rows.append(Row((("all together",), ("",), *((f"{whole[o]:,}",) for o in operations))))
    return Section(
        "counts",
        "What happens where",
        "Việc được thực hiện",
        ("Site", "Host", *(words.DONE[o][0] for o in operations)),
        tuple(rows) if report.changes else (),
    )


def _tally(
    names: dict[str, str],
    key: tuple[str, str],
    count: dict[Operation, int],
    operations: tuple[Operation, ...],
) -> Row:
    numbers = ((f"{count[o]:,}" if o in count else "",) for o in operations)
    host: Cell = (Code(key[1]),) if key[1] else ("",)
    return Row((site_cell(names, key[0]), host, *numbers), "host")


def _touched(report: Report) -> Section:
    order = ("unit", "application", "site")
    touched = sorted(report.summary.touched, key=lambda t: order.index(t.kind))
    rows = (
        Row(
            (
                (t.kind,),
                (words.both(t.name_vi, t.name_en), " ", Code(t.id)),
                ("; ".join(t.how),),
            ),
            t.kind,
        )
        for t in touched
    )
    heading = ("Units, applications and sites touched", "Đơn vị, ứng dụng, địa điểm bị tác động")
    return Section("touched", *heading, ("Kind", "Name", "How"), tuple(rows))


def _interruptions(report: Report) -> Section:
    rows = (
        Row(
            (
                (words.duration(i.seconds),),
                (i.whom,),
                joined(((i.what,), ("on ", Code(i.host)) if i.host else ()), " "),
                (i.basis,),
            ),
            "interruption",
        )
        for i in sorted(report.summary.interruptions, key=lambda i: -i.seconds)
    )
    columns = ("How long", "For whom", "What", "Basis")
    return Section(
        "interruptions", "Expected interruption", "Gián đoạn dự kiến", columns, tuple(rows)
    )


def _data(report: Report) -> Section:
    order = ("deleted", "left behind", "moved", "created")
    rows = (
        Row(
            ((d.effect,), (d.what,), host_cell(d.host), codes(d.units, "unit")),
            d.effect,
            d.effect == "deleted",
        )
        for d in sorted(report.summary.data, key=lambda d: order.index(d.effect))
    )
    return Section(
        "data", "Data that moves or goes", "Dữ liệu", ("Effect", "What", "Host", "Units"),
        tuple(rows),
    )  # fmt: skip


def everyone(network: str) -> bool:
    """Whether a network is the whole Internet."""
    try:
        return ipaddress.ip_network(network, strict=False).prefixlen == 0
    except ValueError:
        return False


def _sources(networks: Iterable[str]) -> Cell:
    return joined(
        ((*(("everyone ",) if everyone(n) else ()), Code(n)) for n in networks), ", "
    ) or ("nobody",)


def _openings(report: Report) -> Section:
    def public(o: OpeningChange) -> bool:
        return any(everyone(n) for n in o.after) and not any(everyone(n) for n in o.before)

    def effect(o: OpeningChange) -> str:
        if public(o):
            return "opens to everyone"
        if not o.before:
            return "opens"
        if not o.after:
            return "closes"
        wider, narrower = set(o.after) - set(o.before), set(o.before) - set(o.after)
        return "changes" if bool(wider) == bool(narrower) else "widens" if wider else "narrows"

    rows = (
        Row(
            (
                (effect(o),),
                (Code(o.host), " ", Code(f"{o.protocol}/{o.port}")),
                (*_sources(o.before), " → ", *_sources(o.after)),
                (o.reason,),
            ),
            "opening",
            public(o),
        )
        for o in report.summary.openings
    )
    columns = ("Effect", "Port", "Who may reach it", "Reason")
    return Section("openings", "Firewall openings", "Cổng mở trên tường lửa", columns, tuple(rows))


def _capacity(report: Report) -> Section:
    def row(c: Capacity) -> Row:
        before = "new host" if c.before is None else words.amount(c.resource, c.before)
        after = "host goes" if c.after is None else words.amount(c.resource, c.after)
        share = f"{100 * c.after / c.limit:.0f} %" if c.after is not None and c.limit > 0 else ""
        over = c.after is not None and c.after > c.limit
        of = f"of {words.amount(c.resource, c.limit)}" + (f", {share}" if share else "")
        return Row(
            (
                (Code(c.host),),
                (c.resource,),
                (f"{before} → {after}",),
                (f"{of}: MORE THAN THERE IS" if over else of,),
            ),
            "host",
            over,
        )

    rows = tuple(row(c) for c in report.summary.capacity)
    columns = ("Host", "Resource", "Promised", "Of")
    return Section("capacity", "Capacity, before → after", "Tài nguyên máy chủ", columns, rows)


def _waves(report: Report) -> Section:
    rows = tuple(Row(((w,),), "wave") for w in report.summary.waves)
    return Section("waves", "Waves of the roadmap", "Các đợt triển khai", ("Wave",), rows)


def _checks(report: Report) -> Section:
    rows = (
        Row(
            (
                ("begins" if c.operation == "create" else "stops",),
                (Code(c.control), " ", c.title),
                codes(c.hosts, "host"),
            ),
            "check",
        )
        for c in report.summary.checks
    )
    columns = ("Effect", "Check", "Hosts")
    return Section("checks", "Checks that change", "Kiểm tra tuân thủ", columns, tuple(rows))


def _notes(report: Report) -> Section:
    rows = (
        Row(
            (
                (Code(f.where),),
                (Code(f.id), ": ", f.what),
                ("; ".join(t for t in (f.reason, f.remedy) if t),),
            ),
            "note",
        )
        for f in report.summary.findings
        if f.severity == "note"
    )
    return Section(
        "notes", "Notes", "Ghi chú", ("Where", "What", "Why, and what to do"), tuple(rows)
    )


def _unknown(report: Report) -> Section:
    rows = tuple(Row(((u,),), "unknown") for u in report.summary.unknown)
    return Section("unknown", "Unknown", "Chưa xác định được", ("What, and why",), rows)


_PARTS: tuple[Callable[[Report], Section], ...] = (
    _touched, _interruptions, _data, _openings, _capacity, _waves, _checks, _notes, _unknown,
)  # fmt: skip
