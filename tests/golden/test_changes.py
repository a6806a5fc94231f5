"""What the offline report says of each kind of change, whole and literal.

`HANOI_GOLDEN=write` renders the expectations anew; read the difference before it is committed.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from infra.diff.review import compared
from infra.report.content import Report
from tests.golden.changed import CASES, base, side, sides

HERE = Path(__file__).parent / "changes"
_WRITES = os.environ.get("HANOI_GOLDEN") == "write"
SUFFIXES = {"text": "txt", "markdown": "md"}


def _content(report: Report) -> str:
    """The report's content as JSON, without what is empty (the form of its own is report's)."""

    def full(value: object) -> object:
        if isinstance(value, dict):
            kept = {k: full(v) for k, v in value.items()}
            return {k: v for k, v in kept.items() if v not in (None, "", [], {}) or k in _SIDES}
        return [full(v) for v in value] if isinstance(value, list | tuple) else value

    return json.dumps(full(asdict(report)), indent=1, ensure_ascii=False) + "\n"


_SIDES = {"before", "after"}


def _expect(path: Path, text: str) -> None:
    if _WRITES:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("name", CASES)
def test_the_report_of_a_change(name: str) -> None:
    _expect(HERE / name / "content.json", _content(compared(*sides(name))))


@pytest.mark.parametrize("form", SUFFIXES)
@pytest.mark.parametrize("name", CASES)
def test_the_report_as_it_is_read(name: str, form: str) -> None:
    render: Callable[..., str] | None = getattr(
        importlib.import_module("infra.report"), "render", None
    )
    path = HERE / name / f"report.{SUFFIXES[form]}"
    if render is None or not (path.exists() or _WRITES):
        pytest.skip("not rendered yet: HANOI_GOLDEN=write")
    _expect(path, render(compared(*sides(name)), form))


def test_no_golden_is_left_without_its_case() -> None:
    assert {p.name for p in HERE.iterdir() if p.is_dir()} == set(CASES)


def test_the_same_description_changes_nothing() -> None:
    same = compared(side("a", base()), side("b", base()))
    assert same.empty
    assert same.changes == ()
