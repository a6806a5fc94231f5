"""Firewall: what the plan states may come in from outside, nothing else.

One nftables table of our own, with one chain before Docker's address translation, so that it
covers the host's services and the containers' published ports alike. It is replaced in one
transaction and never touches Docker's tables; Debian's nftables.service is not used because
its configuration begins with `flush ruleset`, which would take Docker's rules away.
"""

from __future__ import annotations

from ipaddress import collapse_addresses, ip_network

from infra.resources import Action, File, Opening, Parts, Unit
from infra.services import HostContext, on_host, render

RULES = "/etc/hanoi/firewall.nft"
SERVICE = "hanoi-firewall.service"
TABLE = "hanoi"


@on_host("infrastructure", last=True)
def build(context: HostContext) -> Parts:
    rules = render(
        "firewall.nft.j2", package="infra.host", table=TABLE, rules=_rules(context.openings)
    )
    service = render("firewall.service.j2", package="infra.host", rules=RULES, table=TABLE)
    reload = "systemctl daemon-reload && systemctl reload-or-restart"
    return Parts(
        packages=("nftables",),
        files=(
            File(
                RULES,
                rules,
                mode=0o600,
                validate=("/usr/sbin/nft", "-c", "-f", "{}"),
                actions=("firewall",),
            ),
            File(f"/etc/systemd/system/{SERVICE}", service, actions=("firewall",)),
        ),
        units=(Unit(SERVICE), Unit("nftables.service", enabled=False, active=False)),
        actions=(Action("firewall", ("/bin/sh", "-c", f"{reload} {SERVICE}")),),
    )


def _rules(openings: tuple[Opening, ...]) -> list[dict[str, object]]:
    """Openings as nft rules, those with the same port joined, in order of port."""
    joined: dict[tuple[int, str], tuple[set[str], set[str]]] = {}
    for opening in openings:
        sources, reasons = joined.setdefault((opening.port, opening.protocol), (set(), set()))
        sources.update(opening.sources)
        reasons.add(opening.reason)
    return [
        {
            "port": port,
            "protocol": protocol,
            "sources": [
                str(n)
                # typeshed asks for one version of IP, which ip_network() leaves open.
                for n in collapse_addresses(ip_network(s) for s in sources)  # type: ignore[type-var]
            ],
            # nft allows 128 bytes of comment and no quotation marks in it.
            "comment": "; ".join(sorted(reasons))
            .replace('"', "'")
            .encode()[:120]
            .decode(errors="ignore"),
        }
        for (port, protocol), (sources, reasons) in sorted(joined.items())
        if sources
    ]
