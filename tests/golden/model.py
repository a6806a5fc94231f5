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


def with_sign_on() -> dict[str, Any]:
    """The description with a wave that brings sign-on."""
    made = description()
    made["roadmap"]["waves"].append(_wave("sign-on", ["sign-on"], []))
    return made


def model(changed: dict[str, Any] | None = None) -> Model:
    return Model.model_validate(changed or description())
