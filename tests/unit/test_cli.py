"""What an operator types and sees: help, output, exit codes. Nothing is contacted."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import cli
import infra.model
import infra.ssh
from infra.errors import Exit

SAMPLE = Path(__file__).resolve().parents[2] / "sites"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """State of our own, the sample as model, and no way to reach a host or start a program."""
    for name in [n for n in os.environ if n.startswith("HANOI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HANOI_SITES", str(SAMPLE))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was contacted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(infra.ssh, "connected", refuse)


def hanoi(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli.main, arguments, input=answer)


def commands(group: click.Group = cli.main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command as it is typed, groups too."""
    found = []
    for name, command in sorted(group.commands.items()):
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_and_option_is_explained(command: tuple[str, ...]) -> None:
    result = hanoi(*command, "--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")
    found: click.Command = cli.main
    for name in command:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    assert found.help and len(found.help.split()) >= 3
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts} has no help"


def test_the_promised_commands_are_there() -> None:
    promised = "lab check bootstrap images up configure status logs destroy deploy verify doctor"
    assert set(promised.split()) | {"completion"} <= set(cli.main.commands)


def test_an_unknown_command_is_a_usage_error() -> None:
    assert hanoi("deplyo").exit_code == Exit.USAGE


def test_check_of_the_sample() -> None:
    result = hanoi("check")
    assert result.exit_code == Exit.OK
    assert "3 sites, 25 units" in result.output


def test_check_of_the_sample_as_json() -> None:
    result = hanoi("check", "--json")
    assert result.exit_code == Exit.OK
    assert json.loads(result.stdout) == {"problems": []}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The sample with one misspelt key in a site's file; expected-line.txt says in which line."""
    model = tmp_path / "sites"
    shutil.copytree(SAMPLE, model)
    file = model / "sites" / "nguyen-du.yaml"
    lines = [n for n, line in enumerate(file.read_text().splitlines(), 1) if "street:" in line]
    assert lines
    file.write_text(file.read_text().replace("street:", "stret:"))
    (model / "expected-line.txt").write_text(str(lines[0]))
    return model


def test_check_of_a_broken_model(broken: Path) -> None:
    result = hanoi("--sites", str(broken), "check")
    line = (broken / "expected-line.txt").read_text()
    assert result.exit_code == Exit.FINDINGS
    assert f"nguyen-du.yaml:{line} stret: HN-M020: " in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_check_of_a_broken_model_as_json(broken: Path) -> None:
    result = hanoi("--sites", str(broken), "check", "--json")
    assert result.exit_code == Exit.FINDINGS
    problems = json.loads(result.stdout)["problems"]
    assert "HN-M020" in {p["code"] for p in problems}
    assert all(set(p) == {"where", "code", "what", "remedy"} for p in problems)


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy",),
        ("bootstrap",),
        ("up",),
        ("configure",),
        ("images",),
        ("verify",),
        ("status",),
        ("destroy", "--yes"),
        ("logs", "nd-1", "etcd"),
        ("lab", "up"),
    ],
    ids=" ".join,
)
def test_no_command_gets_past_a_broken_model(broken: Path, arguments: tuple[str, ...]) -> None:
    result = hanoi("--sites", str(broken), *arguments)
    assert result.exit_code == Exit.FINDINGS
    assert "HN-M020" in result.stderr
    assert "HN-X001" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [("lab", "up", "--also", "nowhere-1"), ("lab", "ssh", "nowhere-1")], ids=" ".join
)
def test_a_host_that_nobody_describes_is_named_with_those_that_are(
    arguments: tuple[str, ...],
) -> None:
    result = hanoi(*arguments)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(
        "host nowhere-1: HN-P004: there is no such host\n    choose from: ddn-1, nd-1, tdh-1, "
    )
    assert "vnnic-1" in result.stderr


def test_an_unforeseen_failure_is_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_: Path) -> None:
        password = "hunter2"
        raise RuntimeError(f"nobody thought of this ({len(password)})")

    monkeypatch.setattr(infra.model, "load", fail)
    result = hanoi("check")
    assert result.exit_code == Exit.FAILED
    assert "HN-X001" in result.stderr and "RuntimeError" in result.stderr
    assert "Traceback" not in result.output and "nobody thought" not in result.output
    [crash] = (tmp_path / "state" / "crashes").iterdir()
    assert str(crash) in result.stderr
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    kept = crash.read_text()
    assert "Traceback" in kept and "nobody thought of this" in kept


def test_an_unforeseen_failure_is_told_when_the_state_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "file"))
    monkeypatch.setattr(infra.model, "load", lambda _: 1 / 0)
    result = hanoi("check")
    assert result.exit_code == Exit.FAILED
    assert "HN-X001" in result.stderr and "could not be kept" in result.stderr
    assert "Traceback" not in result.output


def test_an_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(infra.model, "load", interrupted)
    result = hanoi("check")
    assert result.exit_code == Exit.INTERRUPTED
    assert "again to continue" in result.stderr


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete"), ("zsh", "compdef"), ("fish", "complete")]
)
def test_completion_prints_a_script(shell: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import BashComplete

    # It asks the installed bash for its version, by starting it.
    monkeypatch.setattr(BashComplete, "_check_version", staticmethod(lambda: None))
    result = hanoi("completion", shell)
    assert result.exit_code == Exit.OK
    assert "_HANOI_COMPLETE" in result.stdout and sign in result.stdout


def test_completion_of_another_shell_is_a_usage_error() -> None:
    assert hanoi("completion", "csh").exit_code == Exit.USAGE


@pytest.mark.parametrize("command", ["deploy", "up", "configure", "verify"])
def test_an_unknown_wave(command: str) -> None:
    result = hanoi(command, "--through", "nowhere")
    assert result.exit_code == Exit.USAGE
    assert "HN-P001" in result.stderr and "personnel-pilot" in result.stderr


def test_verify_of_an_unknown_site() -> None:
    result = hanoi("verify", "--site", "nowhere")
    assert result.exit_code == Exit.USAGE
    assert "nowhere" in result.stderr and "nguyen-du" in result.stderr


@pytest.mark.parametrize("command", [("configure",), ("status",), ("destroy", "--yes")])
def test_an_unknown_site(command: tuple[str, ...]) -> None:
    result = hanoi(*command, "--site", "nowhere")
    assert result.exit_code == Exit.USAGE
    assert "HN-P002" in result.stderr and "nguyen-du" in result.stderr


@pytest.mark.parametrize("arguments", [("nd-1", "nothing"), ("nowhere", "etcd")])
def test_logs_of_an_unknown_container(arguments: tuple[str, str]) -> None:
    result = hanoi("logs", *arguments)
    assert result.exit_code == Exit.USAGE
    assert "HN-P003" in result.stderr and "nd-1 etcd" in result.stderr


def test_problems_as_json_for_every_command() -> None:
    result = hanoi("verify", "--site", "nowhere", "--json")
    assert [p["where"] for p in json.loads(result.stdout)["problems"]] == ["site nowhere"]


@pytest.fixture
def no_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy or an engine that is opened fails the test by its exit code."""
    from infra import deploy, engine

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it went on")

    monkeypatch.setattr(deploy, "opened", refuse)
    monkeypatch.setattr(engine, "ensure", refuse)


@pytest.mark.usefixtures("no_deploy")
def test_destroy_names_what_it_removes_and_takes_no_for_an_answer(tmp_path: Path) -> None:
    result = hanoi("destroy", answer="n\n")
    assert result.exit_code == Exit.REFUSED
    for name in ("nd-1: container etcd", "tdh-1: container postgres", "ddn-1: network hanoi"):
        assert name in result.stderr
    assert "volume" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "state").exists()


@pytest.mark.usefixtures("no_deploy")
def test_destroy_names_volumes_only_when_they_go() -> None:
    result = hanoi("destroy", "--volumes", "--site", "nguyen-du", answer="n\n")
    assert result.exit_code == Exit.REFUSED
    assert "nd-1: volume " in result.stderr and "with its data" in result.stderr
    assert "tdh-1" not in result.stderr


@pytest.mark.usefixtures("no_deploy")
@pytest.mark.parametrize("command", [("destroy",), ("lab", "down")])
def test_no_answer_is_not_yes(command: tuple[str, ...]) -> None:
    result = hanoi(*command)
    assert result.exit_code != Exit.OK
    assert "it went on" not in str(result.exception)
    assert "HN-X001" not in result.output


@pytest.mark.usefixtures("no_deploy")
def test_yes_goes_on_without_a_question() -> None:
    """The other way round, so that the tests above could fail."""
    result = hanoi("destroy", "--yes")
    assert result.exit_code == Exit.FAILED
    assert "AssertionError" in result.stderr and "Go on?" not in result.output
