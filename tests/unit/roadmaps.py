"""A roadmap of six waves in every state, for the tests of the core and of its forms."""

from __future__ import annotations

from datetime import date
from typing import Any

from infra.model.schema import Model
from infra.roadmap.assess import Known
from infra.state.waves import Despite, GateResult, Reached
from tests.golden.model import description

TODAY = date(2027, 9, 20)
CARRIED = frozenset({"infrastructure", "database", "gateway", "personnel"})
PARTS = frozenset({"infrastructure", "database", "gateway", "app:tryton"})
CHANGED = "2027-09-01T08:00:00.000+00:00"
SEEN = "2027-09-19T07:30:00.000+00:00"


def name(text: str) -> dict[str, str]:
    return {"vi": f"{text} (vi)", "en": text}


def unit(unit_id: str, **applications: Any) -> dict[str, Any]:
    made = {a.replace("_", "-"): dict(choice) for a, choice in applications.items()}
    return {"id": unit_id, "name": name(unit_id), "home": "nguyen-du", "applications": made}


def wave(wave_id: str, starts: str | None, ends: str | None, **parts: Any) -> dict[str, Any]:
    given = {"id": wave_id, "name": name(wave_id), "owner": "centre", **parts}
    return {**given, "starts": starts, "ends": ends}


CENTRAL = {"mode": "central"}
OWN = {"mode": "self-hosted", "host": "radio-1"}
EXTERNAL = {"mode": "external", "endpoint": "https://van-ban.press.example/"}


def described() -> dict[str, Any]:
    """The description, to change at will."""
    made = description()
    made["ministry"]["procedures"] = {
        "total": 9,
        "difference": 1,
        "note": "The source says 9 and lists 10.",
        "groups": [
            {"id": "high", "name": name("High"), "level": 4, "count": 3},
            {"id": "low", "name": name("Low"), "level": 2, "count": 6},
            {"id": "lost", "name": name("Lost"), "level": 2, "count": 1},
        ],
    }
    made["apps"] += [
        {"id": "online-services", "name": name("Online services")},
        {"id": "sharing", "name": name("Sharing"), "needs": ["gateway"]},
    ]
    made["units"] = [
        unit("centre", personnel=CENTRAL, online_services=CENTRAL),
        unit("office", personnel=CENTRAL),
        unit("press", personnel=CENTRAL, online_services=EXTERNAL),
        {
            **unit("radio", personnel=OWN),
            "hosts": [
                {
                    "id": "radio-1",
                    "address": "10.77.9.10",
                    "cpus": 2,
                    "memory": "4GiB",
                    "storage": "50GiB",
                }
            ],
        },
        {**unit("former"), "closed": "2026-01-01"},
    ]
    groups = [["high"], ["low"]]
    made["roadmap"] = {
        "current": "pilot",
        "waves": [
            wave("ground", "2027-01-04", "2027-03-31", platform=["infrastructure", "database"],
                 gates=["infrastructure", "database"]),
            wave("pilot", "2027-04-01", "2027-06-30", platform=["gateway"],
                 applications=[{"app": "personnel", "units": ["centre", "office"]}],
                 gates=["gateway", "personnel"]),
            wave("all", "2027-07-01", None, applications=[{"app": "personnel"}],
                 gates=["personnel"], owner="office"),
            wave("sharing", "2027-09-01", "2027-12-31", platform=["sharing"], gates=["sharing"]),
            wave("services-high", "2028-01-03", "2028-06-30", gates=["online-services"],
                 applications=[{"app": "online-services", "groups": groups[0]}]),
            wave("services-low", None, None, gates=["online-services"],
                 applications=[{"app": "online-services", "groups": groups[1]}]),
        ],
    }  # fmt: skip
    return made


def model(changed: dict[str, Any] | None = None) -> Model:
    return Model.model_validate(changed or described())


def result(*failed: str, at: str = SEEN) -> GateResult:
    return GateResult(at, "pilot", 0 if failed else 12, len(failed), failed)


def known(**changes: Any) -> Known:
    """The ground is done; the pilot runs and a user cannot log in; a rollout to all is half way."""
    given: dict[str, Any] = {
        "reached": Reached(
            frozenset({"ground", "pilot", "all"}),
            (("ground", "2027-03-30T08:00:00.000+00:00"), ("pilot", CHANGED)),
            CHANGED,
            (
                Despite(
                    "2027-04-02T03:04:05.000+00:00",
                    "an@ops",
                    ("pilot",),
                    ("database",),
                    "a standby is being replaced",
                ),
            ),
        ),
        "results": {
            "infrastructure": result(),
            "database": result(),
            "gateway": result(),
            "personnel": result("nd-1: HR-02: A user logs in"),
        },
        "carried": CARRIED,
        "parts": PARTS,
    }
    return Known(**given | changes)
