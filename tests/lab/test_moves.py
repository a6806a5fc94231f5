"""A unit's application moved to the unit's own host and back, while its users work: nothing that
was acknowledged is lost or there twice, and nobody else notices. Killed anywhere, one command
makes it whole."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator

import pytest

from infra import lab, paths
from infra.errors import Exit
from infra.moves.record import PHASES
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.conftest import Lab, hanoi, start
from tests.lab.moving import CENTRAL, Ministry, Mover, at_work, described, wait_for, went_on
from tests.lab.staff import Adding, Staff
from tests.lab.test_interruption import kill_tree

UNIT, OTHER, APP = "tt-thong-tin", "vu-to-chuc-can-bo", "personnel"
MOVER = Mover(APP, UNIT, OTHER, "ttt-1", "10.77.9.40")
OWN = MOVER.there


@pytest.fixture(scope="module")
def ministry(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    def staff(secrets: Secrets, unit: str) -> Staff:
        return Staff(
            [h.address for h in deployed.plan.hosts],
            f"{APP}-{unit}.mic.example",
            f"{APP}_{unit}".replace("-", "_"),
            secrets.value(f"{APP}/admin/{unit}", "password"),
            secrets.resolve(secret("ca", "cert")),
        )

    with described(MOVER, tmp_path_factory.mktemp("moves"), staff) as made:
        yield made


def test_a_unit_moves_to_its_own_host_and_is_taken_back_while_its_users_work(
    ministry: Ministry,
) -> None:
    """By the description and a deploy; taken back by a command."""
    ministry.choose(there=True)
    with at_work(ministry) as mine:
        ministry.deploy()
        assert ministry.home() == {"serving": OWN, "other": CENTRAL, "paused": False}
        assert ministry.moved()["phase"] == "kept"
        went_on(mine)
        ministry.move("undo")
        assert ministry.home() == {"serving": CENTRAL, "other": OWN, "paused": False}
        went_on(mine)


@pytest.mark.long
def test_it_moves_again_by_a_command_and_back_by_the_description(ministry: Ministry) -> None:
    """Without a copy of all rows: each place has followed the other."""
    with at_work(ministry) as mine:
        ministry.move("run")
        assert ministry.home()["serving"] == OWN
        went_on(mine)
        ministry.choose(there=False)
        ministry.deploy()
        assert ministry.home()["serving"] == CENTRAL
        went_on(mine)
    ministry.choose(there=True)


def test_the_copy_that_does_not_serve_goes_only_when_told_to(
    ministry: Ministry, deployed: Lab
) -> None:
    name = f"{APP}_{UNIT}".replace("-", "_")
    ministry.choose(there=False)
    ministry.move("finish", "--yes")
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    again = hanoi("deploy", "--quiet", "--no-verify", "--json", sites=ministry.sites).json
    assert again["pulumi_changes"] == 0
    leader = deployed.leader()
    assert deployed.sql(leader, f"select count(*) from pg_database where datname='{name}'") == ("1")
    slots = "select count(*) from pg_replication_slots where slot_type = 'logical'"
    assert deployed.sql(leader, slots) == "0"
    assert hanoi("verify", "--gate", "personnel", "--quiet").code == 0


@pytest.mark.long
def test_a_move_killed_anywhere_ends_moved_or_back_by_one_command(ministry: Ministry) -> None:
    """Twenty points: at the beginning of every phase and in the middle of it."""
    points = [(phase, delay) for phase in PHASES[:-1] for delay in (0.0, 0.4)] + [
        ("prepare", 1.5),
        ("copy", 2.0),
    ]
    ministry.choose(there=True)
    ministry.deploy()
    ministry.move("undo")
    mine = Adding(ministry.user(UNIT), f"killed{random.randrange(10**6)}")
    told = []
    try:
        for number, (phase, delay) in enumerate(points):
            if anew := phase in ("prepare", "copy"):  # only a copy made anew has these
                ministry.move("finish", "--yes")
            begin = ("deploy", "--no-verify") if anew else ("move", "run", UNIT, APP)
            killed = kill_at(ministry, phase, delay, *begin)
            verb = "undo" if number % 2 else "run"
            ministry.move(verb)
            home = ministry.home()
            told.append(f"{phase}+{delay}: {killed}; {verb}: {home['serving']}")
            assert home["paused"] is False, told[-1]
            assert home["serving"] == (CENTRAL if verb == "undo" else OWN), told[-1]
            went_on(mine)
            if home["serving"] == OWN:
                ministry.move("undo")
    finally:
        mine.stop()
        print("\n".join(told))
    acknowledged = [name for name, _ in mine.acknowledged]
    assert sorted(mine.stored()) == sorted(acknowledged), "lost, or there twice"
    ministry.choose(there=False)
    ministry.move("finish", "--yes")


@pytest.mark.long
def test_a_units_host_that_is_lost_is_gone_on_without(ministry: Ministry) -> None:
    """What had followed is served by the sites; the host is never asked again."""
    ministry.choose(there=True)
    ministry.deploy()
    before = Adding(ministry.user(UNIT), f"before{random.randrange(10**6)}")
    went_on(before)
    before.stop()
    refused = ministry.run("move", "lost", UNIT, APP, "--yes", check=False)
    assert refused.code == Exit.REFUSED and "HN-T014" in refused.err
    wait_for(lambda: ministry.moved()["behind_bytes"] < 10_000)
    time.sleep(1)
    lab.kill_host(MOVER.host)
    assert MOVER.host in ministry.moved()["problem"]
    ministry.move("lost", "--yes")
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    after = Adding(ministry.user(UNIT), f"after{random.randrange(10**6)}")
    went_on(after)
    after.stop()
    for adding in (before, after):
        assert sorted(adding.stored()) == sorted(name for name, _ in adding.acknowledged)
    ministry.move("undo")  # nothing: it is taken back already
    assert ministry.home()["serving"] == CENTRAL
    ministry.choose(there=False)
    ministry.deploy()
    ministry.move("finish", "--yes")


def kill_at(ministry: Ministry, phase: str, delay: float, *begin: str) -> str:
    """Begin the move by a command and kill it so long after it reached the phase; what it was
    doing then."""
    process = start(*begin, sites=ministry.sites)
    file = paths.state() / "moves.json"

    def now() -> str:
        content = json.loads(file.read_text()) if file.exists() else {}
        entry = content.get(f"{APP}/{UNIT}", {})
        return "" if entry.get("undone") else str(entry.get("phase", ""))

    wait_for(lambda: now() == phase or process.poll() is not None, 120, 0.01)
    time.sleep(delay)
    kill_tree(process)
    return f"killed in {now() or 'the beginning'}"
