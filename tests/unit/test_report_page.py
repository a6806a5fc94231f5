"""The page: one file, readable without a network, a script, eyes or colour."""

from __future__ import annotations

import itertools
import re

import pytest
from report_forms import html
from reports import DANGEROUS, EMPTY, RENAME, SMALL, large

from infra.report import render

REPORTS = pytest.mark.parametrize("of", [EMPTY, RENAME, SMALL, DANGEROUS, large(100)])


@REPORTS
def test_nothing_is_fetched_or_run(of) -> None:
    made = render(of, "html")
    assert re.findall(r"<(?:script|link|img|iframe|object|embed|form|base)\b", made) == []
    assert re.findall(r"url\(|@import|\bsrc=|\bon[a-z]+=", made) == []
    assert re.findall(r"href=\"(?!#)", made) == []
    assert "default-src 'none'; style-src 'unsafe-inline'" in made


@REPORTS
def test_the_page_says_its_language_and_has_headings_in_order(of) -> None:
    made = render(of, "html")
    assert made.startswith('<!DOCTYPE html>\n<html lang="en">\n')
    levels = [int(n) for n in re.findall(r"<h([1-6])\b", made)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert 'lang="vi"' in made
    seen = html(made)
    assert seen.tags.count("table") == seen.tags.count("caption class")
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', made)) <= set(ids)


def test_dangers_are_on_top() -> None:
    made = render(DANGEROUS, "html")
    assert made.index('class="stop refused"') < made.index('class="stop danger"')
    assert made.index('class="stop danger"') < made.index('class="cards"')
    assert "<dd>name the networks in user_networks</dd>" in made
    assert re.findall(r'<tr class="grave"><td>(.*?)</td>', made) == [
        "deleted", "opens to everyone", "<code>ddn-1</code>",
    ]  # fmt: skip


def test_a_diff_is_coloured_and_a_picture_drawn() -> None:
    made = render(SMALL, "html")
    assert (
        '<span class="place">@@ -1,3 +1,3 @@</span>\n global\n'
        '<span class="removed">-    maxconn 100</span>\n'
        '<span class="added">+    maxconn 200</span></pre>'
    ) in made
    assert 'aria-label="nguyen-du' not in made
    assert (
        'aria-label="Nguyễn Du (Nguyen Du). nd-1: tryton replace, 1 other change 1 updated"' in made
    )


def test_an_empty_page_says_so() -> None:
    made = render(EMPTY, "html")
    assert '<strong>Nothing changes</strong> · <span lang="vi">Không có thay đổi</span>' in made
    assert "<table" not in made and "<details" not in made


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours such as "#1b1f24"."""

    def light(colour: str) -> float:
        parts = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        values = [int(parts[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_text_has_contrast_in_light_and_dark() -> None:
    style = render(EMPTY, "html")
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block))
        for block in re.findall(r":root \{([^}]*)\}", style)[:2]
    )
    for scheme in (light, {**light, **dark}):
        pairs = [
            (ink, paper)
            for ink in ("ink", "soft")
            for paper in (
                "page",
                "sheet",
                "code",
                "refused-tint",
                "danger-tint",
                "added",
                "removed",
            )
        ]
        pairs += [("refused", "refused-tint"), ("danger", "danger-tint"), ("refused", "page")]
        low = {p: contrast(scheme[p[0]], scheme[p[1]]) for p in pairs}
        assert {p: round(v, 2) for p, v in low.items() if v < 4.5} == {}
        for operation in ("delete", "replace", "create", "restart", "reload", "update", "rename"):
            assert contrast("#ffffff", scheme[operation]) >= 4.5, operation
