"""A git repository as it is read here: objects only. Nothing is checked out, written or fetched.

Every call is without the caller's GIT_* variables (a hook sets some), without hooks, pagers,
monitors, replacement objects and the network; the operator's configuration counts otherwise,
because it says whose directories may be trusted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.errors import Exit, HanoiError, error

SECONDS = 60  # no single look takes longer, however long the history
_QUIET = (
    "--no-pager", "--no-optional-locks", "--no-replace-objects", "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false", "-c", "protocol.allow=never", "-c", "core.quotePath=false",
)  # fmt: skip
LINK, MODULE, EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True)
class Entry:
    """A file of a tree: git's mode and the id of its content."""

    mode: str
    id: str


class Missing(Exception):
    """git answered that something is not there. args: its words."""


@dataclass(frozen=True)
class Repository:
    """root: the working tree's top; shallow: older history is not here."""

    root: Path
    shallow: bool

    @classmethod
    def around(cls, directory: Path) -> Repository:
        """The repository that holds the directory. Raises HanoiError HN-R003."""
        place = directory
        while not place.is_dir() and place != place.parent:
            place = place.parent
        try:
            told = _git(place, "rev-parse", "--show-toplevel", "--is-shallow-repository")
        except Missing as failure:
            raise _no_repository(directory, str(failure)) from None
        top, shallow = told.decode().splitlines()[:2]
        return cls(Path(top), shallow == "true")

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        """git's standard output. Raises Missing when it ends with a failure."""
        return _git(self.root, *arguments, given=given)

    def commit(self, revision: str) -> str:
        """The id of the commit that a revision names. Raises HN-R001, HN-R002."""
        wanted = f"{revision}^{{commit}}"
        try:
            told = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        except Missing:
            raise self._unknown(revision) from None
        return told.decode().strip()

    def _unknown(self, revision: str) -> HanoiError:
        if self.shallow:
            return error(
                "HN-R002",
                f"revision {revision}",
                "this clone is shallow and does not have it",
                "run `git fetch --unshallow`; in CI set the clone's depth to 0 (GitHub:"
                " fetch-depth: 0, GitLab: GIT_DEPTH: 0)",
                Exit.USAGE,
            )
        return error(
            "HN-R001",
            f"revision {revision}",
            "the repository has no such commit",
            "name a branch, tag or commit that `git rev-parse` knows; fetch it first if it is"
            " another clone's (`git fetch origin`)",
            Exit.USAGE,
        )

    def main_branch(self) -> str:
        """What changes are compared with by default. Raises HN-R004."""
        for name in ("origin/HEAD", "main", "master", "origin/main", "origin/master"):
            try:
                self.run(
                    "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
                )
            except Missing:
                continue
            return name
        if self.shallow:
            raise self._unknown("main")
        raise error(
            "HN-R004",
            str(self.root),
            "there is no branch main or master, here or at origin",
            "say what to compare with: `hanoi diff BASE..HEAD`",
            Exit.USAGE,
        )

    def merge_base(self, one: str, other: str) -> str:
        """Where two commits part. Raises HN-R002, HN-R005."""
        try:
            return self.run("merge-base", one, other).decode().split()[0]
        except Missing:
            pass
        if self.shallow:
            raise self._unknown(f"where {one[:7]} and {other[:7]} part")
        raise error(
            "HN-R005",
            f"{one[:7]} and {other[:7]}",
            "the two commits have no history in common",
            "compare them directly: `hanoi diff BASE..HEAD`",
            Exit.USAGE,
        )

    def tree(self, commit: str, *paths: str) -> dict[str, Entry]:
        """Every file of a commit below the paths (all without), by its path from the root."""
        told = self.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths).decode(
            errors="surrogateescape"
        )
        found = {}
        for line in filter(None, told.split("\0")):
            description, _, path = line.partition("\t")
            mode, _, object_id = description.split(" ")
            found[path] = Entry(mode, object_id)
        return found

    def blobs(self, ids: Collection[str]) -> dict[str, bytes]:
        """Contents by id, read in one go; git is not started for none. Raises HN-R006."""
        if not (wanted := list(dict.fromkeys(ids))):
            return {}
        try:
            told = self.run("cat-file", "--batch", given="".join(f"{i}\n" for i in wanted).encode())
            return dict(_batch(told, wanted))
        except (Missing, ValueError, IndexError) as failure:
            raise error(
                "HN-R006",
                str(self.root),
                f"objects of the repository cannot be read: {failure}",
                "run `git fsck`; in a partial clone fetch them first (`git fetch --refetch`)",
                Exit.ENVIRONMENT,
            ) from None

    @cached_property
    def long_ids(self) -> bool:
        """Whether the repository names objects by SHA-256."""
        return self.run("rev-parse", "--show-object-format").strip() == b"sha256"


def _batch(told: bytes, wanted: Sequence[str]) -> list[tuple[str, bytes]]:
    found, at = [], 0
    for object_id in wanted:
        end = told.index(b"\n", at)
        head = told[at:end].split()
        if len(head) != 3 or head[1] != b"blob":
            raise ValueError(f"{object_id[:12]} is {head[-1].decode()}")
        size = int(head[2])
        found.append((object_id, told[end + 1 : end + 1 + size]))
        at = end + 1 + size + 1
    return found


def _git(place: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", str(place), *arguments],
            input=given,
            capture_output=True,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
    except FileNotFoundError:
        raise error(
            "HN-R003",
            str(place),
            "git is not installed",
            "install it (Debian: apt-get install git)",
            Exit.ENVIRONMENT,
        ) from None
    except subprocess.TimeoutExpired:
        raise Missing(f"no answer within {SECONDS} s") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Missing(lines[0][:300] if lines else f"it ended with {done.returncode}")
    return done.stdout


def _no_repository(directory: Path, told: str) -> HanoiError:
    if "dubious ownership" in told:
        what = "git does not trust the repository: it belongs to another user"
        remedy = f"if you do: `git config --global --add safe.directory {directory}`"
    elif "not a git repository" in told:
        what = "the description is not in a git repository, so there is nothing to compare it with"
        remedy = (
            "keep it in one (`git init`, then commit); without one use `hanoi check` for the"
            " description and `hanoi plan` for what a deploy would do"
        )
    else:
        what, remedy = f"git cannot read it: {told}", "run `git status` there and mend that first"
    return error("HN-R003", str(directory), what, remedy, Exit.ENVIRONMENT)
