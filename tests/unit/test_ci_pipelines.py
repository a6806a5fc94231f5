"""The written pipelines pass the hosts' schemas and linters, and hold to the rules of a careful
operator. Each linter is also shown something broken, so that its silence means something."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli import main
from infra.ci import init

BIN = Path(sys.executable).parent
KINDS = [
    (host, toolkit, sites)
    for host in ("gitlab", "github")
    for toolkit, sites in (("installed", "."), ("installed", "a/mo-ta"), ("checkout", "sites"))
]


@pytest.fixture(params=KINDS, ids="-".join)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    host, toolkit, sites = request.param
    init.write(host, init.Repository(tmp_path, sites, "main", toolkit))
    return host, tmp_path


def pipelines(root: Path) -> list[Path]:
    return sorted(
        [*root.glob(".github/workflows/*"), *root.glob(".gitlab*/*"), *root.glob(".gitlab-ci.yml")]
    )


def lint(*command: str) -> tuple[int, str]:
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def schema(host: str, files: list[Path]) -> tuple[int, str]:
    name = {"gitlab": "vendor.gitlab-ci", "github": "vendor.github-workflows"}[host]
    more = ["--data-transform", "gitlab-ci"] if host == "gitlab" else []
    return lint("check-jsonschema", "--builtin-schema", name, *more, *map(str, files))


def security(files: list[Path]) -> tuple[int, str]:
    return lint("zizmor", "--offline", "--quiet", "--no-config", *map(str, files))


def scripts(document: Any) -> Iterator[str]:
    """Every piece of shell of a pipeline."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key in ("script", "before_script", "after_script"):
                yield "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(document, list):
        for item in document:
            yield from scripts(item)


def load(file: Path) -> Any:
    """YAML as both hosts read it: `on` is a word."""
    text = file.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"^on:", '"on":', text, flags=re.MULTILINE))


def test_the_hosts_schemas(written: tuple[str, Path]) -> None:
    host, root = written
    code, said = schema(host, pipelines(root))
    assert code == 0, said


def test_yamllint(written: tuple[str, Path]) -> None:
    rules = "{extends: default, rules: {line-length: {max: 140}, document-start: disable, truthy: {check-keys: false}}}"
    code, said = lint("yamllint", "--strict", "-d", rules, *map(str, pipelines(written[1])))
    assert code == 0, said


def test_zizmor_finds_nothing(written: tuple[str, Path]) -> None:
    host, root = written
    if host == "github":
        code, said = security(pipelines(root))
        assert code == 0, said


def test_shellcheck(written: tuple[str, Path], tmp_path: Path) -> None:
    pieces = []
    for file in pipelines(written[1]):
        for n, script in enumerate(scripts(load(file))):
            pieces.append(tmp_path / f"{file.stem}-{n}.sh")
            pieces[-1].write_text(f"#!/bin/bash\nset -eo pipefail\n{script}\n")
    assert len(pieces) > 10
    code, said = lint("shellcheck", "--severity", "info", *map(str, pieces))
    assert code == 0, said


# ---- the linters do fail ----

BROKEN_SCHEMA = [
    ("gitlab", ".gitlab/hanoi.yml", "interruptible: true", "interruptible: perhaps"),
    ("gitlab", ".gitlab/hanoi.yml", "expire_in:", "expires_in:"),
    ("github", ".github/workflows/hanoi.yml", "timeout-minutes: 15", "timeout: 15"),
    ("github", ".github/workflows/hanoi-deploy.yml", "contents: read", "contents: all"),
]
BROKEN_SECURITY = [
    ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    (
        "run: hanoi check",
        "run: hanoi check ${{ github.event.pull_request.title }}",
        "template-injection",
    ),
    ("permissions:\n      contents: read\n", "permissions: write-all\n", "excessive-permissions"),
    ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@main", "unpinned-uses"),
    ("          persist-credentials: false\n", "", "artipacked"),
]


@pytest.mark.parametrize(("host", "name", "good", "bad"), BROKEN_SCHEMA)
def test_a_broken_pipeline_fails_the_schema(
    tmp_path: Path, host: Any, name: str, good: str, bad: str
) -> None:
    init.write(host, init.Repository(tmp_path, "sites", "main", "installed"))
    file = tmp_path / name
    assert good in file.read_text()
    file.write_text(file.read_text().replace(good, bad))
    assert schema(host, [file])[0] == 1


@pytest.mark.parametrize(
    ("good", "bad", "rule"), BROKEN_SECURITY, ids=[b[2] for b in BROKEN_SECURITY]
)
def test_a_careless_workflow_fails_the_security_linter(
    tmp_path: Path, good: str, bad: str, rule: str
) -> None:
    init.write("github", init.Repository(tmp_path, "sites", "main", "installed"))
    file = tmp_path / ".github/workflows/hanoi.yml"
    assert good in file.read_text()
    file.write_text(file.read_text().replace(good, bad))
    code, said = security([file])
    assert code != 0 and rule in said, said


def test_careless_shell_fails_shellcheck(tmp_path: Path) -> None:
    piece = tmp_path / "piece.sh"
    piece.write_text('#!/bin/bash\nhanoi diff "$base..HEAD" -o $file\n')
    assert lint("shellcheck", "--severity", "info", str(piece))[0] == 1


# ---- the commands exist ----


def calls(script: str) -> list[list[str]]:
    """The arguments of every `hanoi` of a script."""
    found = []
    for line in script.replace("\\\n", " ").split("\n"):
        line = line.split(" # ")[0].strip()
        match = re.search(r'^(?:HANOI_SITES="[^"]*" )?hanoi (.*)$', line)
        if match:
            words = shlex.split(re.split(r" (?:\|\||>|\|)(?: |$)", match[1])[0])
            found.append(["12" if w in ("$CHANGE", "$HANOI_CHANGE") else w for w in words])
    return found


def parse(words: list[str]) -> str | None:
    """None when the command line takes the call, or it is of a command that is not there yet."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if isinstance(command, click.Group):
        return None if words[0] == "--version" else f"no such command: {words[0]}"
    try:
        command.make_context(command.name, list(words))
    except click.UsageError as failure:
        return failure.format_message()
    return None


def test_every_call_of_hanoi_is_one_that_hanoi_takes(written: tuple[str, Path]) -> None:
    named = set()
    for file in pipelines(written[1]):
        for script in scripts(load(file)):
            script = re.sub(r"^ *#.*$", "", script, flags=re.MULTILINE)
            assert len(re.findall(r"(?:^|[^\w=/.-])hanoi [a-z-]", script)) == len(calls(script))
            for words in calls(script):
                assert parse(words) is None, (file.name, words)
                named.add(" ".join(words[:2] if words[0] == "ci" else words[:1]))
    wanted = {"check", "diff", "ci comment", "plan", "deploy", "drift", "verify"}
    assert named - {"--version"} == wanted


@pytest.mark.parametrize(
    "words", [["verify", "--xml", "f"], ["chek"], ["ci", "comment"], ["check", "extra"]]
)
def test_a_call_that_hanoi_does_not_take_is_found(words: list[str]) -> None:
    assert parse(words) is not None


# ---- rules of a careful operator ----


@pytest.fixture(params=["installed", "checkout"])
def github(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    init.write("github", init.Repository(tmp_path, "sites", "main", request.param))
    return {f.stem: load(f) for f in pipelines(tmp_path)}


@pytest.fixture(params=["installed", "checkout"])
def gitlab(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Jobs with what they extend."""
    init.write("gitlab", init.Repository(tmp_path, "sites", "main", request.param))
    found = load(tmp_path / ".gitlab/hanoi.yml")

    def whole(name: str) -> dict[str, Any]:
        job = found[name]
        return {**(whole(job["extends"]) if "extends" in job else {}), **job}

    return {name: whole(name) for name in found if not name.startswith(".")}


def test_github_jobs_have_least_privilege_and_an_end(github: dict[str, Any]) -> None:
    for workflow in github.values():
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            rights = job["permissions"]
            writes = {k for k, v in rights.items() if v == "write"}
            assert writes == ({"pull-requests"} if name == "comment" else set())
            assert set(rights) <= {"contents", "pull-requests"}
            assert 5 <= job["timeout-minutes"] <= 120


def test_github_secrets_are_of_environments_and_never_of_changes(github: dict[str, Any]) -> None:
    environments = {}
    for stem, workflow in github.items():
        for name, job in workflow["jobs"].items():
            if "secrets." in str(job):
                environments[stem, name] = job["environment"]
                assert job["runs-on"] == ["self-hosted", "hanoi-sites"]
            else:
                assert job["runs-on"] == ["self-hosted", "hanoi-review"]
    assert environments == {
        ("hanoi-deploy", "plan"): "hanoi-read",
        ("hanoi-deploy", "deploy"): "hanoi",
        ("hanoi-nightly", "drift"): "hanoi-read",
        ("hanoi-nightly", "verify"): "hanoi-read",
        ("hanoi-plan", "plan"): "hanoi-plan",
    }


def test_github_triggers(github: dict[str, Any]) -> None:
    assert {stem: list(w["on"]) for stem, w in github.items()} == {
        "hanoi": ["pull_request"],
        "hanoi-deploy": ["push"],
        "hanoi-nightly": ["schedule"],
        "hanoi-plan": ["workflow_dispatch"],
    }


def test_github_shell_holds_no_expression(github: dict[str, Any]) -> None:
    found = [s for w in github.values() for s in scripts(w)]
    assert len(found) > 10
    assert [s for s in found if "${{" in s] == []


def test_github_uses_three_actions_at_commits(github: dict[str, Any]) -> None:
    uses = {
        s["uses"]
        for w in github.values()
        for j in w["jobs"].values()
        for s in j["steps"]
        if "uses" in s
    }
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", u) for u in uses)
    assert {u.split("@")[0] for u in uses} == {
        "actions/checkout", "actions/upload-artifact", "actions/download-artifact",
    }  # fmt: skip


def test_github_comments_do_not_run_a_changes_code(github: dict[str, Any]) -> None:
    job = github["hanoi"]["jobs"]["comment"]
    assert "head.repo.full_name == github.repository" in job["if"]
    checkouts = [s["with"]["ref"] for s in job["steps"] if "checkout" in s.get("uses", "")]
    assert set(checkouts) <= {"${{ github.event.repository.default_branch }}"}


def test_github_deploys_never_overlap(github: dict[str, Any]) -> None:
    deploy = github["hanoi-deploy"]["jobs"]["deploy"]
    assert deploy["concurrency"] == {"group": "hanoi-deploy", "cancel-in-progress": False}
    assert deploy["needs"] == "plan"


def test_gitlab_jobs_by_what_starts_them(gitlab: dict[str, Any]) -> None:
    review = {n for n, j in gitlab.items() if "merge_request_event" in str(j["rules"])}
    assert review == {"hanoi:check", "hanoi:diff", "hanoi:comment", "hanoi:live-plan"}
    for name, job in gitlab.items():
        if name in review:
            assert job.get("tags", ["hanoi-review"]) == ["hanoi-review"]
        else:
            assert job["tags"] == ["hanoi-sites"]
            assert all(
                "$CI_DEFAULT_BRANCH" in r["if"] or r.get("when") == "never" for r in job["rules"]
            )
        assert "timeout" in job or "trigger" in job


def test_gitlab_forks_get_neither_comment_nor_live_plan(gitlab: dict[str, Any]) -> None:
    same = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"
    for name in ("hanoi:comment", "hanoi:live-plan"):
        assert all(same in rule["if"] for rule in gitlab[name]["rules"])
    assert gitlab["hanoi:live-plan"]["trigger"]["branch"] == "$CI_DEFAULT_BRANCH"


def test_gitlab_deploys_by_hand_one_at_a_time_what_was_planned(gitlab: dict[str, Any]) -> None:
    job = gitlab["hanoi:deploy"]
    assert job["resource_group"] == "hanoi"
    assert job["environment"]["name"] == "hanoi"
    assert job["needs"] == [{"job": "hanoi:plan", "artifacts": True}]
    assert [r.get("when") for r in job["rules"]] == ["never", "manual"]
    assert {n for n, j in gitlab.items() if j.get("environment", {}).get("name") == "hanoi"} == {
        "hanoi:deploy"
    }


def test_gitlab_artifacts_end_and_are_kept_of_failed_jobs(gitlab: dict[str, Any]) -> None:
    kept = {n: j["artifacts"] for n, j in gitlab.items() if "artifacts" in j}
    assert all(a["expire_in"] and a["when"] == "always" for a in kept.values())
    assert kept["hanoi:verify"]["reports"] == {"junit": "hanoi-verify.xml"}
    assert "hanoi-drift.html" in kept["hanoi:drift"]["paths"]
    assert "plan.bin" in kept["hanoi:plan"]["paths"]
