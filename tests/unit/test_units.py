"""hanoi unit: what it refuses, what it writes, and that it writes all or nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from bad_inputs.harness import BASE, said, spoiled, swap
from bad_inputs.units import press
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_wishes import CENTRAL, IN_WAVE, REFUSED, WRITTEN, Refused, Written

import cli
from infra.errors import Exit, HanoiError
from infra.model.yamltext import parse
from infra.units import edit, files, follow

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = sorted((REPOSITORY / "sites").rglob("*.yaml"))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A directory of our own, and no way to reach a host or start a program."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was contacted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    for name in [n for n in os.environ if n.startswith("HANOI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def unit(command: str, *more: str) -> Result:
    return CliRunner().invoke(cli.main, ["unit", *shlex.split(command), *more])


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_table_is_large_and_without_twins() -> None:
    names = [w.name for w in (*REFUSED, *WRITTEN)]
    assert len(names) == len(set(names))
    assert len(REFUSED) >= 40
    assert all(w.said for w in REFUSED)


@pytest.mark.parametrize("wish", REFUSED, ids=lambda w: w.name)
def test_refused(wish: Refused, tmp_path: Path) -> None:
    root = spoiled(tmp_path, wish.edits)
    assert said(root) == (), "the description is sound before"
    before = contents(root)
    result = unit(wish.command)
    told = result.output.rstrip("\n").replace("\n    ", " → ").split("\n")
    assert tuple(told if not told[0].startswith("Usage:") else told[-1:]) == wish.said
    assert result.exit_code == wish.exit
    assert contents(root) == before, "nothing was written"
    assert unit(wish.command, "--dry-run").exit_code == wish.exit


@pytest.mark.parametrize("wish", WRITTEN, ids=lambda w: w.name)
def test_written(wish: Written, tmp_path: Path) -> None:
    root = spoiled(tmp_path, wish.edits)
    assert said(root) == ()
    before, model = contents(root), files.read(root).model
    dry = unit(wish.command, "--dry-run")
    assert (dry.output, dry.exit_code) == (wish.difference, Exit.OK)
    assert contents(root) == before, "a dry run writes nothing"
    result = unit(wish.command)
    assert result.exit_code == Exit.OK
    blocks = result.output.partition("\n\nNo host was contacted.")[0].split("\n\n")[1:]
    told = [line.strip() for b in blocks for line in b.split("\n")[1:] or [b]]
    assert said(root) == (), "and it is sound afterwards"
    of_plan = [[*p] for p in follow.planned(model, files.read(root).model)]  # another test's
    left = [x.split(maxsplit=1) for x in told]
    assert [x for x in left if x not in of_plan] == [x.split(maxsplit=1) for x in wish.said]
    after = contents(root)
    changed = {p for p in after if after[p] != before.get(p)}
    assert changed == set(re.findall(r"^\+\+\+ b/sites/(.*)$", wish.difference, re.MULTILINE))
    assert not before.keys() - after.keys()


@pytest.mark.parametrize(
    "wish", [w for w in WRITTEN if not w.name.startswith(("add", "merge", "split", "close"))],
    ids=lambda w: w.name,
)  # fmt: skip
def test_said_again_it_changes_nothing(wish: Written, tmp_path: Path) -> None:
    root = spoiled(tmp_path, wish.edits)
    unit(wish.command)
    after = contents(root)
    again = unit(wish.command)
    assert again.output == "the description says so already; nothing was written\n"
    assert contents(root) == after


def test_a_broken_description_is_not_edited(tmp_path: Path) -> None:
    root = spoiled(tmp_path, (swap("units/centre.yaml", "home: north", "home: noth"),))
    before = contents(root)
    result = unit("rename centre --label new")
    assert result.exit_code == Exit.FINDINGS
    assert "HN-M050" in result.output and "HN-U010" not in result.output
    assert contents(root) == before


def test_the_sample_is_not_edited_by_mistake(tmp_path: Path) -> None:
    result = unit("rename vnnic --label new")
    assert result.exit_code == Exit.USAGE
    assert "HN-U015" in result.output


def test_what_the_plan_tells_is_told_first(tmp_path: Path) -> None:
    root = spoiled(tmp_path, (press(CENTRAL), IN_WAVE))
    told = unit("close press --on 2026-12-31 --without-successor").output
    assert said(root) == ()
    lines = told.partition("deployed:\n")[2].split("\n\n")[0].split("\n")
    assert re.match("  danger +database personnel_press: it leaves the plan", lines[0])


def test_a_merge_that_takes_the_records_is_no_danger(tmp_path: Path) -> None:
    spoiled(tmp_path, (press(CENTRAL), IN_WAVE))
    told = unit("merge press centre media --new --name-vi Mới --name-en New --on 2026-12-31").output
    lines = [line.split() for line in told.partition("deployed:\n")[2].split("\n")]
    assert ["data", "database", "personnel_media", "created"] in lines
    assert "danger" not in told and "hanoi records show" in told


# All or nothing.


def merged(tmp_path: Path) -> tuple[Path, files.Description, dict[str, str]]:
    root = spoiled(tmp_path, (press(CENTRAL), IN_WAVE))
    before = files.read(root)
    texts = {p: f"# changed\n{before.texts[p]}" for p in ("roadmap.yaml", "units/press.yaml")}
    return root, before, texts | {"units/new.yaml": "id: new\n"}


@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_failure_half_way_puts_everything_back(
    good: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, before, texts = merged(tmp_path)
    was, real, done = contents(root), os.replace, []

    def fails(source: str, target: str) -> None:
        if len(done) == good:
            raise OSError(28, "No space left on device")
        done.append(target)
        real(source, target)

    monkeypatch.setattr(files.os, "replace", fails)
    with pytest.raises(HanoiError) as caught:
        files.write(before, texts)
    assert [p.code for p in caught.value.problems] == ["HN-U012"]
    assert len(done) == good
    assert contents(root) == was


def test_an_interruption_half_way_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, before, texts = merged(tmp_path)
    was, real, done = contents(root), os.replace, []

    def interrupted(source: str, target: str) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(target)
        real(source, target)

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(before, texts)
    assert contents(root) == was


@pytest.mark.parametrize("path", ["roadmap.yaml", "units/new.yaml"])
def test_a_file_changed_meanwhile_is_not_overwritten(path: str, tmp_path: Path) -> None:
    root, before, texts = merged(tmp_path)
    (root / path).write_text("id: theirs\n")
    was = contents(root)
    with pytest.raises(HanoiError) as caught:
        files.write(before, texts)
    assert [(p.where, p.code) for p in caught.value.problems] == [(f"sites/{path}", "HN-U011")]
    assert contents(root) == was


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    root = spoiled(tmp_path, ())
    (root / "units" / "centre.yaml").chmod(0o640)
    (root / ".store").mkdir()
    shutil.move(root / "units" / "radio.yaml", root / ".store" / "radio.yaml")
    (root / "units" / "radio.yaml").symlink_to("../.store/radio.yaml")
    assert unit("rename centre --label trung-tam").exit_code == Exit.OK
    assert unit("rename radio --label vo-tuyen").exit_code == Exit.OK
    assert (root / "units" / "centre.yaml").stat().st_mode & 0o777 == 0o640
    assert (root / "units" / "radio.yaml").is_symlink()
    assert "label: vo-tuyen" in (root / ".store" / "radio.yaml").read_text()


# What is shown.


def test_list_and_show(tmp_path: Path) -> None:
    spoiled(tmp_path, (press("closed: 2027-01-01\n"),))
    assert unit("list").output.splitlines() == [
        "unit    home   documents  personnel",
        "centre  north  -          central",
        "press   north  -          -            closed 2027-01-01",
        "radio   east   external   self-hosted",
    ]
    assert unit("show radio").output.splitlines() == [
        "unit       radio",
        "name       Tần số · Radio",
        "home       east",
        "label      tan-so",
        "personnel  self-hosted on radio-1, no backup stated; personnel-tan-so.mic.example",
        "documents  external at https://vanban.radio.example/",
        "host       radio-1 10.77.9.10 elsewhere",
    ]
    assert unit("show nobody").exit_code == Exit.USAGE


def test_list_and_show_as_json(tmp_path: Path) -> None:
    spoiled(tmp_path, ())
    rows = json.loads(unit("list --json").output)
    assert [r["id"] for r in rows] == ["centre", "radio"]
    assert rows[1]["applications"] == {"personnel": "self-hosted", "documents": "external"}
    one = json.loads(unit("show centre --json").output)
    assert one["pages"] == {"personnel": "personnel-centre.mic.example"}
    assert one["waves"] == {"personnel": ["second"]}
    assert json.loads(unit("show nobody --json").output)["problems"][0]["code"] == "HN-U001"


# Edits of one text.

EDITS = [
    ("a: 1\n", ("put", ("b",), "x"), "a: 1\nb: x\n"),
    ("a: 1", ("put", ("b",), "x"), "a: 1\nb: x\n"),
    ("a: 1   # one\nc: 3\n", ("put", ("a",), 2), "a: 2   # one\nc: 3\n"),
    ('a: "x"\n', ("put", ("a",), "y"), 'a: "y"\n'),
    ("a: 'x'\n", ("put", ("a",), "it's"), "a: 'it''s'\n"),
    ("a: x\n", ("put", ("a",), "no"), 'a: "no"\n'),
    ("a: >-\n  long\n  text\n\n# next\nb: 1\n", ("put", ("a",), "x"), "a: x\n\n# next\nb: 1\n"),
    ("a:\n    b: 1\n\n# c\nc: 2\n", ("put", ("a", "d"), 3), "a:\n    b: 1\n    d: 3\n\n# c\nc: 2\n"),
    ("a: 1\r\nc: 2\r\n", ("put", ("b",), {"x": 3}, "abc"), "a: 1\r\nb:\r\n  x: 3\r\nc: 2\r\n"),
    ("a: 1\r\nc: 2\r\n", ("remove", ("a",)), "c: 2\r\n"),
    ("a: {}\n", ("put", ("a", "b"), {"c": 1}), "a:\n  b:\n    c: 1\n"),
    ("a: { b: 1 }\nc: 2\n", ("put", ("c",), 3), "a: { b: 1 }\nc: 3\n"),
    ("a: {b: 1, c: x}\n", ("put", ("a", "c"), "y, z"), 'a: {b: 1, c: "y, z"}\n'),
    ("a: {b: 1, # one\n  c: 2}\n", ("put", ("a", "d"), 3), "a: {b: 1, # one\n  c: 2, d: 3}\n"),
    ("a: { b: 1, c: 2 }\n", ("remove", ("a", "b")), "a: { c: 2 }\n"),
    ("a: { b: 1, c: 2 }\n", ("remove", ("a", "c")), "a: { b: 1 }\n"),
    ("a: {b: 1, c: 2}\n", ("put", ("a",), {"d": 3, "c": 2}), "a: {c: 2, d: 3}\n"),
    ("a: 1\n# of b\nb: 2\n# of c\nc: 3\n", ("remove", ("b",)), "a: 1\n# of c\nc: 3\n"),
    ("a: 1\n\nb: 2\n\nc: 3\n", ("remove", ("b",)), "a: 1\n\nc: 3\n"),
    ("a:\n  b: 1\n  # in a\nc: 3\n", ("remove", ("a",)), "c: 3\n"),
    ("a:\n  b: 1\nc: 3\n", ("remove", ("a", "b")), "c: 3\n"),
    ("a: [x, y, z]\n", ("remove", ("a", 0)), "a: [y, z]\n"),
    ("a: [x, y, z]\n", ("remove", ("a", 1)), "a: [x, z]\n"),
    ("a: [x, y, z]\n", ("remove", ("a", 2)), "a: [x, y]\n"),
    ("a:\n- x  # first\n- y\n", ("remove", ("a", 1)), "a:\n- x  # first\n"),
    ("a:\n  - b: 1\n    c: 2\n  - b: 3\n", ("remove", ("a", 0)), "a:\n  - b: 3\n"),
    ("a:\n  - b: 1\n    c: 2\n", ("put", ("a", 0, "b"), 4), "a:\n  - b: 4\n    c: 2\n"),
    ("a:\n- x\n\nb: 1\n", ("append", ("a",), "y"), "a:\n- x\n- y\n\nb: 1\n"),
    ("a: [x]  # list\n", ("append", ("a",), "1:30"), 'a: [x, "1:30"]  # list\n'),
    ("a: []\n", ("append", ("a",), "x"), "a: [x]\n"),
    (f"a: [{'x' * 60}]\n", ("append", ("a",), "y" * 60), f"a: [{'x' * 60},\n    {'y' * 60}]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "wanted"), EDITS, ids=range(len(EDITS)))
def test_an_edit(text: str, what: tuple, wanted: str) -> None:
    name, *arguments = what
    assert getattr(edit, name)(text, *arguments) == wanted


def test_a_form_that_cannot_be_edited_is_refused() -> None:
    with pytest.raises(HanoiError) as caught:
        edit.remove("a:\n  - b: 1\n    c: 2\n", ("a", 0, "b"))
    assert [(p.where, p.code) for p in caught.value.problems] == [("a.0.b", "HN-U009")]


def paths(data: object, path: tuple = ()) -> list[tuple]:
    """Every path below a mapping, of what a key leads to."""
    found = []
    if isinstance(data, dict):
        for key, value in data.items():
            found += [(*path, key), *paths(value, (*path, key))]
    if isinstance(data, list):
        for n, value in enumerate(data):
            found += [(*path, n), *paths(value, (*path, n))]
    return found


def alike(these: list[str], those: list[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(these, those, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(these), len(those)))


@settings(max_examples=int(os.environ.get("HANOI_FUZZ", "60")), deadline=None, database=None)
@given(file=st.sampled_from([*SAMPLE, *sorted(BASE.rglob("*.yaml"))]), data=st.data())
def test_whatever_is_removed_the_other_lines_stay(file: Path, data: st.DataObject) -> None:
    text = file.read_text(encoding="utf-8")
    path = data.draw(st.sampled_from(paths(parse(text).data)))
    try:
        made = edit.remove(text, path)
    except HanoiError as refusal:
        assert refusal.problems[0].code == "HN-U009"
        return
    before, after = text.split("\n"), made.split("\n")
    above = alike(before, after)
    below = alike(before[above:][::-1], after[above:][::-1])
    assert above + below >= len(after) - 1, "at most the line of a list in brackets is another"
    assert above + below < len(before), "something went"


@settings(max_examples=int(os.environ.get("HANOI_FUZZ", "60")), deadline=None, database=None)
@given(
    file=st.sampled_from([*SAMPLE, *sorted(BASE.rglob("*.yaml"))]),
    value=st.sampled_from(["x", "no", "1:30", "a: b", "Vụ, x", "#", "- y", "012"])
    | st.integers(-9999, 9999),
    data=st.data(),
)
def test_whatever_is_put_reads_as_it_was_meant(
    file: Path, value: str | int, data: st.DataObject
) -> None:
    text = file.read_text(encoding="utf-8")
    plain = parse(text).data
    path = data.draw(st.sampled_from([p for p in paths(plain) if isinstance(p[-1], str)]))
    made = edit.put(text, path, value)
    place = parse(made).data
    for part in path:
        place = place[part]
    assert place == value
    old = plain
    for part in path:
        old = old[part]
    lines, after = text.split("\n"), made.split("\n")
    comments = [x for x in lines if x.lstrip().startswith("#")]
    if not isinstance(old, dict | list):
        assert [x for x in after if x.lstrip().startswith("#")] == comments
        assert len([x for x in after if x not in lines]) <= 1
        assert len(after) <= len(lines)
