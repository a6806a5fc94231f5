"""What the offline report promises is what happens: no more, no less, there and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import Page, Plan
from tests.lab import observed
from tests.lab.conftest import ROOT, Lab, Ran, hanoi
from tests.lab.observed import Happened
from tests.lab.promises import PROMISES, Promise
from tests.lab.test_deploy import wait_whole

TOOLKIT = ("cli.py", "infra", "images", "playbooks", "roles", "sites", "tests/compliance")
# Of the description, and of how a deploy works: nothing of it happens anywhere.
DESCRIBED = {"ministry", "site", "host", "unit", "application", "wave", "toolkit"}
HAPPENS = {
    "container", "network", "volume", "file", "service", "opening", "package", "login", "image",
    "secret", "database role", "database", "one-off", "page",
}  # fmt: skip
PASSED = pytest.StashKey[bool]()
GIT = ("git", "-c", "user.name=lab", "-c", "user.email=lab@mic.example", "-c", "gc.auto=0")


class Repository:
    """A copy of the toolkit and its sample under git: BASE as it is, HEAD with the change."""

    def __init__(self, place: Path, promise: Promise) -> None:
        self.place = place
        ignored = shutil.ignore_patterns("__pycache__", "_ansible")
        for name in TOOLKIT:
            source, target = ROOT / name, place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target, ignore=ignored) if source.is_dir() else shutil.copy(
                source, target
            )
        (place / ".gitignore").write_text("__pycache__\n")
        self._git("init", "-q", "-b", "main")
        self._commit("BASE")
        for name, old, new in promise.edits:
            file = place / name
            text = file.read_text("utf-8")
            assert text.count(old) >= 1, f"{name} no longer holds {old!r}"
            file.write_text(text.replace(old, new), "utf-8")
        self._commit("HEAD")

    def _git(self, *arguments: str) -> None:
        subprocess.run([*GIT, *arguments], cwd=self.place, check=True)

    def _commit(self, name: str) -> None:
        self._git("add", "-A")
        self._git("commit", "-qm", name)
        self._git("tag", name.lower())

    def checkout(self, name: str) -> Plan:
        """Put a side into the working tree; its plan, by the toolkit that runs this test."""
        self._git("checkout", "-q", name)
        return make_plan(load(self.place / "sites"))

    def hanoi(self, *arguments: str, good: tuple[int, ...] = (0,)) -> Ran:
        """Run the copy's own command line."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, "cli.py", *arguments],
            cwd=self.place,
            env={**environment, "HANOI_SITES": str(self.place / "sites")},
            capture_output=True,
            text=True,
            timeout=1800,
            stdin=subprocess.DEVNULL,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert ran.code in good, f"hanoi {' '.join(arguments)}: {ran}"
        return ran


def promised(report: dict[str, Any]) -> set[Happened]:
    """The report's changes as what happens. A page at another address is one that goes and one
    that comes."""
    found: set[Happened] = set()
    for c in report["changes"]:
        assert c["kind"] in DESCRIBED | HAPPENS, c
        if c["kind"] in DESCRIBED:
            continue
        if c["operation"] == "rename":
            address = next(p for p in c["properties"] if p["name"] == "address")
            for side, operation in (("before", "delete"), ("after", "create")):
                found.add(("", c["kind"], address[side].split("/")[2], operation))
            continue
        found.add((c["host"], c["kind"], c["name"], c["operation"]))
    return found


def shown(happened: set[Happened]) -> list[str]:
    return sorted(" ".join(filter(None, (h, op, kind, name))) for h, kind, name, op in happened)


@pytest.fixture(scope="module")
def settled(deployed: Lab) -> Iterator[Lab]:
    """The lab as the sample has it; afterwards it no longer records."""
    wait_whole(deployed)
    hanoi("deploy", "--quiet", "--no-verify")  # earlier tests have hurt the sites
    yield deployed
    observed.watch(deployed, observed.UNWATCH)


@pytest.fixture
def healed(
    settled: Lab, promise: Promise, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    """The lab; afterwards without what a deploy of BASE leaves behind, and with the secrets that
    it had."""
    kept = shutil.copytree(paths.secrets(), tmp_path / "secrets")
    try:
        yield settled
    finally:
        shutil.copytree(kept, paths.secrets(), dirs_exist_ok=True)
        shutil.rmtree(kept)
        if not request.node.stash.get(PASSED, False) or promise.leaves:
            hanoi("deploy", "--quiet", "--no-verify")
        for host in settled.plan.hosts if promise.heal else ():
            settled.root(host.id, promise.heal)
        for statement in promise.sql:
            settled.sql(settled.leader(), statement)


def judge(lab: Lab, promise: Promise, place: Path) -> None:
    """BASE is deployed; deploy HEAD, then BASE again, each as its report says."""
    repository = Repository(place, promise)
    plans = {name: repository.checkout(name) for name in ("base", "head")}
    pages: dict[str, Page] = {p.url_host: p for s in plans.values() for p in s.common.pages}
    begun = time.time()
    before = observed.look(lab, pages, begun)
    for old, new in (("base", "head"), ("head", "base"))[: 1 + promise.returns]:
        repository.checkout(new)
        report = repository.hanoi("diff", f"{old}..{new}", "--format", "json", good=(0, 1)).json
        observed.watch(lab, observed.WATCH)
        begun = time.time()
        repository.hanoi("deploy", "--quiet", "--no-verify")
        after = observed.look(lab, pages, begun)
        wanted, found = promised(report), observed.between(before, after, plans[old], plans[new])
        assert shown(found) == shown(wanted), f"{promise.name}: {old}..{new}"
        if new == "head":
            assert {(kind, operation) for _, kind, _, operation in found} >= promise.holds
        before = after


@pytest.mark.long
@pytest.mark.parametrize("promise", PROMISES, ids=lambda p: p.name)
def test_what_is_promised_happens_there_and_back(
    healed: Lab, promise: Promise, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    judge(healed, promise, tmp_path / "ministry")
    request.node.stash[PASSED] = True
