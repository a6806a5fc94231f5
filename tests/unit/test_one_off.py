"""Work done once, and what a killed run left of it, with a `docker` that runs things here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra import paths

# docker exec CONTAINER COMMAND …; says when it is about to wait for a lock.
DOCKER = """#!/bin/sh
shift 2
case "$*" in flock*true) touch "${2%/*}/waits" ;; esac
exec "$@"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    source = paths.roles() / "oneoffs" / "library" / "one_off.py"
    found = ModuleType("one_off")
    exec(compile(source.read_text(), str(source), "exec"), found.__dict__)
    found.__dict__["LOCKS"] = str(tmp_path)
    return found


def work(root: Path, script: str) -> dict[str, Any]:
    """What is done when `done` is there; `begun` has a line for each time it was tried."""
    (root / "begun").touch()
    said = f"cd {root}; echo once >> begun; {script}"
    probe = ["sh", "-c", f"test -e {root}/done || {{ echo nothing there; exit 1; }}"]
    return {"id": "tables", "container": "c", "probe": probe, "argv": ["sh", "-c", said]}


def begun(root: Path) -> int:
    return len((root / "begun").read_text().splitlines())


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("touch done", (True, "")),
        ("echo no such role; exit 3", (False, "tables ended with 3: no such role")),
        ("true", (True, "tables ran, but its probe still says no: nothing there")),
    ],
)
def test_it_is_done_once_or_says_why_not(
    module: ModuleType, tmp_path: Path, script: str, told: tuple[bool, str]
) -> None:
    wanted = work(tmp_path, script)
    assert module.carry_out(wanted) == told
    assert begun(tmp_path) == 1
    if told == (True, ""):
        assert module.carry_out(wanted) == (False, "")
        assert begun(tmp_path) == 1


@pytest.mark.parametrize(("end", "times"), [("touch done", 1), ("exit 1", 2)])
def test_what_a_killed_run_left_going_is_waited_for(
    module: ModuleType, tmp_path: Path, end: str, times: int
) -> None:
    """Where that ends well nothing is left to do; where it does not, it is done now."""
    os.mkfifo(tmp_path / "pipe")
    left = work(tmp_path, f"read line < pipe; {end}")
    with ThreadPoolExecutor(2) as pool, (tmp_path / "pipe").open("r+b", buffering=0) as pipe:
        before = pool.submit(module.carry_out, left)
        until(lambda: begun(tmp_path) == 1)
        after = pool.submit(module.carry_out, work(tmp_path, "touch done"))
        until(lambda: (tmp_path / "waits").exists() or begun(tmp_path) > 1)
        at_once = begun(tmp_path) > 1
        pipe.write(b"go on\n")
        assert before.result() == ((True, "") if times == 1 else (False, "tables ended with 1: "))
        assert after.result() == (times > 1, "")
    assert not at_once
    assert begun(tmp_path) == times


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it never comes to that"
        time.sleep(0.01)
