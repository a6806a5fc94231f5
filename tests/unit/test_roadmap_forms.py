"""The roadmap as text, Markdown, JSON and a picture: complete, harmless, and one with the value."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from report_forms import markdown
from rich.cells import cell_len
from roadmaps import TODAY, described, known, model
from test_report_hostile import COMMAND, HOSTILE, SIGNS, hidden
from test_report_page import contrast

import cli
from infra.errors import Exit
from infra.model.schema import Name
from infra.roadmap import FORMS, render
from infra.roadmap.assess import assess
from infra.roadmap.content import Overview
from infra.roadmap.gates import State
from infra.roadmap.said import GATES, STATES

SVG = "{http://www.w3.org/2000/svg}"
hostile = pytest.mark.parametrize(
    "text",
    [*HOSTILE.values(), "not a character: \uffff", "long " * 400],
    ids=[*HOSTILE, "no character", "long"],
)


def overview() -> Overview:
    return assess(model(), known(), TODAY)


def everywhere(text: str) -> Overview:
    """The overview with the text wherever other people's text can be."""
    of = overview()
    name = Name.model_construct(vi=text, en=text)
    waves = tuple(
        replace(
            w,
            name=name,
            owner_name=name,
            gates=tuple(replace(g, name=text, said=(text,)) for g in w.gates),
            blockers=tuple(replace(b, what=text, remedy=text) for b in w.blockers),
            despite=tuple(replace(d, who=text, reason=text, gates=(text,)) for d in w.despite),
            applications=tuple(
                replace(a, name=name, groups=tuple(replace(g, name=name) for g in a.groups))
                for a in w.applications
            ),
        )
        for w in of.waves
    )
    assert of.procedures
    groups = tuple(replace(c, group=replace(c.group, name=name)) for c in of.procedures.groups)
    procedures = replace(of.procedures, note=text, groups=groups)
    return replace(of, ministry=name, waves=waves, procedures=procedures)


def picture(of: Overview) -> ET.Element:
    return ET.fromstring(render(of, "svg").encode())


@hostile
def test_the_picture_keeps_its_structure(text: str) -> None:
    made, harmless = picture(everywhere(text)), picture(everywhere("harmless"))
    assert [e.tag for e in made.iter()] == [e.tag for e in harmless.iter()]
    assert [sorted(e.attrib) for e in made.iter()] == [sorted(e.attrib) for e in harmless.iter()]
    shown = "".join(made.itertext())
    assert hidden(shown) == []


@hostile
def test_the_picture_keeps_its_size(text: str) -> None:
    made, harmless = picture(everywhere(text)), picture(everywhere("harmless"))
    assert (made.get("width"), made.get("height")) == (
        harmless.get("width"),
        harmless.get("height"),
    )
    assert max(cell_len(t.text or "") for t in made.iter(f"{SVG}text")) <= 150


@hostile
def test_markdown_keeps_its_structure(text: str) -> None:
    made = render(everywhere(text), "markdown")
    seen, harmless = markdown(made), markdown(render(everywhere("harmless"), "markdown"))
    assert [t for t in seen.tags if t != "code"] == [t for t in harmless.tags if t != "code"]
    assert SIGNS.findall("\n".join(seen.prose)) == []
    assert COMMAND.findall(made) == []
    assert set(hidden(made)) <= {"\u200b"}


@hostile
def test_text_has_100_columns_and_no_escape_sequence(text: str) -> None:
    made = render(everywhere(text), "text")
    assert [line for line in made.split("\n") if cell_len(line) > 100] == []
    assert hidden(made) == []
    assert re.findall(r"^\s*(::|##\[)", made, re.MULTILINE) == []


@hostile
def test_json_gives_the_text_back(text: str) -> None:
    assert json.loads(render(everywhere(text), "json"))["ministry"]["vi"] == text


def test_json_has_every_field_and_what_follows() -> None:
    made = json.loads(render(overview(), "json"))
    assert (made["done"], made["next"], made["today"]) == (1, "sharing", "2027-09-20")
    assert made["waves"][0]["starts"] == "2027-01-04"
    assert made["waves"][4]["procedures"] == 3 and made["waves"][4]["stopped"]
    assert made["waves"][1]["gates"][1]["said"] == ["nd-1: HR-02: A user logs in"]


def test_the_picture_fetches_and_runs_nothing() -> None:
    made = render(overview(), "svg")
    assert re.findall(r"<(?:script|image|use|foreignObject|a|iframe|link)\b", made) == []
    assert re.findall(r"url\(|@import|@font-face|href|\bon[a-z]+=", made) == []
    assert set(re.findall(r"https?://[^\"<\s]+", made)) == {"http://www.w3.org/2000/svg"}


def test_the_picture_shows_every_wave_with_its_bar_gates_and_today() -> None:
    root = picture(overview())
    rows = [g for g in root.iter(f"{SVG}g") if "row" in (g.get("class") or "").split()]
    assert len(rows) == 6
    bars = [[r.get("class") for r in row.iter(f"{SVG}rect")] for row in rows]
    assert bars == [["done"], ["deployed"], ["begun open"], ["next"], ["later"], []]
    marks = [
        [m.get("class") for m in row.iter(f"{SVG}path") if "mark" in (m.get("class") or "")]
        for row in rows
    ]
    assert marks[:2] == [["mark passed", "mark passed"], ["mark passed", "mark failed"]]
    assert marks[3:5] == [["mark unchecked"], ["mark unchecked"]]
    today = [p for p in root.iter(f"{SVG}path") if p.get("class") == "today"]
    assert len(today) == 1
    text = [t.text for t in root.iter(f"{SVG}text")]
    assert "hôm nay · today 2027-09-20" in text
    assert "pilot (vi)" in text and "pilot" in text and "centre (vi) (centre)" in text
    title = rows[1].findtext(f"{SVG}title") or ""
    assert "gateway passes (12 checks, 2027-09-19 07:30 UTC)" in title
    assert "hanoi verify --gate personnel" in title
    assert "a standby is being replaced" in title


def test_the_picture_says_what_it_is_without_eyes() -> None:
    root = picture(overview())
    assert root.get("role") == "img"
    named = (root.get("aria-labelledby") or "").split()
    assert [e.get("id") for e in root.iter() if e.get("id")] == named
    assert "1 of 6 waves done; next, and blocked: sharing" in (root.findtext(f"{SVG}desc") or "")


def test_the_picture_has_contrast_in_light_and_dark() -> None:
    style = picture(overview()).findtext(f"{SVG}style") or ""
    light, dark = (
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r"svg \{([^}]*)\}", style)
    )
    assert set(light) == set(dark) and len(light) == 12
    for scheme in (light, dark):
        for paper in ("page", "band"):
            for ink in ("ink", "soft", "bad", "today"):
                assert contrast(scheme[ink], scheme[paper]) >= 4.5, (ink, paper)
            for mark in ("done", "deployed", "begun", "next", "later"):
                assert contrast(scheme[mark], scheme[paper]) >= 3, (mark, paper)


def test_every_state_has_its_words() -> None:
    from typing import get_args

    from infra.roadmap.content import WaveState

    assert set(STATES) == set(get_args(WaveState)) and set(GATES) == set(get_args(State))


# --- the command ---


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.main, ["roadmap", *args])
    return done.exit_code, done.output


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_SITES", str(Path(cli.__file__).parent / "sites"))
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_the_command_writes_each_form(form: str, sample: Path) -> None:
    code, output = run("--format", form)
    assert code == 0 and "personnel" in output
    target = sample / f"roadmap.{form}"
    assert run("--format", form, "-o", str(target)) == (0, "")
    assert target.read_text("utf-8") == output


def test_the_command_contacts_nothing_and_writes_nothing(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket
    import subprocess

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it contacted something")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert run()[0] == 0
    assert not (sample / "state").exists()


def test_live_looks_up_to_the_last_wave_that_has_begun(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import infra.verify
    from infra.state import Gates, Waves

    asked: list[str] = []

    def verify(plan, progress):
        from infra.state.waves import GateResult, moment

        asked.append(plan.through)
        Gates().record({"infrastructure": GateResult(moment(), plan.through, 7)})

    monkeypatch.setattr(infra.verify, "verify", verify)
    code, output = run("--live")
    assert code == Exit.REFUSED and "HN-D032" in output and asked == []
    order = [w["id"] for w in described()["roadmap"]["waves"]]
    Waves().enter(order, ["infrastructure", "database"], None)
    Waves().finish(["infrastructure", "database"], changed=True, whole=True)
    code, output = run("--live", "--quiet")
    assert (code, asked) == (0, ["database"])
    assert "gates as just looked at" in output and "infrastructure passes (7 checks" in output
