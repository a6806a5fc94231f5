"""A first start of the cluster that is claimed and not made, with a cluster made by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from infra.services import render

MEMBERS = ("ddn-1", "nd-1", "tdh-1")
IDLE = {"state": "stopped", "role": "uninitialized"}
BEGINS = {"state": "initializing new cluster", "role": "uninitialized"}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(sys.modules, "patroni", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "patroni.config", SimpleNamespace(Config=None))
    monkeypatch.setitem(sys.modules, "patroni.dcs", SimpleNamespace(get_dcs=None))
    found: dict[str, Any] = {"__name__": "first_start"}
    exec(compile(render("postgres/first_start.py"), "first_start.py", "exec"), found)
    return found


def cluster(initialize: str | None = "", leader: str | None = None, **members: Any) -> Any:
    states = {name: IDLE for name in MEMBERS} | {n.replace("_", "-"): s for n, s in members.items()}
    found = [SimpleNamespace(name=n, data=s) for n, s in states.items() if s]
    return SimpleNamespace(initialize=initialize, leader=leader, members=found)


@dataclass
class Etcd:
    """Shows one cluster after the other, a look each; then the last for ever."""

    seen: list[Any]
    looks: int = 0
    taken_back: list[int] = field(default_factory=list)

    def get_cluster(self) -> Any:
        self.looks += 1
        return self.seen[min(self.looks, len(self.seen)) - 1]

    def cancel_initialization(self) -> None:
        self.taken_back.append(self.looks)
        self.seen = [cluster(initialize=None)]


def watched(program: dict[str, Any], *seen: Any, looks: int = 20) -> list[int]:
    """The looks at which the claim was taken back; five seconds between two."""
    etcd, now = Etcd(list(seen)), [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    program["watch"](etcd, MEMBERS, lambda: etcd.looks >= looks, lambda: now[0], wait)
    return etcd.taken_back


def test_a_claim_that_nobody_acts_on_is_taken_back_once(program: dict[str, Any]) -> None:
    assert watched(program, cluster()) == [8], "after more than thirty seconds"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(cluster(initialize=None), id="nobody has claimed it"),
        pytest.param(cluster(initialize="7712592126467312345"), id="it was made"),
        pytest.param(cluster(leader="nd-1"), id="one leads"),
        pytest.param(cluster(nd_1=BEGINS), id="one makes it"),
        pytest.param(cluster(nd_1=None), id="one is not there, and may be making it"),
    ],
)
def test_nothing_is_done_while_a_start_may_be_under_way(program: dict[str, Any], seen: Any) -> None:
    assert watched(program, seen) == []


def test_the_time_counts_anew_when_somebody_began(program: dict[str, Any]) -> None:
    stalls = [cluster()] * 6
    assert watched(program, *stalls, cluster(tdh_1=BEGINS), *stalls, cluster()) == [15]
