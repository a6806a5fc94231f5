"""Where a unit's application stands: by the model, and by what is recorded of its data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.errors import HanoiError
from infra.moves import MoveRecord, carry_out, due, refuse_unmovable
from infra.moves.record import FOLLOW, KEPT, PREPARE, Move
from infra.placement import Home, Homes, Place
from infra.plan import plan, plan_after
from infra.resources import Data, Plan
from infra.state import HomeRecord
from tests.golden.model import description, documents, model

CENTRAL, OWN = Place(), Place("cts-1", own=True)
KEY = ("personnel", "vu-to-chuc-can-bo")


def described(mode: str) -> Any:
    """The golden model with one unit's choice; the unit has a host of its own."""
    made = description()
    unit = next(u for u in made["units"] if u["id"] == KEY[1])
    unit["hosts"] = [
        {"id": "cts-1", "address": "10.77.9.20", "cpus": 2, "memory": "4GiB", "storage": "50GiB"}
    ]
    backup = {"directory": "/srv/backup"}
    own = {"mode": "self-hosted", "host": "cts-1", "backup": backup}
    unit["applications"]["personnel"] = own if mode == "own" else {"mode": "central"}
    return model(made)


def made(mode: str, home: Home | None = None) -> Plan:
    homes: Homes = {KEY: home} if home else {}
    return plan(described(mode), homes=homes)


def of_unit(made: Plan) -> list[Data]:
    return sorted((d for d in made.data if d.unit == KEY[1]), key=lambda d: not d.serving)


def gateway(made: Plan, name: str) -> str:
    return next(
        f.content for f in made.host("nd-1").parts.files if f.path == f"/etc/hanoi/gateway/{name}"
    )


HOST_NAME = "personnel-to-chuc.mic.example"


def test_a_self_hosting_unit_has_its_own_database_and_nothing_in_the_cluster() -> None:
    planned = made("own")
    own = planned.host("cts-1")
    assert [c.name for c in own.parts.containers] == ["own-database", "tryton"]
    assert [d.name for d in own.parts.databases] == ["personnel_vu_to_chuc_can_bo"]
    assert {o.container for o in own.parts.oneoffs} == {"own-database", "tryton"}
    assert "personnel_vu_to_chuc_can_bo" not in {d.name for d in planned.common.databases}
    assert f"{HOST_NAME} personnel-on-cts-1" in gateway(planned, "hosts.map")
    assert planned.sites[-1].id == "vu-to-chuc-can-bo"


def test_what_a_units_own_host_lets_in_is_the_gateways_and_ssh() -> None:
    own = made("own").host("cts-1")
    assert {o.port for o in own.parts.openings} == {22, 8443}
    sources = {s for o in own.parts.openings if o.port == 8443 for s in o.sources}
    assert sources == {"10.77.1.10/32", "10.77.2.10/32", "10.77.3.10/32"}


def test_a_changed_choice_leaves_users_where_their_data_is() -> None:
    planned = made("own", Home(CENTRAL))
    serving, other = of_unit(planned)
    assert (serving.place, serving.wanted) == ("central", False)
    assert (other.place, other.wanted) == ("own/cts-1", True)
    assert f"{HOST_NAME} personnel\n" in gateway(planned, "hosts.map")
    # Its contents come from the first place, not from the application.
    assert {o.container for o in planned.host("cts-1").parts.oneoffs} == {"own-database"}
    assert [r.login for r in planned.host("cts-1").parts.roles] == [False]


def test_while_data_moves_both_ends_are_open_to_each_other_and_not_longer() -> None:
    moving, still = made("own", Home(CENTRAL)), made("own", Home(OWN))
    for planned, expected in ((moving, True), (still, False)):
        to_cluster = {
            s for o in planned.host("nd-1").parts.openings if o.port == 6432 for s in o.sources
        }
        to_own = {o.port for o in planned.host("cts-1").parts.openings}
        assert ("10.77.9.20/32" in to_cluster) is expected
        assert (5432 in to_own) is expected


def test_users_are_told_to_wait_only_where_their_application_is_paused() -> None:
    assert gateway(made("own", Home(CENTRAL, OWN, paused=True)), "paused.map") == (
        f"{HOST_NAME} paused\n"
    )
    assert gateway(made("own", Home(CENTRAL, OWN)), "paused.map") == ""


def test_after_the_move_the_first_place_lets_nobody_in() -> None:
    planned = made("own", Home(OWN, CENTRAL))
    roles = {r.name: r.login for r in planned.common.roles}
    assert roles == {"personnel_tt_thong_tin": True, "personnel_vu_to_chuc_can_bo": False}
    assert f"{HOST_NAME} personnel-on-cts-1" in gateway(planned, "hosts.map")


def test_a_move_changes_no_container_of_the_sites() -> None:
    plans = [made("own", h) for h in (Home(CENTRAL), Home(CENTRAL, OWN, True), Home(OWN, CENTRAL))]
    containers = [[h.parts.containers for h in p.hosts if not h.own] for p in plans]
    assert containers[0] == containers[1] == containers[2]


@pytest.mark.parametrize(
    ("mode", "home", "recorded", "expected"),
    [
        ("own", None, {}, []),
        ("own", Home(CENTRAL), {}, [("central", "own/cts-1", PREPARE)]),
        ("own", Home(CENTRAL, OWN), {"phase": "sync"}, [("central", "own/cts-1", "sync")]),
        ("own", Home(OWN, CENTRAL), {"phase": KEPT}, []),
        ("own", Home(CENTRAL, OWN), {"phase": KEPT, "undone": True}, []),
        ("own", Home(CENTRAL), {"phase": PREPARE, "undone": True}, []),
        ("central", Home(CENTRAL, OWN), {"phase": KEPT, "undone": True}, []),
        ("central", Home(OWN, CENTRAL), {"phase": KEPT}, [("own/cts-1", "central", FOLLOW)]),
        ("central", Home(OWN), {}, [("own/cts-1", "central", PREPARE)]),
    ],
)
def test_which_moves_are_due(
    tmp_path: Path, mode: str, home: Home | None, recorded: dict[str, Any], expected: list[Any]
) -> None:
    record = MoveRecord(tmp_path)
    if recorded:
        record.write(Move(*KEY, "personnel_vu_to_chuc_can_bo", "central", "own/cts-1", **recorded))
    found = due(made(mode, home), record)
    assert [(m.source, m.target, m.phase) for m in found] == expected


def where(home: Home) -> tuple[Place, Place | None, bool]:
    return home.serving, home.other, home.paused


def test_homes_are_recorded_once_and_by_moves_only(tmp_path: Path) -> None:
    homes = HomeRecord(tmp_path)
    homes.settle(made("central").data)
    assert homes.all()[KEY] == Home(CENTRAL)
    homes.settle(made("own").data)  # a changed choice is no reason to believe that data moved
    assert where(homes.all()[KEY]) == (CENTRAL, None, False)
    homes.record(*KEY, Home(OWN, CENTRAL, paused=True))
    assert where(HomeRecord(tmp_path).all()[KEY]) == (OWN, CENTRAL, True)


def test_a_unit_that_leaves_its_host_keeps_its_database_as_it_is_with_its_copies(
    tmp_path: Path,
) -> None:
    """The description states copies no more, and until the move is over the data is still there. The
    database would be replaced under its users' hands, and nothing would copy it."""
    homes = HomeRecord(tmp_path)
    before = made("own")
    homes.settle(before.data)
    after = plan(described("central"), homes=homes.all())
    reviewed = plan_after(before.places, described("central"), copies=before.copies)
    old = before.host("cts-1").parts
    for leaving in (after, reviewed):
        new = leaving.host("cts-1").parts
        assert old.containers == new.containers
        assert old.units == new.units
        assert [o for o in new.oneoffs if "backup" in o.id]
        changed = {f.path for f in old.files} ^ {f.path for f in new.files}
        assert changed == set()
    for phase in (Home(OWN, CENTRAL), Home(OWN, CENTRAL, paused=True), Home(CENTRAL, OWN)):
        homes.record(*KEY, phase)
        assert homes.all()[KEY].copies == {OWN: before.copies[str(OWN)]}
    homes.record(*KEY, Home(CENTRAL))
    assert homes.all()[KEY] == Home(CENTRAL), "the copy is gone"


def test_copies_are_noted_before_a_move_begins(tmp_path: Path) -> None:
    """A deploy makes the second place and then moves the data there."""
    homes = HomeRecord(tmp_path)
    homes.record(*KEY, Home(CENTRAL))
    planned = plan(described("own"), homes=homes.all())
    homes.settle(planned.data)
    homes.record(*KEY, Home(OWN, CENTRAL))
    assert homes.all()[KEY] == Home(OWN, CENTRAL, copies={OWN: planned.copies[str(OWN)]})


def test_other_copies_are_noted_by_the_next_deploy(tmp_path: Path) -> None:
    homes = HomeRecord(tmp_path)
    (data,) = of_unit(made("own"))
    homes.settle([data])
    assert data.copies
    more = replace(data, copies=replace(data.copies, keep=30))
    homes.settle([more])
    assert homes.all()[KEY] == Home(OWN, copies={OWN: more.copies})


@pytest.mark.parametrize("text", ["central", "central/tdh-1", "own/cts-1"])
def test_a_place_is_written_and_read_alike(text: str) -> None:
    assert str(Place.parse(text)) == text


@pytest.mark.parametrize("text", ["", "own", "own/", "elsewhere/x"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        Place.parse(text)


def test_a_plan_after_a_move_has_the_copy_it_came_from() -> None:
    after = plan_after(made("central").places, described("own"))
    assert after == made("own", Home(OWN, CENTRAL))
    assert plan_after(made("own").places, described("own")) == made("own"), "nothing moves"
    gone = {KEY: "own/a-host-that-is-gone"}
    assert plan_after(gone, described("central")) == made("central"), "nothing to carry"


def test_a_move_between_the_sites_hosts_is_refused_where_nothing_says_whose_turn_it_is(
    tmp_path: Path,
) -> None:
    """Both places have the same database: two instances would work on it."""
    homes = {("documents", "tt-thong-tin"): Home(Place("tdh-1"))}
    moving = plan(model(documents()), homes=homes)
    refuse_unmovable(moving)
    data = tuple(replace(d, turn_files=()) for d in moving.common.data)
    unmovable = replace(moving, common=replace(moving.common, data=data))
    with pytest.raises(HanoiError, match="HN-T010") as caught:
        refuse_unmovable(unmovable)
    assert "from central/tdh-1 to central/nd-1" in str(caught.value)
    move = Move("documents", "tt-thong-tin", "documents_tt", "central/tdh-1", "central/nd-1")
    with pytest.raises(HanoiError, match="HN-T010"):  # by a command too
        carry_out(SimpleNamespace(plan=unmovable, connections={}), move, lambda: moving)  # type: ignore[arg-type]
    refuse_unmovable(made("own", Home(CENTRAL)))


def test_a_move_between_the_sites_hosts_is_due_and_opens_no_port() -> None:
    homes = {("documents", "tt-thong-tin"): Home(Place("tdh-1"))}
    moving, still = plan(model(documents()), homes=homes), plan(model(documents()))
    (move,) = due(moving, MoveRecord(Path("/nowhere")))
    assert (move.source, move.target) == ("central/tdh-1", "central/nd-1")
    for host in ("nd-1", "tdh-1"):
        database = [
            [o for o in p.host(host).parts.openings if o.port in (5432, 6432)]
            for p in (moving, still)
        ]
        assert database[0] == database[1]
