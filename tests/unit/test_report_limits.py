"""A comment is never above its host's limit, and never without a danger."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_forms import markdown
from reports import DANGEROUS, SMALL, large, report

from infra.report import GITHUB, GITLAB, render
from infra.report.content import OPERATIONS, Change, Finding, Property, Report, Summary, Touched
from infra.report.markup import code
from infra.report.words import visible


def padded(to: int) -> Report:
    """A report whose Markdown has exactly so many characters, most of them in diffs."""
    files = [
        Change(
            "file", f"/etc/{n}", "update", "nd-1", "nguyen-du", diff="@@ -1 +1 @@\n-a\n+b\n" * 20
        )
        for n in range(to // 800)
    ]
    short = to - len(render(report([*SMALL.changes, *files]), "markdown"))
    assert short > 0
    longer = replace(files[0], why="x" * (short - 2))  # beside ": "
    return report([*SMALL.changes, longer, *files[1:]])


@pytest.mark.parametrize("limit", [GITHUB, GITLAB])
def test_what_fits_exactly_is_whole_and_one_character_more_is_shortened(limit: int) -> None:
    fits, above = padded(limit), padded(limit + 1)
    assert len(render(fits, "markdown", limit=limit)) == limit
    assert render(fits, "markdown", limit=limit) == render(fits, "markdown")
    shortened = render(above, "markdown", limit=limit, artifact="https://ci.example/1")
    assert limit - 2000 < len(shortened) <= limit
    # Whole diffs go, the longest first, and no more of them than needed; properties stay.
    assert shortened.count("*diff of 60 lines left out*") in (1, 2)
    assert "- `image`: `tryton:7.4` → `tryton:7.6`" in shortened
    assert shortened.endswith(
        "Left out: 1 diff.* [The whole report · Báo cáo đầy đủ](<https://ci.example/1>)\n"
    ) or (
        shortened.endswith(
            "Left out: 2 diffs.* [The whole report · Báo cáo đầy đủ](<https://ci.example/1>)\n"
        )
    )
    assert f"*Shortened to fit {limit:,} characters." in shortened
    markdown(shortened)


def test_a_diff_of_10_MB_is_left_out_alone() -> None:
    huge = "@@ -1 +1 @@\n" + "+``` of a large file\n" * 500_000
    of = report([replace(SMALL.changes[1], diff=huge), SMALL.changes[0], SMALL.changes[1]])
    made = render(of, "markdown", limit=GITHUB)
    assert "*diff of 500,001 lines left out*" in made
    assert "+    maxconn 200" in made
    assert "- `mode`: `0644` → `0640`" in made


def test_diffs_go_before_properties_and_those_before_the_list() -> None:
    of = large(10)
    whole = len(render(of, "markdown"))
    seen = []
    for limit in range(whole, 2500, -41):
        made = render(of, "markdown", limit=limit)
        assert len(made) <= limit
        seen.append(("+unit =" in made, "`tryton:7.6`" in made, "**replace** container" in made))
    order = list(dict.fromkeys(seen))
    assert order[0] == (True, True, True)
    assert order == sorted(order, reverse=True), "nothing comes back, and diffs go first"
    assert (False, False, False) in order


def test_a_thousand_units_are_grouped_and_every_danger_is_named() -> None:
    of = large(1000, dangers=300)
    made = render(of, "markdown", limit=GITHUB, artifact="report.json")
    assert len(made) <= GITHUB
    assert "**1,000 units**, the first 20:<br>" in made
    assert "<br>… and 980 more units |" in made
    assert [f.where for f in of.summary.findings if code(f.where) not in made] == []
    assert made.count("*Instead:* keep it") == 300
    assert "rows of the summary" in made.splitlines()[-1]
    assert "`report.json`" in made.splitlines()[-1]
    markdown(made)


@pytest.mark.parametrize(
    ("dangers", "reasons", "places"),
    [
        (100, 100, 100),  # all in full
        (700, 2, 700),  # the reason once for all that are alike
        (2600, 0, 2600),  # only where
        (9000, 0, None),  # as many places as have room, and how many more
    ],
)
def test_many_dangers_are_grouped_step_by_step(dangers, reasons, places) -> None:
    made = render(large(30, dangers=dangers), "markdown", limit=GITHUB)
    assert len(made) <= GITHUB
    assert made.count("*Instead:*") == reasons
    found = set(re.findall(r"`h: volume v\d{4}`", made))
    if places is None:
        assert 500 < len(found) < dangers
        assert "and 3," in made and " more" in made
        assert f"**{dangers // 2:,} refusals, {dangers // 2:,} dangers**" in made
    else:
        assert len(found) == places
    markdown(made)


def test_5000_changes() -> None:
    of = large(1700)
    for limit in (GITHUB, GITLAB):
        made = render(of, "markdown", limit=limit)
        assert limit * 0.9 < len(made) <= limit
    markdown(render(of, "markdown", limit=GITHUB))
    assert render(of, "text").count("\n") > 5000
    assert render(of, "html").count('class="change"') == 5100


@pytest.mark.parametrize("limit", [0, 1, 100, 500, 1000, 3000])
def test_a_limit_that_is_too_small_is_kept_all_the_same(limit: int) -> None:
    made = render(DANGEROUS, "markdown", limit=limit, artifact="report.json")
    assert len(made) <= limit
    if limit >= 500:
        assert made.startswith("<!-- hanoi-report: diff -->\n")
        assert "1 refusal, 1 danger" in made


TEXT = st.text(st.characters(exclude_categories=[]), max_size=40) | st.sampled_from(
    [
        "```",
        "</details>",
        "| a |",
        "@x",
        "<!--",
        "\\",
        "`",
        "\n\n",
        "~~~\n",
        "# x",
        "    x",
        "*",
        "<b>",
    ]
)
NAME = TEXT.filter(bool)
PROPERTY = st.builds(Property, NAME, st.none() | TEXT, st.none() | TEXT)
CHANGE = st.builds(
    Change, NAME, NAME, st.sampled_from(OPERATIONS), TEXT, TEXT, TEXT,
    st.lists(PROPERTY, max_size=3).map(tuple), TEXT | TEXT.map(lambda t: t * 500),
    st.lists(NAME, max_size=3).map(tuple),
)  # fmt: skip
FINDING = st.builds(
    Finding, NAME, st.sampled_from(["refused", "danger", "note"]), NAME, TEXT, TEXT, TEXT
)
TOUCHED = st.builds(
    Touched, st.sampled_from(["unit", "application", "site"]), NAME, TEXT, TEXT, st.just(("x",))
)
SUMMARY = st.builds(
    Summary,
    touched=st.lists(TOUCHED, max_size=4).map(tuple),
    findings=st.lists(FINDING, max_size=6).map(tuple),
    unknown=st.lists(TEXT, max_size=2).map(tuple),
)
REPORT = st.builds(report, st.lists(CHANGE, max_size=12), SUMMARY, TEXT, TEXT)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(REPORT, st.integers(3000, 20_000) | st.sampled_from([GITHUB, GITLAB]))
def test_whatever_the_report_says(of: Report, limit: int) -> None:
    made = render(of, "markdown", limit=limit, artifact="report.json")
    assert len(made) <= limit
    markdown(made)  # fails where an element or a fence is not closed
    stops = [f for f in of.summary.findings if f.severity != "note"]
    if limit >= 20_000:
        assert [f.where for f in stops if code(f.where) not in made] == []
    for form in ("text", "html", "json"):
        render(of, form).encode()
    assert [
        f.where
        for f in stops
        if "".join(visible(f.where).split())[:60] not in "".join(render(of, "text").split())
    ] == []
