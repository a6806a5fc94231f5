"""The documents of each unit, held against literal files: one instance at a site, one on the
unit's own host. Only what the service itself contributes; the rest has cases of its own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from infra.plan import plan
from infra.resources import Parts, Plan
from tests.golden.model import DOCUMENTS, documents, model
from tests.golden.test_golden import held_against

CASES = {"documents-central": "nd-1", "documents-own": "tccb-1"}


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", CASES)
def test_an_instance_is_rendered_as_expected(case: str, update_golden: bool) -> None:
    made = plan(model(documents()))
    held_against(case, _only_documents(made), CASES[case], update_golden)


def _only_documents(made: Plan) -> Plan:
    """The plan with nothing but the instances of documents and their data."""
    sites = tuple(
        replace(s, hosts=tuple(replace(h, parts=_only(h.parts)) for h in s.hosts))
        for s in made.sites
    )
    return replace(made, sites=sites, common=_only(made.common))


def _only(parts: Parts) -> Parts:
    return replace(
        parts,
        **{f.name: tuple(i for i in getattr(parts, f.name) if _ours(i)) for f in fields(parts)},
    )


def _ours(item: Any) -> bool:
    told = (getattr(item, a, "") for a in ("id", "name", "path", "reason", "application"))
    return any(DOCUMENTS in str(t) or "mayan" in str(t) for t in told)
