"""A unit's application moved to the unit's own host and back, while its users work: nothing that
was acknowledged is lost or there twice, and nobody else notices. Killed anywhere, one command
makes it whole."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.moves.record import PHASES
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.conftest import Lab, hanoi, start
from tests.lab.staff import Adding, Staff
from tests.lab.test_deploy import edit
from tests.lab.test_interruption import kill_tree

UNIT, OTHER, APP = "tt-thong-tin", "vu-to-chuc-can-bo", "personnel"
HOST, ADDRESS = "ttt-1", "10.77.9.40"
PAUSE_MOST = 60  # seconds; the bound that the toolkit promises
CENTRAL, OWN = "central", f"own/{HOST}"
OWN_CHOICE = f"""  personnel:
    mode: self-hosted
    host: {HOST}
    backup:
      directory: /srv/backup
"""
OWN_HOST = f"""hosts:
  - id: {HOST}
    address: {ADDRESS}
    cpus: 2
    memory: 4GiB
    storage: 50GiB
"""


@dataclass
class Ministry:
    """A description in which the unit may host itself, and its users."""

    lab: Lab
    sites: Path
    secrets: Secrets

    def staff(self, unit: str) -> Staff:
        return Staff(
            [h.address for h in self.lab.plan.hosts],
            f"{APP}-{unit}.mic.example",
            f"{APP}_{unit}".replace("-", "_"),
            self.secrets.value(f"{APP}/admin/{unit}", "password"),
            self.secrets.resolve(secret("ca", "cert")),
        )

    def choose(self, own: bool) -> None:
        """Only the choice; the host stays described."""
        file = f"units/{UNIT}.yaml"
        plain = "  personnel:\n    mode: central\n"
        edit(self.sites, file, *((plain, OWN_CHOICE) if own else (OWN_CHOICE, plain)))

    def moved(self) -> dict[str, Any]:
        (found,) = json.loads(hanoi("move", "status", "--json", sites=self.sites).out)
        return dict(found)

    def home(self) -> dict[str, Any]:
        homes = json.loads((paths.state() / "homes.json").read_text())
        return dict(homes[f"{APP}/{UNIT}"])


@pytest.fixture(scope="module")
def ministry(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    sites = Path(shutil.copytree(paths.sites(), tmp_path_factory.mktemp("moves") / "sites"))
    with (sites / "units" / f"{UNIT}.yaml").open("a") as file:
        file.write(OWN_HOST)
    hanoi("lab", "up", "--also", HOST, "--quiet", sites=sites)
    try:
        yield Ministry(deployed, sites, Secrets.open(paths.secrets()))
    finally:
        hanoi("lab", "down", HOST, "--yes", "--quiet", sites=sites, check=False)


@contextmanager
def at_work(ministry: Ministry) -> Iterator[Adding]:
    """Two units' users add people meanwhile; afterwards everything acknowledged is there once, the
    unit's pause was short, and the other unit noticed nothing."""
    mine = Adding(ministry.staff(UNIT), f"mine{random.randrange(10**6)}")
    others = Adding(ministry.staff(OTHER), f"others{random.randrange(10**6)}")
    try:
        wait_for(lambda: len(mine.acknowledged) > 3 and len(others.acknowledged) > 3)
        yield mine
    finally:
        mine.stop()
        others.stop()
    stored = mine._staff.names(mine._prefix)
    acknowledged = [name for name, _ in mine.acknowledged]
    print(
        f"{len(acknowledged)} people acknowledged, {len(mine.errors)} requests told to wait,"
        f" longest pause {mine.pause():.1f} s;"
        f" the other unit: {len(others.acknowledged)}, {len(others.errors)} errors"
    )
    assert sorted(stored) == sorted(acknowledged), "lost, or there twice"
    assert mine.pause() <= PAUSE_MOST
    assert set(mine._staff.statuses) <= {200, 503}, "users were told something else than to wait"
    assert others.errors == []


def test_a_unit_moves_to_its_own_host_and_is_taken_back_while_its_users_work(
    ministry: Ministry,
) -> None:
    """By the description and a deploy; taken back by a command."""
    ministry.choose(own=True)
    with at_work(ministry) as mine:
        hanoi("deploy", "--quiet", "--no-verify", sites=ministry.sites)
        assert ministry.home() == {"serving": OWN, "other": CENTRAL, "paused": False}
        assert ministry.moved()["phase"] == "kept"
        went_on(mine)
        hanoi("move", "undo", UNIT, APP, "--quiet", sites=ministry.sites)
        assert ministry.home() == {"serving": CENTRAL, "other": OWN, "paused": False}
        went_on(mine)


@pytest.mark.long
def test_it_moves_again_by_a_command_and_back_by_the_description(ministry: Ministry) -> None:
    """Without a copy of all rows: each place has followed the other."""
    with at_work(ministry) as mine:
        hanoi("move", "run", UNIT, APP, "--quiet", sites=ministry.sites)
        assert ministry.home()["serving"] == OWN
        went_on(mine)
        ministry.choose(own=False)
        hanoi("deploy", "--quiet", "--no-verify", sites=ministry.sites)
        assert ministry.home()["serving"] == CENTRAL
        went_on(mine)
    ministry.choose(own=True)


def test_the_copy_that_does_not_serve_goes_only_when_told_to(ministry: Ministry) -> None:
    name = f"{APP}_{UNIT}".replace("-", "_")
    ministry.choose(own=False)
    hanoi("move", "finish", UNIT, APP, "--yes", "--quiet", sites=ministry.sites)
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    again = hanoi("deploy", "--quiet", "--no-verify", "--json", sites=ministry.sites).json
    assert again["pulumi_changes"] == 0
    leader = ministry.lab.leader()
    assert ministry.lab.sql(leader, f"select count(*) from pg_database where datname='{name}'") == (
        "1"
    )
    slots = "select count(*) from pg_replication_slots where slot_type = 'logical'"
    assert ministry.lab.sql(leader, slots) == "0"
    assert hanoi("verify", "--gate", "personnel", "--quiet").code == 0


@pytest.mark.long
def test_a_move_killed_anywhere_ends_moved_or_back_by_one_command(ministry: Ministry) -> None:
    """Twenty points: at the beginning of every phase and in the middle of it."""
    points = [(phase, delay) for phase in PHASES[:-1] for delay in (0.0, 0.4)] + [
        ("prepare", 1.5),
        ("copy", 2.0),
    ]
    ministry.choose(own=True)
    hanoi("deploy", "--quiet", "--no-verify", sites=ministry.sites)
    hanoi("move", "undo", UNIT, APP, "--quiet", sites=ministry.sites)
    mine = Adding(ministry.staff(UNIT), f"killed{random.randrange(10**6)}")
    told = []
    try:
        for number, (phase, delay) in enumerate(points):
            if phase in ("prepare", "copy"):  # only a copy made anew has these
                hanoi("move", "finish", UNIT, APP, "--yes", "--quiet", sites=ministry.sites)
            killed = kill_at(ministry, phase, delay)
            verb = "undo" if number % 2 else "run"
            hanoi("move", verb, UNIT, APP, "--quiet", sites=ministry.sites)
            home = ministry.home()
            told.append(f"{phase}+{delay}: {killed}; {verb}: {home['serving']}")
            assert home["paused"] is False, told[-1]
            assert home["serving"] == (CENTRAL if verb == "undo" else OWN), told[-1]
            went_on(mine)
            if home["serving"] == OWN:
                hanoi("move", "undo", UNIT, APP, "--quiet", sites=ministry.sites)
    finally:
        mine.stop()
        print("\n".join(told))
    acknowledged = [name for name, _ in mine.acknowledged]
    assert sorted(mine._staff.names(mine._prefix)) == sorted(acknowledged), "lost, or there twice"
    ministry.choose(own=False)
    hanoi("move", "finish", UNIT, APP, "--yes", "--quiet", sites=ministry.sites)


def kill_at(ministry: Ministry, phase: str, delay: float) -> str:
    """Begin the move and kill it so long after it reached the phase; what it was doing then."""
    process = start("move", "run", UNIT, APP, sites=ministry.sites)
    file = paths.state() / "moves.json"

    def now() -> str:
        content = json.loads(file.read_text()) if file.exists() else {}
        entry = content.get(f"{APP}/{UNIT}", {})
        return "" if entry.get("undone") else str(entry.get("phase", ""))

    wait_for(lambda: now() == phase or process.poll() is not None, 120, 0.01)
    time.sleep(delay)
    kill_tree(process)
    return f"killed in {now() or 'the beginning'}"


def went_on(adding: Adding) -> None:
    """Wait until people are added again."""
    before = len(adding.acknowledged)
    wait_for(lambda: len(adding.acknowledged) > before + 3)


def wait_for(condition: Any, seconds: float = 90, every: float = 0.2) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(every)
