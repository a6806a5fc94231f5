"""What a run does first when the one before it did not come to its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import configure, deploy, ssh
from infra.plan import plan
from infra.state import Journal
from tests.golden.model import model

HOST = ssh.Connection("nd-1", "192.0.2.1", "hanoi")


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that were logged in to anew."""
    hosts: list[str] = []
    monkeypatch.setattr(configure, "log_in_anew", lambda c: hosts.append(c.host_id))
    return hosts


def run(state: Path) -> Any:
    lock: Any = SimpleNamespace(check=lambda: None)
    say: Any = SimpleNamespace(seconds=0.0)
    secrets: Any = None
    made = deploy.Deployment(plan(model()), (), secrets, {"nd-1": HOST}, lock, say)
    made.journal = Journal(state)
    return made


@pytest.mark.parametrize("outcome", [None, "interrupted"])
def test_groups_given_by_a_killed_run_count(
    tmp_path: Path, anew: list[str], outcome: str | None
) -> None:
    """It may have made the user a member of group docker after the connection that is still
    shared was opened: through that the engine would refuse."""
    journal = Journal(tmp_path)
    journal.begin("hanoi deploy")
    if outcome:
        journal.end(outcome)

    deploy.execute(run(tmp_path), None, ())

    assert anew == ["nd-1"]


def test_after_a_whole_run_the_shared_connections_serve_on(tmp_path: Path, anew: list[str]) -> None:
    journal = Journal(tmp_path)
    deploy.execute(run(tmp_path), None, ())
    assert journal.interrupted() is None

    deploy.execute(run(tmp_path), None, ())

    assert anew == []
