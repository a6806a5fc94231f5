"""The roadmap's forms, held against literal files that a person has read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.roadmap import FORMS, Form, render
from infra.roadmap.assess import assess

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from roadmaps import TODAY, known, model

HERE = Path(__file__).parent / "roadmap"
FILES: dict[Form, str] = {
    "text": "report.txt",
    "markdown": "report.md",
    "json": "content.json",
    "svg": "picture.svg",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_rendered_as_expected(form: Form, update_golden: bool) -> None:
    made = render(assess(model(), known(), TODAY), form)
    file = HERE / FILES[form]
    if update_golden:
        file.write_text(made, "utf-8")
    assert made == file.read_text("utf-8"), f"{file.name} differs; --update-golden writes it anew"
