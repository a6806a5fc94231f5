"""What the roadmap says, from a description and what is known: a pure function, by table."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import roadmaps
from roadmaps import CARRIED, PARTS, TODAY, described, known, model, result

from infra.roadmap.assess import Known, assess
from infra.roadmap.content import Overview, WaveView
from infra.roadmap.timeline import timeline
from infra.state.waves import Reached

FRESH = Known(carried=CARRIED, parts=PARTS)


def overview(known_: Known | None = None, today: date = TODAY, **changed: Any) -> Overview:
    return assess(model(described() | changed), known_ or known(), today)


def view(of: Overview, wave: str) -> WaveView:
    return next(w for w in of.waves if w.id == wave)


def said(of: Overview, wave: str, stops: bool | None = None) -> list[str]:
    found = view(of, wave).blockers
    return [b.what for b in found if stops in (None, b.stops)]


def test_each_wave_has_a_state() -> None:
    of = overview()
    assert [(w.id, w.state) for w in of.waves] == [
        ("ground", "done"),
        ("pilot", "deployed"),
        ("all", "begun"),
        ("sharing", "next"),
        ("services-high", "later"),
        ("services-low", "later"),
    ]
    assert of.done == 1 and of.next is not None and of.next.id == "sharing" and of.next.stopped


def test_before_the_first_deploy_the_first_wave_is_next() -> None:
    of = overview(FRESH)
    assert [w.state for w in of.waves] == ["next", *["later"] * 5]
    assert [g.state for g in view(of, "ground").gates] == ["ahead", "ahead"]
    assert said(of, "ground", stops=True) == []


def test_when_everything_is_done_nothing_is_next() -> None:
    order = [w["id"] for w in described()["roadmap"]["waves"]]
    gates = ["infrastructure", "database", "gateway", "personnel", "sharing", "online-services"]
    reached = Reached(frozenset(order), tuple((w, "t") for w in order))
    of = overview(known(reached=reached, results={g: result() for g in gates}))
    assert (of.done, of.next) == (6, None)
    assert [b for w in of.waves for b in w.blockers] == []
    assert of.procedures is not None and of.procedures.done == 9


def test_a_wave_without_gates_is_done_when_it_is_deployed() -> None:
    changed = described()["roadmap"]
    changed["waves"][1]["gates"] = []
    assert view(overview(roadmap=changed), "pilot").state == "done"


def test_gates_block_their_own_wave_and_the_next_one() -> None:
    of = overview()
    assert said(of, "pilot", True) == ["gate personnel: nd-1: HR-02: A user logs in"]
    assert said(of, "all", True) == [
        "gate personnel: nd-1: HR-02: A user logs in",
        "its rollout has not ended at all sites",
        "radio hosts personnel itself, and says not where its copies go",
    ]
    assert said(of, "sharing", True) == [
        "gate personnel of the wave pilot: nd-1: HR-02: A user logs in",
        "this toolkit does not deploy the platform part sharing yet",
    ]
    remedies = [b.remedy for b in view(of, "pilot").blockers if b.kind == "gate"]
    assert remedies == ["hanoi verify --gate personnel"]
    assert "gate" not in [b.kind for b in view(of, "services-high").blockers]


def test_what_was_seen_before_a_change_has_to_be_seen_again() -> None:
    before = "2027-08-01T08:00:00.000+00:00"
    results = {**known().results, "database": result(at=before)}
    of = overview(known(results=results))
    assert view(of, "ground").state == "deployed"
    assert said(of, "ground", True) == [
        f"gate database: it passed at {before}, and something was changed since"
    ]


def test_a_success_of_an_earlier_wave_is_not_that_of_a_later_one() -> None:
    results = {**known().results, "personnel": result()}
    reached = replace(known().reached, entered=frozenset({"ground", "pilot"}))
    of = overview(known(results=results, reached=reached))
    assert view(of, "pilot").state == "done"
    assert [(g.name, g.state) for g in view(of, "all").gates] == [("personnel", "ahead")]


def test_what_is_only_planned_says_so() -> None:
    of = overview()
    assert said(of, "services-high", True) == [
        "the application online-services has no service: it is planned only"
    ]
    changed = described()["apps"]
    changed[1] |= {"service": "stamps"}
    of = overview(apps=changed)
    assert "this toolkit has no service stamps, which online-services names" in said(
        of, "services-high", True
    )


def test_a_gate_of_what_can_be_deployed_that_nothing_checks_is_to_settle() -> None:
    of = overview(replace(FRESH, carried=CARRIED - {"database"}))
    assert said(of, "ground", False)[0] == (
        "no check carries the gate database, so it can never pass"
    )


def test_units_are_counted_by_how_they_want_it() -> None:
    (pilot,) = view(overview(), "pilot").applications
    (everyone,) = view(overview(), "all").applications
    (services,) = view(overview(), "services-high").applications
    assert dict(pilot.units) == {"central": ("centre", "office")}
    assert (pilot.fresh, pilot.of_all) == (2, False)
    assert dict(everyone.units) == {
        "central": ("centre", "office", "press"),
        "self-hosted": ("radio",),
    }
    assert (everyone.unit_count, everyone.fresh, everyone.of_all) == (4, 2, True)
    assert dict(services.units) == {
        "central": ("centre",),
        "external": ("press",),
        "none": ("office", "radio"),
    }
    assert services.unit_count == 2
    assert "no choice for online-services yet from office, radio" in said(
        overview(), "services-high", False
    )


def test_an_application_that_nobody_chose_stops_its_wave() -> None:
    changed = described()["units"]
    for unit in changed:
        unit["applications"].pop("online-services", None)
    assert "no unit has chosen online-services yet" in said(
        overview(units=changed), "services-high", True
    )


def test_an_own_host_needs_a_backup() -> None:
    changed = described()["units"]
    changed[3]["applications"]["personnel"] |= {"backup": {"directory": "/srv/copies"}}
    assert not [s for s in said(overview(units=changed), "all") if "copies" in s]


def test_an_instance_for_each_unit_needs_a_host_at_its_home() -> None:
    changed = described()
    changed["apps"][0]["serves"] = "one-unit"
    changed["sites"][1]["hosts"][0]["roles"] = ["database", "gateway"]
    of = assess(model(changed), FRESH, TODAY)
    assert said(of, "pilot", True) == [
        f"no host at nguyen-du, the home of {u}, runs applications" for u in ("centre", "office")
    ]
    for unit in changed["units"][:2]:
        unit["applications"]["personnel"] = {"mode": "central", "host": "tdh-1"}
    assert said(assess(model(changed), FRESH, TODAY), "pilot", True) == []


def test_later_waves_wait_for_those_before() -> None:
    of = overview()
    assert "sharing, services-high come first" in said(of, "services-low", False)
    assert "sharing comes first" in said(of, "services-high", False)
    assert not [b for b in view(of, "sharing").blockers if b.kind == "order"]


@pytest.mark.parametrize(
    ("wave", "today", "expected"),
    [
        ("ground", "2027-06-30", []),  # done: its dates are past
        ("pilot", "2027-06-30", []),
        ("pilot", "2027-07-01", ["it was to end on 2027-06-30, 1 day ago"]),
        ("all", "2027-12-31", []),  # it has begun, and no end is set
        ("sharing", "2027-09-01", []),
        ("sharing", "2027-09-20", ["it was to start on 2027-09-01, 19 days ago"]),
        ("sharing", "2028-01-01", ["it was to end on 2027-12-31, 1 day ago"]),
        ("services-low", "2099-01-01", []),
    ],
)
def test_dates_that_have_passed(wave: str, today: str, expected: list[str]) -> None:
    of = overview(today=date.fromisoformat(today))
    assert [b.what for b in view(of, wave).blockers if b.kind == "date"] == expected


def test_procedures_keep_both_numbers_of_the_source() -> None:
    found = overview().procedures
    assert found is not None
    assert (found.total, found.listed, found.done) == (9, 10, 0)
    assert found.note == "The source says 9 and lists 10."
    assert [(c.group.id, c.wave) for c in found.groups] == [
        ("high", "services-high"),
        ("low", "services-low"),
        ("lost", ""),
    ]
    assert view(overview(), "services-low").procedures == 6


def test_a_wave_entered_knowingly_says_why() -> None:
    (kept,) = view(overview(), "pilot").despite
    assert kept.reason == "a standby is being replaced"
    assert view(overview(), "ground").despite == ()


def test_what_stops_comes_first() -> None:
    for wave in overview().waves:
        order = [b.stops for b in wave.blockers]
        assert order == sorted(order, reverse=True)


# --- the picture's geometry ---


def test_a_bar_is_where_its_days_are() -> None:
    of = overview()
    line = timeline(of.waves, TODAY, 0, 1000)
    bars = {w.id: line.bar(w) for w in of.waves}
    assert bars["services-low"] is None
    assert bars["all"] is not None and bars["all"].open == "end"
    assert bars["ground"] is not None and bars["ground"].open == ""
    for wave in of.waves:
        if (bar := bars[wave.id]) is not None and wave.starts and wave.ends:
            assert bar.x == line.x(wave.starts) and abs(bar.end - line.x(wave.ends)) < 0.2
            assert 0 <= bar.x < bar.end <= 1000
    assert line.x(line.first) == 0 and line.x(line.last) == 1000
    assert line.shows(TODAY)


@pytest.mark.parametrize(
    ("today", "shown"),
    [("2026-06-01", True), ("2024-01-01", False), ("2029-01-01", True), ("2035-01-01", False)],
)
def test_today_is_shown_where_it_is_near(today: str, shown: bool) -> None:
    day = date.fromisoformat(today)
    line = timeline(overview().waves, day, 0, 1000)
    assert line.shows(day) is shown
    assert line.shows(date(2028, 6, 30)) and line.shows(date(2027, 1, 4))


@pytest.mark.parametrize(
    ("ends", "first"),
    [("2027-06-30", "01/2027"), ("2029-06-30", "Q1 2027"), ("2040-01-01", "2027"),
     ("9999-12-31", "3000")],
)  # fmt: skip
def test_the_axis_has_a_fitting_number_of_labels(ends: str, first: str) -> None:
    changed = described()["roadmap"]
    changed["waves"] = [roadmaps.wave("ground", "2027-01-04", ends, platform=["infrastructure"])]
    changed["current"] = "ground"
    day = date(2027, 2, 1)
    of = overview(FRESH, today=day, roadmap=changed)
    ticks = timeline(of.waves, day, 0, 1000).ticks()
    assert 2 <= len(ticks) <= 14
    labels = [t.label for t in ticks]
    assert first in labels
    assert [t.x for t in ticks] == sorted(t.x for t in ticks)


def test_without_any_date_there_is_still_a_picture() -> None:
    changed = described()["roadmap"]
    for wave in changed["waves"]:
        wave |= {"starts": None, "ends": None}
    of = overview(roadmap=changed)
    line = timeline(of.waves, TODAY, 0, 1000)
    assert line.shows(TODAY) and not any(line.bar(w) for w in of.waves)
