"""Openings in force beside the planned ones, and rules of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import collapse_addresses, ip_network
from typing import Any

from infra.host import firewall
from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property
from infra.resources import Opening

Port = tuple[str, int]
# Docker's tables, by iptables: address translation, filter, and raw since version 28.
DOCKERS = {(f, t) for f in ("ip", "ip6") for t in ("nat", "filter", "raw", "mangle")}
# Where Docker writes no rule of its own; what is here is somebody's.
USERS_CHAINS = ("INPUT", "DOCKER-USER")
RELOAD = f"systemctl reload {firewall.SERVICE} puts the planned rules back"


@detector("opening", needs="network", danger=True)
def openings(seen: Seen) -> Iterator[Drifted]:
    """A port that is open to others than planned, or no longer open."""
    planned, live = _planned(seen.host.parts.openings), _live(_rules(seen))
    if not _rules(seen):
        return  # the table itself is gone: another detector says so
    for port in sorted({*planned, *live}):
        before, after = planned.get(port, frozenset()), live.get(port, frozenset())
        if before == after:
            continue
        name = f"{port[0]}/{port[1]}" if port[1] else port[0]
        yield Drifted(
            "opening",
            name,
            "create" if not before else "delete" if not after else "update",
            "it is open beside the plan" if after - before else "it is no longer open",
            remedy=RELOAD,
            danger=bool(after - before),
            properties=(Property("sources", _text(before), _text(after)),),
            words=("nft",),
        )


@detector("firewall-table", needs="network", danger=True)
def table(seen: Seen) -> Iterator[Drifted]:
    """The toolkit's own table is gone or no longer drops what no rule allows."""
    own = _rules(seen)
    if own and any("drop" in e for e in own[-1]["expr"]):
        return
    yield Drifted(
        "firewall",
        f"table inet {firewall.TABLE}",
        "delete" if not own else "update",
        "it is gone: every port answers" if not own else "its last rule no longer drops the rest",
        remedy=RELOAD,
        danger=True,
        words=("nft",),
    )


@detector("firewall-rules", needs="network", danger=True)
def foreign(seen: Seen) -> Iterator[Drifted]:
    """Tables beside the toolkit's and Docker's, or rules where Docker writes none."""
    rows = seen.answers["network"]["rules"]
    tables = {(r["table"]["family"], r["table"]["name"]) for r in rows if "table" in r}
    for family, name in sorted(tables - DOCKERS - {("inet", firewall.TABLE)}):
        yield Drifted(
            "firewall",
            f"table {family} {name}",
            "create",
            "a table of rules beside the plan",
            remedy=f"look at it (nft list table {family} {name}); nft delete table {family} {name}",
            danger=True,
            words=("nft", "iptables", name),
        )
    for family, name in sorted({(f, c) for f, c in _filled(rows) if c in USERS_CHAINS}):
        yield Drifted(
            "firewall",
            f"chain {family} {name}",
            "update",
            "rules by hand in a chain that Docker leaves empty",
            remedy=f"look at them (nft list chain {family} filter {name}) and delete them",
            danger=True,
            words=("iptables", "nft"),
        )


def _filled(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Chains of the filter tables that hold more than a bare return."""
    for row in rows:
        rule = row.get("rule")
        if rule and rule["table"] == "filter" and (rule["family"], "filter") in DOCKERS:
            verdicts = [e for e in rule["expr"] if "counter" not in e]
            if verdicts != [{"return": None}]:
                yield rule["family"], rule["chain"]


def _rules(seen: Seen) -> list[dict[str, Any]]:
    rows = [r["rule"] for r in seen.answers["network"]["rules"] if "rule" in r]
    return [r for r in rows if (r["family"], r["table"]) == ("inet", firewall.TABLE)]


def _planned(openings: tuple[Opening, ...]) -> dict[Port, frozenset[str]]:
    found: dict[Port, set[str]] = {}
    for opening in openings:
        if opening.sources:
            found.setdefault((opening.protocol, opening.port), set()).update(opening.sources)
    return {port: _collapsed(sources) for port, sources in found.items()}


def _live(rules: list[dict[str, Any]]) -> dict[Port, frozenset[str]]:
    """Accepting rules by port. Those of the table's fixed head name no port and no source; a
    rule without a port that names sources, or nothing at all, is told as "any port"."""
    found: dict[Port, set[str]] = {}
    for rule in rules:
        if not any("accept" in e for e in rule["expr"]):
            continue
        matches = [e["match"] for e in rule["expr"] if "match" in e]
        ports, sources, fixed = [], ["0.0.0.0/0"], False
        for match in matches:
            left, right = match["left"], match["right"]
            payload = left.get("payload", {}) if isinstance(left, dict) else {}
            if payload.get("field") == "dport":
                ports = [(payload["protocol"], p) for p in _numbers(right)]
            elif payload.get("field") == "saddr":
                sources = _networks(right)
            else:
                fixed = True  # by interface, connection state or protocol: the fixed head
        if not ports and not fixed:
            ports = [("any port", 0)]
        for port in ports:
            found.setdefault(port, set()).update(sources)
    return {port: _collapsed(sources) for port, sources in found.items()}


def _numbers(right: Any) -> list[int]:
    if isinstance(right, dict) and "set" in right:
        return [n for part in right["set"] for n in _numbers(part)]
    if isinstance(right, dict) and "range" in right:
        return [int(right["range"][0])]
    return [int(right)]


def _networks(right: Any) -> list[str]:
    if isinstance(right, dict) and "set" in right:
        return [n for part in right["set"] for n in _networks(part)]
    if isinstance(right, dict) and "prefix" in right:
        return [f"{right['prefix']['addr']}/{right['prefix']['len']}"]
    return [str(right)]


def _collapsed(sources: set[str]) -> frozenset[str]:
    # typeshed asks for one version of IP, which ip_network() leaves open.
    networks = collapse_addresses(ip_network(s) for s in sources)  # type: ignore[type-var]
    return frozenset(str(n) for n in networks)


def _text(sources: frozenset[str]) -> str | None:
    return ", ".join(sorted(sources)) or None
