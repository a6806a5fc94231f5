"""The description a look is compared with: model, plan, and what says where it came from."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra import paths
from infra.model import load
from infra.model.schema import Model
from infra.plan import plan as make_plan
from infra.resources import Plan
from infra.state import HomeRecord


@dataclass(frozen=True)
class Source:
    """Where a model came from. commit: of the repository it is in, None outside of one; dirty:
    its files differ from that commit's; digest: of its files' names and contents."""

    commit: str | None
    dirty: bool
    digest: str

    def __str__(self) -> str:
        if self.commit is None:
            return f"files {self.digest[:7]}"
        return f"{self.commit[:7]}{' with changes' if self.dirty else ''}"


@dataclass(frozen=True)
class Described:
    model: Model
    plan: Plan
    source: Source

    @property
    def label(self) -> str:
        return f"{paths.sites().resolve().name} ({self.source})"


def describe(through: str | None = None) -> Described:
    """The model of paths.sites(), planned. Raises HN-M… and HN-P001."""
    directory = paths.sites()
    model = load(directory)
    return Described(model, make_plan(model, through, HomeRecord().all()), source(directory))


def source(directory: Path) -> Source:
    """Commit, state and digest of a model's directory. Without git the digest alone tells."""
    commit = _git(directory, "rev-parse", "HEAD")
    changes = _git(directory, "status", "--porcelain", "--", ".") if commit else None
    return Source(commit, bool(changes), _digest(directory))


def _git(directory: Path, *arguments: str) -> str | None:
    # Reading must not refresh the index: that would be a write, and take git's lock.
    argv = ["git", "--no-optional-locks", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _digest(directory: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(directory.rglob("*.yaml")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(directory).as_posix()} {content}\n".encode())
    return total.hexdigest()
