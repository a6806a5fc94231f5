"""Pipelines in the operator's repository: written once, kept up to date, never over the user's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from infra.ci import init
from infra.errors import Exit, HanoiError

GITHUB = [
    ".github/workflows/hanoi-deploy.yml",
    ".github/workflows/hanoi-nightly.yml",
    ".github/workflows/hanoi-plan.yml",
    ".github/workflows/hanoi.yml",
]
GITLAB = [".gitlab-ci.yml", ".gitlab/hanoi.yml"]


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's repository with a description, as current directory."""
    made = tmp_path / "kho"
    (made / "sites").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(made))
    monkeypatch.chdir(made)
    monkeypatch.delenv("HANOI_SITES", raising=False)
    return made


def hanoi(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def files(root: Path) -> list[str]:
    found = (p for p in root.rglob("*") if p.is_file() and ".git" not in p.parts)
    return sorted(p.relative_to(root).as_posix() for p in found)


@pytest.mark.parametrize(("host", "expected"), [("gitlab", GITLAB), ("github", GITHUB)])
def test_files_are_written_and_a_second_call_changes_nothing(
    root: Path, host: str, expected: list[str]
) -> None:
    result = hanoi("ci", "init", host)
    assert result.exit_code == 0
    assert result.output == "".join(f"created   {f}\n" for f in expected)
    assert files(root) == expected
    before = {f: (root / f).stat().st_mtime_ns for f in expected}
    again = hanoi("ci", "init", host)
    ours = [f for f in expected if f != ".gitlab-ci.yml"]
    assert again.output == "".join(f"unchanged {f}\n" for f in ours)
    assert {f: (root / f).stat().st_mtime_ns for f in expected} == before


def test_from_a_directory_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "sites" / "units").mkdir()
    monkeypatch.chdir(root / "sites" / "units")
    result = hanoi("--sites", "..", "ci", "init", "gitlab")
    monkeypatch.delenv("HANOI_SITES")
    assert result.exit_code == 0
    assert 'HANOI_SITES: "sites"' in (root / ".gitlab/hanoi.yml").read_text()


def test_a_users_gitlab_file_is_left_and_the_include_is_named(root: Path) -> None:
    theirs = root / ".gitlab-ci.yml"
    theirs.write_text("stages: [build]\n")
    result = hanoi("ci", "init", "gitlab")
    assert (result.exit_code, theirs.read_text()) == (0, "stages: [build]\n")
    assert "include:\n  - local: /.gitlab/hanoi.yml\n" in result.output
    assert "test and deploy" in result.output
    theirs.write_text("include: /.gitlab/hanoi.yml\n")
    assert hanoi("ci", "init", "gitlab").output == "unchanged .gitlab/hanoi.yml\n"


def test_a_users_file_is_refused_and_nothing_else_is_written(root: Path) -> None:
    theirs = root / ".github/workflows/hanoi.yml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("name: mine\n")
    result = hanoi("ci", "init", "github")
    assert result.exit_code == Exit.REFUSED
    assert ".github/workflows/hanoi.yml: HN-R051" in result.output
    assert (files(root), theirs.read_text()) == ([".github/workflows/hanoi.yml"], "name: mine\n")


def test_our_file_changed_by_hand_is_the_users(root: Path) -> None:
    hanoi("ci", "init", "github")
    changed = [root / f for f in GITHUB[:2]]
    for file in changed:
        file.write_text(file.read_text() + "# mine\n")
    result = hanoi("ci", "init", "github")
    assert (result.exit_code, result.output.count("HN-R051")) == (Exit.REFUSED, 2)
    assert all(file.read_text().endswith("# mine\n") for file in changed)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_our_older_file_is_brought_up_to_date(root: Path, ends: str) -> None:
    older = root / ".gitlab/hanoi.yml"
    older.parent.mkdir()
    older.write_bytes(init._signed("older: true\n").replace("\n", ends).encode())
    assert hanoi("ci", "init", "gitlab").output == (
        "created   .gitlab-ci.yml\nupdated   .gitlab/hanoi.yml\n"
    )
    assert "hanoi:deploy:" in older.read_text()


@pytest.mark.parametrize(
    "content",
    ["", "older: true\n", "# Written by `hanoi ci init`; changed by hand it is left alone. 00\n"],
)
def test_without_its_digest_no_file_is_ours(content: str) -> None:
    assert not init.untouched(content)
    assert init.untouched(init._signed(content))
    assert not init.untouched(init._signed(content) + "x")


def test_the_repository_is_where_the_operator_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git hook that runs hanoi has variables of its own repository."""
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", "-b", "main", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert init.repository().root == root


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = hanoi("ci", "init", "gitlab")
    assert result.exit_code == Exit.ENVIRONMENT
    assert "HN-R050" in result.output


@pytest.mark.parametrize("place", ["../elsewhere", "absent", "a b", "$HOME", "a${{x}}"])
def test_a_description_that_a_pipeline_cannot_name(root: Path, place: str) -> None:
    if place != "absent":
        (root / place).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANOI_SITES", place)
        result = hanoi("ci", "init", "github")
    assert result.exit_code == Exit.USAGE
    assert "HN-R053" in result.output
    assert files(root) == []


@pytest.mark.parametrize("branch", ["a b", "$(reboot)", "${{x}}", "", 'a"b'])
def test_a_branch_that_a_pipeline_cannot_name(root: Path, branch: str) -> None:
    repo = init.Repository(root, "sites", branch, "installed")
    with pytest.raises(HanoiError, match="HN-R053"):
        init.write("github", repo)


def test_the_default_branch_is_what_git_says(root: Path) -> None:
    git(root, "symbolic-ref", "HEAD", "refs/heads/master")
    git(
        root,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    )
    assert init.repository().branch == "master"
    git(root, "update-ref", "refs/remotes/origin/chinh", "HEAD")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/chinh")
    assert init.repository().branch == "chinh"
    hanoi("ci", "init", "github", "--branch", "phat-hanh")
    assert 'branches: ["phat-hanh"]' in (root / GITHUB[0]).read_text()


@pytest.mark.parametrize("link", [".github", ".github/workflows", ".github/workflows/hanoi.yml"])
def test_no_link_leads_out_of_the_repository(root: Path, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside)
    result = hanoi("ci", "init", "github")
    assert (result.exit_code, "HN-R052" in result.output) == (Exit.FAILED, True)
    assert list(outside.iterdir()) == []


def test_a_file_where_a_directory_must_be(root: Path) -> None:
    (root / ".gitlab").write_text("mine\n")
    result = hanoi("ci", "init", "gitlab")
    assert (result.exit_code, "HN-R052" in result.output) == (Exit.FAILED, True)
    assert (root / ".gitlab").read_text() == "mine\n"


def test_a_repository_that_holds_the_toolkit_uses_it(root: Path) -> None:
    (root / "infra").mkdir()
    for name in ("cli.py", "infra/plan.py"):
        (root / name).write_text("")
    hanoi("ci", "init", "github")
    assert init.repository().toolkit == "checkout"
    assert all("scripts/setup" in (root / f).read_text() for f in GITHUB)
