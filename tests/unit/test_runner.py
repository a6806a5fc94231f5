"""Ansible's run as a result: exact counts, readable failures, nothing left behind.

The runs are real, against this machine by Ansible's local connection.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from infra import paths, runner
from infra.errors import Exit, HanoiError
from infra.runner import Failure, RunResult, Step


def local(host: str = "here", **variables: object) -> dict[str, object]:
    values = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "hanoi": variables,
    }
    return {"all": {"hosts": {host: values}, "children": {}}}


@pytest.fixture
def playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "playbooks", lambda: tmp_path)

    def write(*tasks: dict, **play: object) -> str:
        whole = [{"hosts": "all", "gather_facts": False, "tasks": list(tasks), **play}]
        (tmp_path / "test.yml").write_text(json.dumps(whole))
        return "test.yml"

    return write


def left_over() -> list[Path]:
    return list(Path("/dev/shm").glob(f"{runner.PREFIX}{os.getpid()}-*"))


def test_things_that_changed_are_counted_and_steps_are_said(playbook) -> None:
    said: list[str] = []
    name = playbook(
        {"name": "packages", "command": "true"},
        {"name": "loop", "command": "test {{ item }} = 1", "loop": [1, 2], "changed_when": "item == 1", "failed_when": False},
        {"name": "same", "command": "true", "changed_when": False},
    )  # fmt: skip
    result = runner.run(name, local(), {"here": {"packages": Step("packages: 7", 7)}}, said.append)
    assert (result.changed, result.failed) == ({"here": 8}, [])
    assert said == ["here: packages: 7"]
    assert left_over() == []


def test_a_failure_names_host_and_task_and_shows_no_traceback(playbook) -> None:
    name = playbook(
        {
            "name": "units",
            "fail": {"msg": "Traceback (most recent call last):\n File x\nOSError: full"},
        }
    )
    result = runner.run(name, local(), {}, print)
    assert result.failed == [Failure("here", "units", result.failed[0].message)]
    assert "OSError: full" in result.failed[0].message
    assert "Traceback" not in result.failed[0].message


def test_a_play_that_cannot_start_is_one_error(playbook) -> None:
    with pytest.raises(HanoiError) as caught:
        runner.run(playbook({"no_such_module": None}), local(), {}, print)
    assert caught.value.problems[0].code == "HN-A002"
    assert left_over() == []


def test_an_interruption_ends_ansible_and_removes_its_directory(playbook, tmp_path: Path) -> None:
    marker = tmp_path / "ended"
    name = playbook({"name": "slow", "shell": f"sleep 6; touch {marker}"})

    started = threading.Event()
    steps = {"here": {"slow": Step("slow")}}

    def interrupting(line: str) -> None:
        started.set()

    original = threading.Thread.join

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if self.name == "ansible" and started.is_set() and not marker.exists() and timeout == 0.2:
            raise KeyboardInterrupt
        original(self, timeout)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threading.Thread, "join", join)
        runner.run(name, local(), steps, interrupting)
    assert left_over() == []
    time.sleep(7)
    assert not marker.exists()


def test_failures_are_raised_together_with_codes_for_the_operator() -> None:
    failed = [
        Failure("b", "packages", "no mirror"),
        Failure("a", "files (outcome)", "/etc/x: bad"),
        Failure("c", "units", "gone", unreachable=True),
    ]
    with pytest.raises(HanoiError) as caught:
        runner.raise_for(failed)
    assert [(p.where, p.code) for p in caught.value.problems] == [
        ("host a", "HN-A005"),
        ("host b", "HN-A003"),
        ("host c", "HN-A004"),
    ]
    assert caught.value.exit_code is Exit.FAILED
    with pytest.raises(HanoiError) as lost:
        runner.raise_for(failed[2:])
    assert lost.value.exit_code is Exit.UNREACHABLE
    runner.raise_for([])


def test_what_a_killed_run_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead, alive = (
        tmp_path / f"{runner.PREFIX}999999999-x",
        tmp_path / f"{runner.PREFIX}{os.getpid()}-y",
    )
    dead.mkdir()
    alive.mkdir()
    runner._remove_left_over(tmp_path)
    assert (dead.exists(), alive.exists()) == (False, True)


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def files(tmp_path: Path, **second: object) -> str:
    base = {
        "mode": "0640",
        "owner": str(os.getuid()),
        "group": str(os.getgid()),
        "validate": [],
        "actions": ["reload"],
    }
    first = base | {"path": str(tmp_path / "etc" / "one"), "content": "one {{ 1 }}\n"}
    other = (
        base | {"path": str(tmp_path / "etc" / "two"), "content": "line two\nhunter2\n"} | second
    )
    return encoded([first, other])


def run_files(tmp_path: Path, value: str) -> RunResult:
    variables = {"files": value, "journal": str(tmp_path / "pending")}
    play = [{"hosts": "all", "gather_facts": False, "roles": ["files"]}]
    (tmp_path / "files.yml").write_text(json.dumps(play))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "playbooks", lambda: tmp_path)
        return runner.run(
            "files.yml", local(**variables), {"here": {"files": Step("files", 2)}}, print
        )


def test_files_are_placed_with_their_actions_on_record_and_only_once(tmp_path: Path) -> None:
    result = run_files(tmp_path, files(tmp_path))
    assert (result.changed, result.failed) == ({"here": 2}, [])
    assert (tmp_path / "etc" / "one").read_text() == "one {{ 1 }}\n"
    assert (tmp_path / "etc" / "two").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in (tmp_path / "pending").iterdir()] == ["reload"]
    assert run_files(tmp_path, files(tmp_path)).changed == {"here": 0}


@pytest.mark.parametrize("secret", [False, True])
def test_a_refused_file_leaves_all_as_it_was_and_no_content_in_the_message(
    tmp_path: Path, secret: bool
) -> None:
    check = ["sh", "-c", "echo refused: line 2 of $0; cat $0; exit 1", "{}"]
    result = run_files(tmp_path, files(tmp_path, validate=check, secret=secret))
    assert result.changed == {"here": 0}
    message = result.failed[0].message
    assert f"{tmp_path}/etc/two" in message and "hunter2" not in message
    assert ("refused: line 2" in message) is not secret
    assert list((tmp_path / "etc").iterdir()) == []
    assert list((tmp_path / "pending").iterdir()) == []
