"""Ansible, run for the toolkit: the only importer of ansible_runner.

Nothing of a run stays behind: its inventory, which holds the secrets of the files it carries,
and its events live in a private directory in memory (/dev/shm) that is removed at the end, also
after Ctrl-C; what a killed run left is removed by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra import paths
from infra.errors import Exit, HanoiError, Problem, error

Say = Callable[[str], None]

PREFIX = "hanoi-ansible-"
MOST_TEXT = 900  # characters of a task's message that an operator is shown


@dataclass(frozen=True)
class Failure:
    """A host that did not get through. unreachable: the connection, not the task, failed."""

    host: str
    task: str
    message: str
    unreachable: bool = False


@dataclass
class RunResult:
    """changed: host → how many things were changed (files, packages, units, …)."""

    changed: dict[str, int] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """What a task means on one host: the line said when it starts, and how many things it
    changes when it says "changed" (a task that handles a whole list changes them all)."""

    line: str
    things: int = 1


Steps = Mapping[str, Mapping[str, Step]]  # host → task → step


def run(playbook: str, inventory: Mapping[str, Any], steps: Steps, say: Say) -> RunResult:
    """Run a playbook of ours; returns what changed and what failed.

    inventory: as infra.inventory makes it. Raises HanoiError HN-A001 when Ansible is not
    installed, HN-A002 when it ended before it reached any host.
    """
    seen = _Events(steps, say, RunResult(dict.fromkeys(inventory["all"]["hosts"], 0)))
    with _private_directory() as directory:
        (directory / "ansible.cfg").write_text("[defaults]\n")
        (directory / "inventory.json").write_text(json.dumps(inventory))
        status, output = _supervised(directory, playbook, seen, len(inventory["all"]["hosts"]))
    if status != "successful" and not seen.result.failed:
        raise error(
            "HN-A002",
            f"playbook {playbook}",
            f"Ansible ended before it reached a host: {_last_words(output)}",
            "this is a fault of the installation or of the toolkit: run `hanoi doctor`, and"
            " report it if that finds nothing",
        )
    return seen.result


def raise_for(failed: Sequence[Failure]) -> None:
    """Failures as one HanoiError, each host named: HN-A003, or HN-A004 for a lost connection."""
    if not failed:
        return
    problems = [_problem(f) for f in sorted(failed, key=lambda f: f.host)]
    lost = all(f.unreachable for f in failed)
    raise HanoiError(problems, Exit.UNREACHABLE if lost else Exit.FAILED)


def _problem(failure: Failure) -> Problem:
    where = f"host {failure.host}"
    if failure.unreachable:
        return Problem(
            where,
            "HN-A004",
            f"the connection was lost during {failure.task}: {failure.message}",
            "check the host and the network, then run the same command again; it continues",
        )
    if failure.task.startswith("files"):
        return Problem(
            where,
            "HN-A005",
            f"a file was refused and none was replaced on this host: {failure.message}",
            "correct the setting in the model that this file is made from, then run again",
        )
    return Problem(
        where,
        "HN-A003",
        f"{failure.task}: {failure.message}",
        "put right what is named here, then run the same command again; it continues there",
    )


class _Events:
    """Ansible's events, as progress and as a result."""

    def __init__(self, steps: Steps, say: Say, result: RunResult) -> None:
        self._steps = steps
        self._say = say
        self.result = result

    def __call__(self, event: Mapping[str, Any]) -> bool:
        data = event.get("event_data") or {}
        host, task = data.get("host"), str(data.get("task", ""))
        handle = getattr(self, "_" + event["event"], None)
        if handle and host in self.result.changed:
            handle(host, task, data.get("res") or {}, data)
        return False  # keep no event on disk

    def _step(self, host: str, task: str) -> Step | None:
        return self._steps.get(host, {}).get(task)

    def _runner_on_start(self, host: str, task: str, res: Mapping[str, Any], _: object) -> None:
        if step := self._step(host, task):
            self._say(f"{host}: {step.line}")

    def _runner_on_ok(self, host: str, task: str, res: Mapping[str, Any], _: object) -> None:
        if not res.get("changed"):
            return
        # A task that carries secrets is hidden whole; the one after it tells its outcome.
        step = self._step(host, task.removesuffix(" (outcome)"))
        if "results" in res:
            things = sum(bool(r.get("changed")) for r in res["results"])
        elif "done" in res:
            things = len(res["done"])
        else:
            things = step.things if step else 1
        self.result.changed[host] += things

    def _runner_on_failed(
        self, host: str, task: str, res: Mapping[str, Any], data: Mapping[str, Any]
    ) -> None:
        if not data.get("ignore_errors"):
            self.result.failed.append(Failure(host, task, _message(res)))

    def _runner_on_unreachable(
        self, host: str, task: str, res: Mapping[str, Any], _: object
    ) -> None:
        self.result.failed.append(Failure(host, task, _message(res), unreachable=True))

    def _runner_retry(self, host: str, task: str, res: Mapping[str, Any], _: object) -> None:
        self._say(f"{host}: {task}: did not work, trying again: {_message(res)[:200]}")


def _message(res: Mapping[str, Any]) -> str:
    """What a task said, without a traceback."""
    failed = [r for r in res.get("results", ()) if isinstance(r, Mapping) and r.get("failed")]
    if failed:
        return "; ".join(f"{r.get('_ansible_item_label', '')}: {_message(r)}" for r in failed)[
            :MOST_TEXT
        ]
    text = str(res.get("msg") or res.get("module_stderr") or "no message was given")
    for name in ("stderr", "module_stderr"):
        if res.get(name) and str(res[name]).strip() not in text:
            text += f" ({_last_words(str(res[name]))})"
    return _last_words(text) if "Traceback" in text else " ".join(text.split())[:MOST_TEXT]


def _last_words(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-2:])[:MOST_TEXT] or "it said nothing"


def _supervised(directory: Path, playbook: str, seen: _Events, hosts: int) -> tuple[str, str]:
    """Run Ansible in a thread; on any exception here (Ctrl-C) its processes are ended first."""
    stop = threading.Event()
    outcome: list[tuple[str, str] | BaseException] = []

    def work() -> None:
        try:
            outcome.append(_ansible(directory, playbook, seen, hosts, stop.is_set))
        except BaseException as failure:  # handed over to the caller's thread
            outcome.append(failure)

    thread = threading.Thread(target=work, name="ansible", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)
    except BaseException:
        stop.set()
        _end_processes(directory)
        thread.join(10)
        raise
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _ansible(
    directory: Path, playbook: str, seen: _Events, hosts: int, stopped: Callable[[], bool]
) -> tuple[str, str]:
    try:
        from ansible_runner import interface
    except ImportError:
        raise _no_ansible() from None
    if not _program("ansible-playbook"):
        raise _no_ansible()
    runner = interface.init_runner(
        private_data_dir=str(directory),
        playbook=str(paths.playbooks() / playbook),
        inventory=str(directory / "inventory.json"),
        envvars=_environment(directory, hosts),
        settings={"pexpect_timeout": 1},
        ident="run",
        rotate_artifacts=1,
        suppress_env_files=True,
        quiet=True,
        event_handler=seen,
        cancel_callback=stopped,
    )
    status, _ = runner.run()
    output = directory / "artifacts" / "run" / "stdout"
    return status, output.read_text(errors="replace") if output.is_file() else ""


def _no_ansible() -> HanoiError:
    return error(
        "HN-A001",
        "this machine",
        "Ansible (ansible-playbook, ansible-runner) is not installed beside the toolkit",
        "install the toolkit with its dependencies; `hanoi doctor` shows what is missing",
        Exit.ENVIRONMENT,
    )


def _program(name: str) -> str | None:
    return shutil.which(name, path=_search_path())


def _search_path() -> str:
    """Programs beside our interpreter first: the Ansible that was installed with us."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _environment(directory: Path, hosts: int) -> dict[str, str]:
    """Ansible's settings. A configuration of the operator's own has no say."""
    return {
        "PATH": _search_path(),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_REMOTE_TEMP": "/tmp",
        "ANSIBLE_ROLES_PATH": str(paths.roles()),
        "ANSIBLE_COLLECTIONS_PATH": str(directory),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_VARS_ENABLED": "",
        "ANSIBLE_FORKS": str(max(5, min(hosts, 32))),
        "ANSIBLE_STRATEGY": "linear",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_SSH_RETRIES": "2",
        "ANSIBLE_TIMEOUT": "10",
        "ANSIBLE_INJECT_FACT_VARS": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_SYSTEM_WARNINGS": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "1",
    }


@contextmanager
def _private_directory() -> Iterator[Path]:
    """A directory only we can read, in memory where the machine has that; removed at the end."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    _remove_left_over(base)
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _end_processes(directory: Path) -> None:
    """Kill what runs for this directory. Ansible's workers are sessions of their own, so they
    are known by their environment, also when their parent is gone."""
    mark = f"ANSIBLE_HOME={directory}".encode()
    for _ in range(5):  # a worker may be starting another one just now
        found = [p for p in _processes() if mark in _environment_of(p).split(b"\0")]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.05)


def _processes() -> list[int]:
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]


def _environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # not ours, or gone
        return b""


def _remove_left_over(base: Path) -> None:
    """Directories of runs that were killed (ours, and whose process is gone), and what still
    runs for them."""
    for directory in base.glob(f"{PREFIX}*"):
        pid = directory.name[len(PREFIX) :].split("-")[0]
        if directory.lstat().st_uid == os.getuid() and not Path("/proc", pid).exists():
            _end_processes(directory)
            shutil.rmtree(directory, ignore_errors=True)
