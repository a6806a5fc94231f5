"""Proves that each site matches: tests/compliance against every host, as a report.

verify(plan, sites=["nguyen-du"], expression="ssh", junit=None, progress=print).ok
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import paths
from infra.errors import Exit, HanoiError, Problem, error
from infra.state import Gates
from infra.state.waves import GateResult, moment
from infra.verify import gates
from infra.verify.report import Check, Report

if TYPE_CHECKING:
    from infra.resources import Plan

__all__ = ["Check", "Report", "verify"]

Say = Callable[[str], object]
_WRONG_CALL, _NOTHING = 4, 5  # pytest's exit codes


def verify(
    plan: Plan,
    sites: Sequence[str] | None = None,
    expression: str | None = None,
    junit: Path | None = None,
    progress: Say | None = None,
    *,
    gate: str | None = None,
    backend: str = "agent",
    checks: Path | None = None,
) -> Report:
    """Run the compliance checks on the sites' hosts (all of them without names).

    expression: pytest's -k; gate: only checks that carry the roadmap's gate; backend: see
    infra.verify.sessions; checks: another directory of checks.
    What concerns the whole ministry is checked when all sites are chosen.
    What it says about the roadmap's gates is kept in the state (see infra.verify.gates).
    Raises HanoiError HN-V001 to HN-V004; a failed check or an unreachable host is in the report.
    """
    from infra.verify.plugin import EVENTS, JOB, Job

    _known(plan, sites or ())
    say = progress or (lambda line: None)
    directory = checks or paths.compliance()
    notes = paths.state() / "verify" / "commands.json"
    job = Job(plan, tuple(sites or ()), gate, backend, notes)
    started, began = time.monotonic(), moment()
    with tempfile.TemporaryDirectory(prefix="hanoi-verify-") as temporary:
        work = Path(temporary)
        (work / "job").write_bytes(pickle.dumps(job))
        (work / "pytest.ini").write_text("[pytest]\n")
        reader, writer = os.pipe()
        environment = _environment() | {JOB: str(work / "job"), EVENTS: str(writer)}
        argv = _argv(directory, work, expression, junit)
        with (
            (work / "output").open("wb") as output,
            _child(argv, environment, writer, output) as child,
        ):
            os.close(writer)
            found, broken = _follow(reader, say)
            code = child.wait()
        said = (work / "output").read_text(errors="replace")
    _judge(code, broken, said, expression, gate, found)
    report = Report(tuple(found), time.monotonic() - started)
    if expression is None:
        whole = not sites or len(job.hosts) == len(plan.hosts)
        _record(gates.results(report, began, plan.through, gate=gate, whole=whole))
    return report


def _record(results: dict[str, GateResult]) -> None:
    # Also who may only read the state may verify; a deploy from there is not possible anyhow.
    with contextlib.suppress(OSError):
        Gates().record(results)


def _known(plan: Plan, sites: Sequence[str]) -> None:
    known = {s.id for s in plan.sites}
    problems = [
        Problem(
            f"site {s}",
            "HN-V001",
            "there is no such site",
            f"choose from: {', '.join(sorted(known))}",
        )
        for s in sites
        if s not in known
    ]
    if problems:
        raise HanoiError(problems, Exit.USAGE)


def _environment() -> dict[str, str]:
    """Ours, without what would change pytest: its own variables and plugins of other packages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    root = str(Path(__file__).resolve().parents[2])
    path = [root, *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(path)}


def _argv(directory: Path, work: Path, expression: str | None, junit: Path | None) -> list[str]:
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "infra.verify.plugin"]
    argv += ["-c", str(work / "pytest.ini"), f"--rootdir={directory}", "--import-mode=importlib"]
    argv += ["-q", "--no-header", "--tb=short", "--strict-markers", f"--basetemp={work / 'temp'}"]
    if expression:
        argv += ["-k", expression]
    if junit:
        argv += [f"--junitxml={junit.resolve()}", "-o", "junit_suite_name=hanoi"]
    return [*argv, str(directory)]


@contextlib.contextmanager
def _child(
    argv: Sequence[str], environment: dict[str, str], writer: int, output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """pytest, ended with us whatever happens."""
    child = subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[writer],
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _follow(reader: int, say: Say) -> tuple[list[Check], list[str]]:
    """Read what the plugin tells until it ends; say failures at once and how far it is."""
    found: list[Check] = []
    broken: list[str] = []
    total = 0
    with os.fdopen(reader) as events:
        for line in events:
            event = json.loads(line)
            kind = event.pop("event")
            if kind == "collected":
                total = event["count"]
                say(f"verify: {total} checks")
            elif kind == "broken":
                broken.append(event["detail"])
            else:
                check = Check(**event | {"gates": tuple(event["gates"])})
                found.append(check)
                if check.outcome == "failed":
                    say(f"{check.host}: {check.id} failed: {check.title}: {check.detail}")
                # After a failure too: what is waited for is the rest, not the check that failed.
                if check.outcome == "failed" or len(found) % 100 == 0:
                    say(f"verify: {len(found)} of {total} checks done")
    return found, broken


def _judge(
    code: int,
    broken: Sequence[str],
    said: str,
    expression: str | None,
    gate: str | None,
    found: Sequence[Check],
) -> None:
    """Raise when the run itself went wrong; failed checks are not that."""
    last = [line for line in said.splitlines() if line.strip()][-1:] or ["it said nothing"]
    if code == _WRONG_CALL and "expression" in said:
        raise error(
            "HN-V002",
            f"-k {expression}",
            "this is not an expression that selects checks",
            'write names joined by and, or, not; such as: -k "ssh and not nd-1"',
            Exit.USAGE,
        )
    if code == _NOTHING:
        chosen = f"gate {gate}" if gate else f"-k {expression}" if expression else "the plan"
        raise error(
            "HN-V003",
            chosen,
            "no check is selected, so nothing would be proven",
            "choose others; docs/verify.md lists all checks and gates",
            Exit.USAGE,
        )
    if code not in (0, 1) or broken or (code == 1 and not found):
        raise error(
            "HN-V004",
            "verify",
            "the checks could not be run: " + (broken[0] if broken else last[0]),
            "this is a fault in the checks, not in a site; run again, and report it if it stays",
        )
