"""The documents of each unit, held against literal files: one instance at a site, one on the
unit's own host. Only what the service itself contributes; the rest has cases of its own."""

from __future__ import annotations

import pytest

from infra.plan import plan
from tests.golden.model import DOCUMENTS, documents, model
from tests.golden.test_golden import held_against, only

CASES = {"documents-central": "nd-1", "documents-own": "tccb-1"}


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", CASES)
def test_an_instance_is_rendered_as_expected(case: str, update_golden: bool) -> None:
    made = plan(model(documents()))
    held_against(case, only(made, DOCUMENTS, "mayan"), CASES[case], update_golden)
