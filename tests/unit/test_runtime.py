"""Work done once for the ministry is shared out among the hosts that can do it."""

from __future__ import annotations

from dataclasses import replace

from infra import runtime
from infra.resources import Container, HostPlan, OneOff, Parts


def oneoff(name: str, container: str, seconds: int) -> OneOff:
    return OneOff(name, container, ("true",), ("true",), seconds)


def host(name: str, *containers: str) -> HostPlan:
    made = tuple(Container(c, c, "1:1", (), "172.30.1.9", 2**20) for c in containers)
    return HostPlan(name, "site", "10.77.1.10", Parts(containers=made))


def test_hosts_work_side_by_side_and_each_thing_is_done_once() -> None:
    units = [oneoff(f"unit-{n}", "tryton", 45) for n in range(4)]
    settings = oneoff("settings", "postgres", 15)
    nowhere = oneoff("nowhere", "mayan", 5)
    shares = runtime._shares(
        [settings, nowhere, *units],
        [host("a", "tryton", "postgres"), host("b", "tryton"), host("c", "postgres")],
    )
    assert {h: [o.id for o in share] for h, share in shares.items()} == {
        "a": ["unit-0", "unit-2"],
        "b": ["unit-1", "unit-3"],
        "c": ["settings"],
    }


def test_what_names_its_host_is_done_there_or_not_at_all() -> None:
    """Another host may have a container of that name, with a copy that waits."""
    here, away = (replace(oneoff(h, "documents", 5), host=h) for h in ("b", "c"))
    shares = runtime._shares([here, away], [host("a", "documents"), host("b", "documents")])
    assert {h: [o.id for o in share] for h, share in shares.items()} == {"a": [], "b": ["b"]}
