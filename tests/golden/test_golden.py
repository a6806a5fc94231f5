"""What is rendered, held against literal files that a person has read.

The expectations are the point: a plan that goes wrong takes everything derived from it along,
except these.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from infra.plan import plan
from infra.resources import HostPlan, Parts, Plan
from tests.golden.model import model, online_services, with_sign_on

HERE = Path(__file__).parent
CASES = {
    "hub": ("nd-1", "personnel-pilot"),
    "second": ("tdh-1", "personnel-pilot"),
    "infrastructure": ("nd-1", "infrastructure"),
    "sign-on": ("tdh-1", "sign-on"),
}
# Of a model of its own, and only what is this service's.
SERVICES = {"plone": (online_services, "tdh-1", ("plone", "gateway"))}


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", SERVICES)
def test_a_service_is_rendered_as_expected(case: str, update_golden: bool) -> None:
    described, host_id, containers = SERVICES[case]
    made = plan(model(described()), described()["roadmap"]["waves"][-1]["id"])
    files = _files(made.host(host_id))
    mine = tuple(f"files/etc/hanoi/{name}/" for name in containers)
    _hold(case, {k: v for k, v in files.items() if k.startswith(mine)}, update_golden)


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", CASES)
def test_a_host_is_rendered_as_expected(case: str, update_golden: bool) -> None:
    host_id, through = CASES[case]
    made = plan(model(with_sign_on() if case == "sign-on" else None), through)
    held_against(case, made, host_id, update_golden)


def held_against(case: str, made: Plan, host_id: str, update: bool) -> None:
    """The host's files and the rest of its plan against those of tests/golden/<case>/."""
    actual = _files(made.host(host_id)) | {"plan.json": _summary(made, host_id)}
    _hold(case, actual, update)


def only(made: Plan, *words: str) -> Plan:
    """The plan with nothing but what has one of the words in its id, name, path, reason or
    application: what one application contributes."""

    def ours(item: Any) -> bool:
        told = (getattr(item, a, "") for a in ("id", "name", "path", "reason", "application"))
        return any(word in str(t) for t in told for word in words)

    def kept(parts: Parts) -> Parts:
        chosen = {f.name: tuple(filter(ours, getattr(parts, f.name))) for f in fields(parts)}
        return replace(parts, **chosen)

    sites = tuple(
        replace(s, hosts=tuple(replace(h, parts=kept(h.parts)) for h in s.hosts))
        for s in made.sites
    )
    return replace(made, sites=sites, common=kept(made.common))


def _hold(case: str, actual: dict[str, str], update: bool) -> None:
    """The rendered texts against the case's directory, name by name."""
    directory = HERE / case
    if update:
        _write(directory, actual)
    expected = {
        str(p.relative_to(directory)): p.read_text("utf-8")
        for p in sorted(directory.rglob("*"))
        if p.is_file()
    }
    assert sorted(actual) == sorted(expected)
    for name, text in actual.items():
        assert text == expected[name], f"{case}/{name} differs; --update-golden writes it anew"


def _files(host: HostPlan) -> dict[str, str]:
    """Every rendered file by its path on the host, but for those that are only a secret."""
    return {
        f"files{f.path}".replace(":", "_"): f.content
        for f in host.parts.files
        if not f.content.startswith("secret://")
    }


def _summary(made: Plan, host_id: str) -> str:
    """The rest of the host's plan, and what exists once, one noun a line."""
    host = made.host(host_id)
    lines: dict[str, Any] = {
        "containers": [asdict(c) for c in host.parts.containers],
        "volumes": [v.name for v in host.parts.volumes],
        "openings": [
            f"{o.protocol}/{o.port} from {', '.join(o.sources)}: {o.reason}"
            for o in host.parts.openings
        ],
        "files": [
            f"{f.path} {f.mode:04o} {f.owner}:{f.group}"
            + (f" then {', '.join(f.actions)}" if f.actions else "")
            for f in host.parts.files
        ],
        "actions": [f"{a.id}: {' '.join(a.argv)}" for a in host.parts.actions],
        "secrets": [asdict(s) for s in host.parts.secrets],
        "common": asdict(made.common),
    }
    return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"


def _write(directory: Path, actual: dict[str, str]) -> None:
    for old in sorted(directory.rglob("*"), reverse=True):
        old.unlink() if old.is_file() else old.rmdir()
    for name, text in actual.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
