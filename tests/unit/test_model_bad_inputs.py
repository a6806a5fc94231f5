"""Bad models are refused with exact messages; nothing but a message or a model comes out."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from bad_inputs import files, rules, several, shape, syntax, units, web
from bad_inputs.harness import BASE, Case, said, spoiled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.errors import Exit, HanoiError
from infra.model import Model, load
from infra.model.rules import RULES
from infra.model.yamltext import parse

REPOSITORY = Path(__file__).resolve().parents[2]
CASES: tuple[Case, ...] = (
    files.CASES + syntax.CASES + shape.CASES + rules.CASES + several.CASES + units.CASES + web.CASES
)
SAMPLE = sorted((REPOSITORY / "sites").rglob("*.yaml"))
BASE_FILES = sorted(f.relative_to(BASE).as_posix() for f in BASE.rglob("*.yaml"))


@pytest.fixture(autouse=True)
def nothing_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a model opens no connection and starts no process."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the model contacted something")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr("os.system", refuse)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_message(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(spoiled(tmp_path, case.edits)) == case.said


def test_the_base_itself_is_sound(tmp_path: Path) -> None:
    assert isinstance(load(spoiled(tmp_path, ())), Model)


def test_the_table_is_large_and_without_twins() -> None:
    names = [c.name for c in CASES]
    assert len(names) == len(set(names)) >= 60
    assert all(c.said for c in CASES)


def test_every_rule_is_seen_to_fail() -> None:
    load(REPOSITORY / "sites")  # registers the rules
    shown = {code for c in CASES for line in c.said for code in re.findall(r"HN-M\d{3}", line)}
    assert set(RULES) <= shown


def test_every_code_is_explained_once_and_shown_by_a_case() -> None:
    document = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    explained = re.findall(r"^## (HN-M\d{3}): ", document, re.MULTILINE)
    raised = {
        node.value
        for file in (REPOSITORY / "infra" / "model").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and re.fullmatch(r"HN-M\d{3}", str(node.value))
    }
    assert sorted(explained) == sorted(raised)
    shown = {code for c in CASES for line in c.said for code in re.findall(r"HN-M\d{3}", line)}
    assert raised - shown == {"HN-M001"}  # shown by the tests of directories below


@pytest.mark.parametrize(
    ("name", "what"), [("gone", "does not exist"), ("sites/ministry.yaml", "is not a directory")]
)
def test_not_a_directory(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled(tmp_path, ())
    monkeypatch.chdir(tmp_path)
    assert said(tmp_path / name) == (
        f"{name}: HN-M001: the directory {what} → "
        "name the model's directory with --sites or HANOI_SITES",
    )


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a refusal of open itself: the tests may run as root, who may read anything."""
    root = spoiled(tmp_path, ())
    monkeypatch.chdir(tmp_path)
    real = __import__("os").open

    def refuse(path: str, *rest: int) -> int:
        if path.endswith("radio.yaml"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr("infra.model.files.os.open", refuse)
    assert said(root) == (
        "sites/units/radio.yaml: HN-M004: cannot be read: Permission denied → "
        "correct its permissions, or remove it",
    )


def test_lines_are_sorted_as_numbers(tmp_path: Path) -> None:
    root = spoiled(tmp_path, ())
    with (root / "units" / "radio.yaml").open("a") as out:
        out.writelines(f"unknown-{n}: x\n" for n in range(5))
    (root / "units" / "radio.yaml").write_text(
        "colour: red\n" + (root / "units" / "radio.yaml").read_text(encoding="utf-8")
    )
    numbers = [int(line.split(".yaml:")[1].split()[0]) for line in said(root)]
    assert numbers == sorted(numbers) and len(numbers) == 6


def test_backups_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    root = spoiled(tmp_path, ())
    for name in (
        ".radio.yaml.swp",
        "radio.yaml~",
        "#radio.yaml#",
        ".#radio.yaml",
        "radio.yaml.bak",
    ):
        (root / "units" / name).write_bytes(b"\0")
    (root / "README.md").write_text("notes")
    assert said(root) == ()


def test_a_link_inside_the_tree_is_followed(tmp_path: Path) -> None:
    root = spoiled(tmp_path, ())
    (root / ".store").mkdir()
    shutil.move(root / "units" / "radio.yaml", root / ".store" / "radio.yaml")
    (root / "units" / "radio.yaml").symlink_to("../.store/radio.yaml")
    assert said(root) == ()


def outcome(root: Path) -> None:
    """Loads; only a model or well-formed problems may come out."""
    try:
        assert isinstance(load(root), Model)
    except HanoiError as err:
        assert err.exit_code is Exit.FINDINGS
        assert err.problems
        for problem in err.problems:
            assert re.fullmatch(r"HN-M\d{3}", problem.code)
            shown = f"{problem.where}{problem.what}{problem.remedy}"
            assert shown.isprintable() and len(shown) < 2000
            assert problem.what and problem.remedy


FUZZ = settings(
    max_examples=int(os.environ.get("HANOI_FUZZ", "60")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PIECES = st.sampled_from(
    [
        *(": ", "- ", "\n", "  ", "{", "}", "[", "]", '"', "'", "&a ", "*a", "<<: ", "!!int "),
        *("---\n", "? ", "|\n", ">\n", "#", "%YAML 9\n", "no", "1:30", "0x", "\t", "\0"),
        *("\ufeff", "\u2028", "\ud7ff", "9" * 400, "1e999", ".nan", "~", "null", "true"),
        *("2027-13-45", "10.0.0.0/33", "-1GiB", "id: x\n"),
    ]
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spoiled(tmp_path_factory.mktemp("fuzz"), ())


def replaced(root: Path, file: str, content: bytes) -> None:
    """Loads with one file's content replaced, and puts the file back."""
    try:
        (root / file).write_bytes(content)
        outcome(root)
    finally:
        shutil.copyfile(BASE / file, root / file)


@FUZZ
@given(file=st.sampled_from(BASE_FILES), content=st.binary(max_size=300))
def test_random_bytes(root: Path, file: str, content: bytes) -> None:
    replaced(root, file, content)


@FUZZ
@given(file=st.sampled_from(BASE_FILES), data=st.data())
def test_text_with_pieces_put_in_or_cut_out(root: Path, file: str, data: st.DataObject) -> None:
    text = (BASE / file).read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=6)) + text[end:]
    replaced(root, file, text.encode("utf-8", "surrogatepass"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["north", "radio-1", "personnel", "central", "8GiB", "10.77.1.10", "all"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@FUZZ
@given(file=st.sampled_from(BASE_FILES), data=st.data())
def test_structure_with_values_swapped(root: Path, file: str, data: st.DataObject) -> None:
    import yaml as pyyaml

    tree = parse((BASE / file).read_text(encoding="utf-8")).data
    node = tree
    while True:
        key = data.draw(
            st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node)))
        )
        inner = node[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        node = inner
    node[key] = data.draw(VALUES)
    dumped = pyyaml.safe_dump(tree, allow_unicode=True)
    replaced(root, file, dumped.encode("utf-8", "surrogatepass"))


@FUZZ
@given(file=st.sampled_from(SAMPLE), cut=st.integers(0, 3000), piece=PIECES)
def test_the_sample_cut_anywhere_parses_or_says_why(file: Path, cut: int, piece: str) -> None:
    parsed = parse(file.read_text(encoding="utf-8")[:cut] + piece)
    assert parsed.complete or parsed.faults
