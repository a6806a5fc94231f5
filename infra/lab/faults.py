"""Stop, kill and cut off lab hosts, as end-to-end tests need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from infra.errors import error
from infra.lab import machine
from infra.lab.container import LABEL_ADDRESS, STOP_SECONDS
from infra.lab.hosts import DEFAULT, find
from infra.lab.machine import engine_errors

_TABLE = "inet hanoi_lab_cut"


def stop_host(host_id: str, name: str = DEFAULT) -> None:
    """Shut a host down in order, as `poweroff` does."""
    with engine_errors(f"lab host {host_id}"):
        find(machine.client(), host_id, name).stop(timeout=STOP_SECONDS)


def start_host(host_id: str, name: str = DEFAULT) -> None:
    """Switch a host on again: same address, same host key, same data. Does not wait for it."""
    with engine_errors(f"lab host {host_id}"):
        find(machine.client(), host_id, name).start()


def kill_host(host_id: str, name: str = DEFAULT) -> None:
    """End every process of a host at once (SIGKILL). The machine's page cache survives it, so
    it shows what the loss of power does to services, not what it does to disks."""
    with engine_errors(f"lab host {host_id}"):
        find(machine.client(), host_id, name).kill("SIGKILL")


def cut(host_id: str, others: Sequence[str], name: str = DEFAULT) -> None:
    """Cut a host off from other hosts (ids) in both directions, until heal() or its restart.

    Replaces an earlier cut of the same host. A `flush ruleset` inside the host ends it too.
    HN-L012 when the host does not take the rules.
    """
    with engine_errors(f"lab host {host_id}"):
        engine = machine.client()
        addresses = [find(engine, other, name).labels[LABEL_ADDRESS] for other in others]
    _nft(host_id, name, cut_rules(addresses))


def heal(host_id: str, name: str = DEFAULT) -> None:
    """End a cut; nothing happens when there is none."""
    _nft(host_id, name, _empty())


def cut_rules(addresses: Sequence[str]) -> str:
    """nftables input that drops all traffic with the addresses.

    Before connection tracking (priority -310), so that running connections end as well; in
    prerouting for what arrives and for what nested containers send, in output for the host.
    """
    if not addresses:
        return _empty()
    them = "{ " + ", ".join(sorted(set(addresses))) + " }"
    return _empty() + (
        f"table {_TABLE} {{\n"
        "  chain incoming {\n"
        "    type filter hook prerouting priority -310; policy accept;\n"
        f"    ip saddr {them} drop\n"
        f"    ip daddr {them} drop\n"
        "  }\n"
        "  chain outgoing {\n"
        "    type filter hook output priority -310; policy accept;\n"
        f"    ip daddr {them} drop\n"
        "  }\n"
        "}\n"
    )


def _empty() -> str:
    # Adding first makes the deletion succeed whether the table was there or not.
    return f"table {_TABLE}\ndelete table {_TABLE}\n"


def _nft(host_id: str, name: str, rules: str) -> None:
    with engine_errors(f"lab host {host_id}"):
        host = find(machine.client(), host_id, name)
        answer = host.exec_run(
            ["sh", "-c", 'printf %s "$RULES" | nft -f -'], environment={"RULES": rules}
        )
    if answer.exit_code:
        said = cast(bytes, answer.output).decode()
        raise error(
            "HN-L012",
            f"lab host {host_id}",
            f"its firewall refused the cut: {machine.last_line(said)}",
            "See that nftables is still installed in the host (`nft list ruleset`).",
        )
