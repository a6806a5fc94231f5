"""What sign-on changes in the applications that join it, held against literal files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from infra.plan import plan
from infra.resources import HostPlan
from tests.golden.model import joined, model
from tests.golden.test_golden import _files, _hold

CASES = {"joined": "nd-1"}
APPLICATIONS = ("/etc/hanoi/plone/", "/etc/hanoi/documents-")


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", CASES)
def test_what_an_application_gets_to_sign_on(case: str, update_golden: bool) -> None:
    before, after = (
        plan(model(joined()), wave).host(CASES[case]) for wave in ("documents", "sign-on")
    )
    old, new = _files(before), _files(after)
    assert old.keys() <= new.keys()
    theirs = tuple(f"files{path}" for path in APPLICATIONS)
    changed = {n: t for n, t in new.items() if n.startswith(theirs) and t != old.get(n)}
    changed["containers.json"] = _containers(before, after)
    _hold(case, changed, update_golden)


def _containers(before: HostPlan, after: HostPlan) -> str:
    """Container → what of it is another one or new."""
    known = {c.name: asdict(c) for c in before.parts.containers}
    found: dict[str, Any] = {}
    for container in after.parts.containers:
        old, now = known.get(container.name, {}), asdict(container)
        if old and (changed := {k: v for k, v in now.items() if v != old[k]}):
            found[container.name] = changed
    return json.dumps(found, indent=1) + "\n"
