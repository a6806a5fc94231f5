"""The model that the golden cases are planned from: small, literal, independent of sites/."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from infra.model.schema import Model


def _name(text: str) -> dict[str, str]:
    return {"vi": text, "en": text}


def _site(number: int, site: str, host: str) -> dict[str, Any]:
    return {
        "id": site,
        "name": _name(site),
        "street": "Hà Nội",
        "network": f"10.77.{number}.0/24",
        "container_network": f"172.30.{number}.0/24",
        "hosts": [
            {
                "id": host,
                "address": f"10.77.{number}.10",
                "cpus": 4,
                "memory": "8GiB",
                "storage": "100GiB",
            }
        ],
    }


def _unit(unit: str, label: str | None = None) -> dict[str, Any]:
    return {
        "id": unit,
        "name": _name(unit),
        "home": "nguyen-du",
        "label": label,
        "applications": {"personnel": {"mode": "central"}},
    }


def _wave(wave: str, platform: list[str], applications: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": wave,
        "name": _name(wave),
        "owner": "tt-thong-tin",
        "platform": platform,
        "applications": applications,
    }


_TWO = ["tt-thong-tin", "vu-to-chuc-can-bo"]
_MODEL: dict[str, Any] = {
    "ministry": {
        "id": "mic",
        "name": _name("Ministry"),
        "domain": "mic.example",
        "hub": "nguyen-du",
        "management_networks": ["10.77.0.0/16"],
        "user_networks": ["10.77.0.0/16", "192.0.2.0/24"],
    },
    "roadmap": {
        "current": "personnel-pilot",
        "waves": [
            _wave("infrastructure", ["infrastructure"], []),
            _wave("database", ["database"], []),
            _wave("personnel-pilot", ["gateway"], [{"app": "personnel", "units": _TWO}]),
        ],
    },
    "sites": [
        _site(3, "duong-dinh-nghe", "ddn-1"),
        _site(1, "nguyen-du", "nd-1"),
        _site(2, "tran-duy-hung", "tdh-1"),
    ],
    "units": [_unit("tt-thong-tin"), _unit("vu-to-chuc-can-bo", "to-chuc")],
    "apps": [
        {
            "id": "personnel",
            "name": _name("Personnel"),
            "service": "tryton",
            "database": {"per": "unit"},
            "health": {"path": "/", "status": 200},
            "resources": {"memory": "512MiB", "cpus": 0.5},
            "modules": ["party", "company", "company_work_time", "timesheet", "attendance"],
            "needs": ["database", "gateway"],
        }
    ],
}


def description() -> dict[str, Any]:
    """A copy of the description, to change at will."""
    return deepcopy(_MODEL)


def online_services() -> dict[str, Any]:
    """The description with online public services: a portal, a unit of the shared instances, and
    one that runs its own on its host; in a wave after all others."""
    made = description()
    made["ministry"]["procedures"] = {
        "total": 4,
        "difference": 1,
        "note": "The source does not explain it.",
        "portal": "tt-thong-tin",
        "groups": [
            {"id": "level-4", "level": 4, "count": 2, "name": _name("Level 4")},
            {"id": "level-2", "level": 2, "count": 3, "name": _name("Level 2")},
        ],
    }
    made["apps"].append(
        {
            "id": "online-services",
            "name": _name("Online services"),
            "service": "plone",
            "database": {"per": "unit"},
            "health": {"path": "/alive", "status": 200},
            "resources": {"memory": "896MiB", "cpus": 0.5},
            "needs": ["database", "gateway"],
        }
    )
    for unit in made["units"]:
        unit["applications"]["online-services"] = {"mode": "central"}
    own = _unit("vnnic")
    own["applications"] = {"online-services": {"mode": "self-hosted", "host": "vnnic-1"}}
    own["hosts"] = [
        {
            "id": "vnnic-1",
            "address": "10.77.9.10",
            "cpus": 2,
            "memory": "4GiB",
            "storage": "50GiB",
        }
    ]
    made["units"].append(own)
    made["roadmap"]["waves"].append(_wave("online-services", [], [{"app": "online-services"}]))
    return made


def with_sign_on() -> dict[str, Any]:
    """The description with a wave that brings sign-on."""
    made = description()
    made["roadmap"]["waves"].append(_wave("sign-on", ["sign-on"], []))
    return made


def joined() -> dict[str, Any]:
    """Online public services and documents, then a wave that brings sign-on; a unit of each on its
    own host."""
    made, more = online_services(), documents()
    made["apps"] += [a for a in more["apps"] if a["id"] == DOCUMENTS]
    for unit, other in zip(made["units"][:2], more["units"], strict=True):
        unit["applications"][DOCUMENTS] = other["applications"][DOCUMENTS]
    made["units"][1]["hosts"] = more["units"][1]["hosts"]
    made["roadmap"]["waves"] += [
        _wave(DOCUMENTS, [], [{"app": DOCUMENTS}]),
        _wave("sign-on", ["sign-on"], []),
    ]
    return made


def model(changed: dict[str, Any] | None = None) -> Model:
    return Model.model_validate(changed or description())


DOCUMENTS = "documents"


def documents() -> dict[str, Any]:
    """The description with an application that has an instance for each unit: one unit has it
    centrally, one on its own host."""
    made = description()
    made["apps"].append(
        {
            "id": DOCUMENTS,
            "name": _name("Documents"),
            "service": "mayan",
            "serves": "one-unit",
            "database": {"per": "unit"},
            "health": {"path": "/static/appearance/images/favicon.ico", "status": 200},
            "resources": {"memory": "896MiB", "cpus": 0.5},
            "needs": ["database", "gateway"],
        }
    )
    own = {"id": "tccb-1", "address": "10.77.9.30", "roles": ["applications"]}
    made["units"][0]["applications"][DOCUMENTS] = {"mode": "central"}
    made["units"][1] |= {
        "hosts": [{**own, "cpus": 4, "memory": "8GiB", "storage": "100GiB"}],
        "applications": {DOCUMENTS: {"mode": "self-hosted", "host": "tccb-1"}},
    }
    made["roadmap"]["waves"].append(_wave(DOCUMENTS, [], [{"app": DOCUMENTS, "units": "all"}]))
    made["roadmap"]["current"] = DOCUMENTS
    return made
