"""A unit's own host that is lost: which place is left, and whether it has everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.errors import HanoiError
from infra.moves import record as phases
from infra.moves.lost import loss
from infra.moves.record import Move
from infra.placement import Home, Place

CENTRAL, OWN, OTHER = Place(), Place("vnnic-1", own=True), Place("vnnic-2", own=True)
THERE = Move("personnel", "vnnic", "personnel_vnnic", str(CENTRAL), str(OWN), phases.KEPT)
BACK = replace(THERE, source=str(OWN), target=str(CENTRAL))
AWAY = {"vnnic-1": "no route to host"}
SERVED_THERE, SERVED_HERE = Home(OWN, CENTRAL), Home(CENTRAL, OWN)


def at(move: Move, phase: str) -> Move:
    return replace(move, phase=phase)


@pytest.mark.parametrize(
    ("move", "home", "whole"),
    [
        pytest.param(THERE, SERVED_THERE, False, id="moved"),
        pytest.param(replace(THERE, undone=True), SERVED_HERE, True, id="taken back"),
        *(
            pytest.param(at(THERE, phase), SERVED_HERE, True, id=f"{phase}, going there")
            for phase in phases.PHASES[: phases.PHASES.index(phases.SWITCH) + 1]
        ),
        pytest.param(at(THERE, phases.OPEN), SERVED_THERE, False, id="switched, not open"),
        *(
            pytest.param(at(BACK, phase), SERVED_THERE, False, id=f"{phase}, coming back")
            for phase in phases.PHASES[phases.PHASES.index(phases.FOLLOW) :][:-2]
        ),
        pytest.param(at(BACK, phases.OPEN), SERVED_HERE, True, id="came back"),
    ],
)
def test_what_is_left_serves(move: Move, home: Home, whole: bool) -> None:
    found = loss(move, home, AWAY)
    assert (found.lost, found.left, found.whole) == (OWN, CENTRAL, whole)
    assert ("What did not come along is given up" in str(found)) is not whole
    assert "vnnic-1 is lost (no route to host)" in str(found)


BETWEEN = replace(THERE, source=str(OWN), target=str(OTHER))


def test_of_two_own_hosts_the_other_one_serves() -> None:
    found = loss(BETWEEN, Home(OTHER, OWN), {"vnnic-2": "it is off"})
    assert (found.lost, found.left, found.whole) == (OTHER, OWN, False)


@pytest.mark.parametrize(
    ("move", "home", "silent", "told"),
    [
        (THERE, SERVED_THERE, {}, "HN-T014: no host of it is lost: they answer"),
        (BETWEEN, Home(OTHER, OWN), {**AWAY, "vnnic-2": "off"}, "HN-T014: the hosts of both"),
        (at(BACK, phases.COPY), SERVED_THERE, AWAY, "HN-T015: only own/vnnic-1 had everything"),
        (at(BACK, phases.PREPARE), SERVED_THERE, AWAY, "HN-T015: only own/vnnic-1"),
        (THERE, Home(OWN), AWAY, "HN-T015: only own/vnnic-1 had everything"),
    ],
)
def test_what_cannot_serve_is_refused(
    move: Move, home: Home, silent: dict[str, str], told: str
) -> None:
    with pytest.raises(HanoiError) as caught:
        loss(move, home, silent)
    assert told in str(caught.value.problems[0])
