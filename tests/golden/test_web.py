"""A fourth application, added to the sample by its YAML file and its image, held against literal
files: what it contributes to a site's host, to a unit's own, and with an instance for each unit;
and which names lead where at the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.model import load
from infra.plan import plan
from tests.application import APP, CENTRAL, EXTERNAL, OWN, added
from tests.golden.test_golden import held_against, only

CASES = {
    "web-central": ("many-units", "nd-1"),
    "web-each": ("one-unit", "nd-1"),
    "web-own": ("many-units", "vnnic-1"),
}
MAPS = ("gateway/hosts.map", "gateway/elsewhere.map")


@pytest.mark.usefixtures("services_only")
@pytest.mark.parametrize("case", CASES)
def test_an_added_application_is_rendered_as_expected(
    case: str, tmp_path: Path, update_golden: bool
) -> None:
    serves, host = CASES[case]
    made = plan(load(added(tmp_path, *CENTRAL, EXTERNAL, OWN, serves=serves)))
    held_against(case, only(made, APP, APP.replace("-", "_"), *MAPS), host, update_golden)
