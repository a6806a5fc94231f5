"""Firewall: the rules in force. What they do is tried in test_ports.py."""

from __future__ import annotations

import json

from infra.verify.checks import STATED_PORTS, control, gate, look

pytestmark = [gate("infrastructure")]

FOR_USERS = {80, 443}


def ruleset(host) -> list[dict]:
    return list(json.loads(look(host, "nft -j list ruleset"))["nftables"])


def rules(host) -> list[dict]:
    found = [r["rule"] for r in ruleset(host) if "rule" in r]
    return [r for r in found if (r["family"], r["table"]) == ("inet", "hanoi")]


def opened(rule: dict) -> set[int]:
    """The ports that an accepting rule opens."""
    ports: set[int] = set()
    if not any("accept" in e for e in rule["expr"]):
        return ports
    for match in (e["match"] for e in rule["expr"] if "match" in e):
        left = match["left"].get("payload", {}) if isinstance(match["left"], dict) else {}
        if left.get("field") == "dport":
            right = match["right"]
            ports |= set(right["set"]) if isinstance(right, dict) and "set" in right else {right}
    return ports


@control("FW-01", "CIS 4.3", "own requirement")
def test_table(host) -> None:
    """Our table filters before Docker's address translation, host and containers alike.

    A rule in the input chain never sees a published container port.
    Break: the table flushed or deleted.
    """
    chains = [r["chain"] for r in ruleset(host) if "chain" in r]
    own = [c for c in chains if c["table"] == "hanoi" and c.get("hook") == "prerouting"]
    assert len(own) == 1, "there is no prerouting chain in table inet hanoi"
    assert -200 < own[0]["prio"] < -100, f"priority {own[0]['prio']} is not before Docker's"


@control("FW-02", "CIS 4.3")
def test_rest_is_dropped(host) -> None:
    """What no rule allows is dropped.

    Break: the table flushed.
    """
    found = rules(host)
    assert found, "table inet hanoi has no rules"
    assert any("drop" in e for e in found[-1]["expr"]), "the last rule does not drop"


@control("FW-03", "own requirement")
def test_only_stated_ports(host) -> None:
    """No rule opens a port that no service of ours has.

    Break: a rule that accepts another port.
    """
    found = {p for rule in rules(host) for p in opened(rule)}
    assert found <= STATED_PORTS, f"also open: {sorted(found - STATED_PORTS, key=str)}"


@control("FW-04", "own requirement")
def test_every_opening_names_sources(host) -> None:
    """Every opening names the networks that may use it."""
    loose = []
    for rule in rules(host):
        text = json.dumps(rule["expr"])
        if opened(rule) and ('"saddr"' not in text or '"0.0.0.0"' in text):
            loose += sorted(opened(rule))
    assert not loose, f"open to everybody: {loose}"


@control("FW-05", "own requirement")
def test_openings_are_the_planned_ones(host, target) -> None:
    """The rules in force open the planned ports, no more and no fewer."""
    found = {p for rule in rules(host) for p in opened(rule)}
    planned = {o.port for o in target.parts.openings if o.sources}
    assert found == planned, f"open: {sorted(found)}, planned: {sorted(planned)}"


@control("FW-06", "own requirement")
def test_service(host) -> None:
    """The firewall starts with the host."""
    assert host.service("hanoi-firewall.service").is_enabled, "hanoi-firewall is not enabled"
    assert host.service("hanoi-firewall.service").is_running, "hanoi-firewall is not active"


@control("FW-07", "own requirement")
def test_nothing_flushes_docker(host) -> None:
    """Debian's own nftables service, which would flush Docker's rules, stays off."""
    assert not host.service("nftables.service").is_enabled, "nftables.service is enabled"
