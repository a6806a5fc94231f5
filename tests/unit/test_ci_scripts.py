"""The shell inside the pipelines, run for real against a repository, with a stand-in for hanoi."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.ci import init

STAND_IN = """#!/bin/bash
printf '%s\\n' "$*" >> "$CALLS"
case "$1" in
    diff)
        while [ $# -gt 0 ]; do [ "$1" = -o ] && file=$2; shift; done
        [ -n "${NO_REPORT:-}" ] || printf 'report\\n' > "$file"
        exit "${STATUS:-0}" ;;
    plan)
        cat "$HANOI_SITES"/ministry.yaml
        [ -e "$HANOI_SITES/../policies" ] && echo 'POLICIES OF THE CHANGE'
        exit "${STATUS:-0}" ;;
    ci) exit "${COMMENT:-0}" ;;
esac
"""


@dataclass
class Place:
    """A working tree on main, its origin, and what a job sees there."""

    root: Path
    work: Path
    environment: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
        done = subprocess.run(
            ["git", *identity, "-C", str(at or self.work), *arguments],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None], message: str = "x") -> str:
        for name, content in files.items():
            file = self.work / name
            if content is None:
                file.unlink()
            elif content.startswith("-> "):
                file.unlink(missing_ok=True)
                file.symlink_to(content[3:])
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], cwd=self.work, capture_output=True,
            text=True, check=False, env={**self.environment, **more},
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path, tmp_path / "work")
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin/hanoi"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    found.environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CALLS": str(tmp_path / "calls"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_ENV": str(tmp_path / "env"),
        "RUNNER_TEMP": str(tmp_path),
        "HANOI_SITES": "sites",
    }
    subprocess.run(["git", "init", "-q", "-b", "main", str(found.work)], check=True)
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "origin")], check=True)
    found.git("remote", "add", "origin", str(tmp_path / "origin"))
    found.commit({"sites/ministry.yaml": "one\ntwo\nthree\nfour\nfive\n", "cong-cu": "main\n"})
    return found


def shell(host: Any, tmp_path: Path, file: str, *where: Any) -> str:
    """A job's script in GitLab's file, or a named step's in one of GitHub's."""
    root = tmp_path / "written"
    init.write(host, init.Repository(root, "sites", "main", "installed"))
    found = yaml.safe_load((root / file).read_text())
    if host == "gitlab":
        return "\n".join(found[where[0]]["script"])
    steps = found["jobs"][where[0]]["steps"]
    return str(next(s["run"] for s in steps if s.get("name") == where[1]))


@pytest.fixture
def github_diff(tmp_path: Path) -> str:
    return shell("github", tmp_path, ".github/workflows/hanoi.yml", "diff", "Diff")


@pytest.fixture
def plan_change(tmp_path: Path) -> str:
    return shell("gitlab", tmp_path, ".gitlab/hanoi.yml", "hanoi:plan-change")


# ---- the diff on GitHub ----


@pytest.mark.parametrize(
    ("status", "report", "ends", "warns"),
    [("0", True, 0, False), ("1", True, 0, True), ("4", True, 4, False), ("1", False, 1, False), ("5", False, 5, False)],
)  # fmt: skip
def test_github_diff_warns_of_danger_and_fails_otherwise(
    place: Place, github_diff: str, status: str, report: bool, ends: int, warns: bool
) -> None:
    base = place.git("rev-parse", "HEAD")
    place.commit({"sites/ministry.yaml": "changed\n", "hanoi-diff.md": "committed by the change\n"})
    done = place.run(github_diff, STATUS=status, **({} if report else {"NO_REPORT": "1"}))
    assert (done.returncode, "::warning" in done.stdout) == (ends, warns)
    summary = place.root / "summary"
    assert (summary.read_text() if summary.exists() else "") == ("report\n" if report else "")
    assert place.calls[1] == f"diff {base}..HEAD --format markdown -o hanoi-diff.md"


# ---- credentials on GitHub ----


def test_github_credentials_are_files_of_the_owner_alone(place: Place, tmp_path: Path) -> None:
    file = ".github/workflows/hanoi-deploy.yml"
    write = shell("github", tmp_path, file, "deploy", "Credentials")
    done = place.run(write, VAULT_PASSWORD="mật khẩu %s", SSH_KEY="")
    vault = tmp_path / "hanoi-vault-password"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (vault.read_text(), vault.stat().st_mode & 0o777) == ("mật khẩu %s\n", 0o600)
    assert (tmp_path / "env").read_text() == f"HANOI_VAULT_PASSWORD_FILE={vault}\n"
    place.run(shell("github", tmp_path, file, "deploy", "Remove the credentials"))
    assert not vault.exists()


# ---- the live plan of a change on GitLab ----


def propose(place: Place, files: dict[str, str | None]) -> None:
    """Merge request 12, from what main is now; then back on main."""
    place.git("checkout", "-q", "-b", "change")
    place.commit(files)
    place.git("push", "-q", "origin", "HEAD:refs/merge-requests/12/head")
    place.git("checkout", "-q", "main")


def test_gitlab_plans_what_merging_would_give_with_mains_code(
    place: Place, plan_change: str
) -> None:
    propose(place, {"sites/ministry.yaml": "ONE\ntwo\nthree\nfour\nfive\n", "cong-cu": "of the change\n", "policies/x.py": "x\n"})  # fmt: skip
    place.commit({"sites/ministry.yaml": "one\ntwo\nthree\nfour\nFIVE\n"})
    done = place.run(plan_change, HANOI_CHANGE="12")
    assert (done.returncode, done.stderr) == (0, "")
    assert (place.work / "hanoi-plan.md").read_text() == "ONE\ntwo\nthree\nfour\nFIVE\n"
    assert (place.work / "cong-cu").read_text() == "main\n"
    assert place.calls == [
        "plan --format markdown",
        "ci comment --host gitlab --target plan --report hanoi-plan.md --change 12",
    ]


@pytest.mark.parametrize(
    ("plan", "comment", "ends"), [("6", "0", 6), ("6", "5", 6), ("0", "5", 1), ("0", "0", 0)]
)
def test_gitlab_comments_and_fails_when_plan_or_comment_do(
    place: Place, plan_change: str, plan: str, comment: str, ends: int
) -> None:
    propose(place, {"sites/ministry.yaml": "x\n"})
    done = place.run(plan_change, HANOI_CHANGE="12", STATUS=plan, COMMENT=comment)
    assert done.returncode == ends
    assert place.calls[-1].startswith("ci comment")


def test_gitlab_a_change_that_does_not_merge(place: Place, plan_change: str) -> None:
    propose(place, {"sites/ministry.yaml": "theirs\n"})
    place.commit({"sites/ministry.yaml": "ours\n"})
    done = place.run(plan_change, HANOI_CHANGE="12")
    assert (done.returncode, "rebase it" in done.stderr, place.calls) == (1, True, [])


def test_gitlab_a_change_with_a_link_is_not_read(place: Place, plan_change: str) -> None:
    propose(place, {"sites/ministry.yaml": "-> /etc/hostname"})
    done = place.run(plan_change, HANOI_CHANGE="12")
    assert (done.returncode, "something else than files" in done.stderr, place.calls) == (
        1,
        True,
        [],
    )


@pytest.mark.parametrize("change", ["", "main", "12/head --upload-pack=x", "$(id)", "1 2", "-1"])
def test_gitlab_a_number_that_is_none(place: Place, plan_change: str, change: str) -> None:
    propose(place, {"sites/ministry.yaml": "x\n"})
    done = place.run(plan_change, HANOI_CHANGE=change)
    assert place.calls == []
    assert done.returncode == 2 if change else done.returncode != 0
    assert (place.work / ".git/FETCH_HEAD").exists() is False


# ---- only files, on GitHub ----


@pytest.mark.parametrize(
    ("files", "ends"),
    [
        ({"sites/a.yaml": "x\n"}, 0),
        ({"sites/a.yaml": "-> /etc/hostname"}, 1),
        ({"sites/units": "-> /etc"}, 1),
    ],
)
def test_github_takes_only_files_of_a_change(
    place: Place, tmp_path: Path, files: dict[str, str | None], ends: int
) -> None:
    script = shell("github", tmp_path, ".github/workflows/hanoi-plan.yml", "plan", "Only files")
    place.commit(files)
    place.git("clone", "-q", str(place.work), str(place.work / "change"))
    assert place.run(script).returncode == ends


def test_github_takes_no_description_that_lies_elsewhere(place: Place, tmp_path: Path) -> None:
    script = shell("github", tmp_path, ".github/workflows/hanoi-plan.yml", "plan", "Only files")
    (place.work / "change").mkdir()
    (place.work / "change/mo-ta").symlink_to(place.work / "sites")
    (place.work / "change/sites").symlink_to(place.work / "sites")
    for sites in ("sites", "mo-ta", "mo-ta/.."):
        assert place.run(script, HANOI_SITES=sites).returncode == 1
