"""In which order hosts with voting members are changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra import rollout
from infra.errors import HanoiError
from infra.plan import plan
from tests.golden.model import model

HOSTS = [h for h in plan(model()).hosts]
VOTERS = {h.id: [c for c in h.parts.containers if c.votes_in] for h in HOSTS}


def seen(host: Any, stopped: bool) -> Any:
    return SimpleNamespace(
        containers=[
            SimpleNamespace(
                name=c.name,
                state="exited" if stopped and c.name == "postgres" else "running",
                health=None,
            )
            for c in host.parts.containers
        ]
    )


class Run:
    """A run whose looks show, one after the other, the stopped host named for each."""

    def __init__(self, *stopped: str) -> None:
        self._stopped = list(stopped)
        self.said: list[str] = []
        self.look()

    def look(self) -> None:
        away = self._stopped.pop(0)
        self.looks = {h.id: seen(h, h.id == away) for h in HOSTS}

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Host → why the gates of its members are closed; open where nothing is said."""
    why: dict[str, str] = {}
    monkeypatch.setattr(rollout, "_gate", lambda run, host, member, seconds: why.get(host.id, ""))
    return why


def test_a_host_whose_member_is_away_comes_first_and_is_not_asked(gates: dict[str, str]) -> None:
    run: Any = Run("tdh-1", "")

    assert rollout._next_to_change(run, HOSTS, VOTERS).id == "tdh-1"


def test_the_first_comes_when_all_are_whole(gates: dict[str, str]) -> None:
    run: Any = Run("")
    assert rollout._next_to_change(run, HOSTS, VOTERS).id == HOSTS[0].id


def test_a_member_that_stops_while_the_gate_is_asked_comes_first(gates: dict[str, str]) -> None:
    """A stop that a killed run asked for ends after the look; seen on the lab: the run waited for
    a quorum that only the host behind it could make whole."""
    gates[HOSTS[0].id] = "nd-1 is away"
    run: Any = Run("", "nd-1")
    assert rollout._next_to_change(run, HOSTS, VOTERS).id == "nd-1"


def test_a_quorum_that_never_is_whole_ends_the_run(
    gates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "GATE_SECONDS", -1)
    gates[HOSTS[0].id] = "no leader"
    run: Any = Run("")
    with pytest.raises(HanoiError, match=r"HN-D023.*no leader"):
        rollout._next_to_change(run, HOSTS, VOTERS)
