"""The files that say which of two copies with one database works: what is in them, and how a move
puts them in place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_moves_turns import FIRST, KEY, MODEL, MOVE, SECOND, WAITS, WORKS

from infra.moves import turns, work
from infra.moves.stores import Store
from infra.placement import Home, Place
from infra.plan import plan
from infra.resources import Files
from infra.state import HomeRecord

MEDIA = "documents-tt-thong-tin-media"


class Local:
    """This machine as a host."""

    def python(self, source: str, payload: dict[str, Any]) -> Any:
        program = f"import json, sys\npayload = json.load(sys.stdin)\n{source}"
        argv, asked = [sys.executable, "-I", "-c", program], json.dumps(payload)
        done = subprocess.run(argv, input=asked, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
def test_what_tells_whose_turn_it_is_is_put_in_place_and_only_then_is_anything_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host: Any = Local()
    told = tmp_path / "etc" / "instance.py"
    stopped: list[bool] = []
    store = Store(FIRST, (Files(MEDIA),), (), (), host, turn_files=(str(told),))
    monkeypatch.setattr(Store, "still", lambda _: stopped.append(told.exists()))
    planned = plan(MODEL, homes={KEY: Home(FIRST, SECOND)})
    (real,) = (f for f in planned.host("nd-1").parts.files if f.path.endswith("tin/instance.py"))
    file = {
        "path": str(told),
        "content": real.content,
        "mode": 0o440,
        "owner": "10090",
        "group": "0",
    }
    monkeypatch.setattr(turns, "_payload", lambda *_: {"files": [file]})
    turns.tell(planned, store, str)
    assert stopped == [False]
    assert told.read_text() == real.content and os.listdir(told.parent) == ["instance.py"]
    seen = told.stat()
    assert (seen.st_mode & 0o777, seen.st_uid, seen.st_gid) == (0o440, 10090, 0)
    turns.tell(planned, store, str)
    assert stopped == [False], "nothing differs, so nothing is stopped"


def test_only_what_tells_whose_turn_it_is_is_put_in_place() -> None:
    homes = {KEY: Home(SECOND, FIRST)}
    made = plan(MODEL, homes=homes)
    (data,) = (d for d in made.data if (d.unit, d.place) == (KEY[1], str(FIRST)))
    store = Store(FIRST, data.files, (), (), None, turn_files=data.turn_files)
    (file,) = turns._payload(made, store, lambda reference: "")["files"]
    assert file["path"] == "/etc/hanoi/documents-tt-thong-tin/instance.py"
    assert "waiting: this is not the copy that works" in file["content"]


def test_a_waiting_copy_is_well_knows_nothing_of_a_database_and_ends_when_it_is_stopped(
    tmp_path: Path,
) -> None:
    made = plan(MODEL, homes={KEY: Home(SECOND, FIRST)})
    (file,) = (f for f in made.host("nd-1").parts.files if f.path.endswith("tin/instance.py"))
    program = tmp_path / "instance.py"
    program.write_text(file.content)
    for question, answer in (("alive", 0), ("working", 0), ("ready", 1), ("create", 1)):
        assert (
            subprocess.run(["python3", program, question], capture_output=True).returncode == answer
        )
    with subprocess.Popen(["python3", program, "web"], stdout=subprocess.PIPE) as waiting:
        assert waiting.stdout and b"waiting" in waiting.stdout.readline()
        waiting.terminate()
        assert waiting.wait(10) == 0


def test_what_is_told_is_the_plan_of_what_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Place, str]] = []

    def tell(made: Any, at: Store, resolve: Any) -> None:
        (file,) = turns._payload(made, at, resolve)["files"]
        told.append((at.place, WORKS if "django" in file["content"] else WAITS))

    monkeypatch.setattr(turns, "tell", tell)
    homes = HomeRecord(tmp_path)

    def replan() -> Any:
        return plan(MODEL, homes=homes.all())

    homes.record(*KEY, Home(FIRST))
    run: Any = SimpleNamespace(
        plan=replan(),
        connections={"nd-1": None, "tdh-1": None},
        state=tmp_path,
        say=print,
        secrets=SimpleNamespace(resolve=lambda reference: ""),
    )
    carrying = work.carrying_of(run, MOVE, FIRST, SECOND)
    rows = work.rows_of(run, MOVE, carrying, replan)
    homes.record(*KEY, Home(FIRST, SECOND, paused=True))
    rows.fence()
    rows.admit(moved=False)
    homes.record(*KEY, Home(SECOND, FIRST, paused=True))
    rows.admit(moved=True)
    assert told == [(FIRST, WAITS), (FIRST, WORKS), (SECOND, WORKS)]
    assert homes.all()[KEY] == Home(SECOND, FIRST)
