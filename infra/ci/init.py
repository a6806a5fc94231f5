"""Pipelines as files in the operator's repository: written, brought up to date, never forced.

A file of ours begins with a line that holds the digest of the rest. While that is true nobody
has changed the file, and a newer version may replace it. Whatever else is there is the user's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from infra import paths
from infra.errors import Exit, HanoiError, Problem, error

HostName = Literal["gitlab", "github"]
MARKER = re.compile(r"\A# Written by `hanoi ci init`; changed by hand it is left alone\. "
                    r"([0-9a-f]{64})\n")  # fmt: skip
PLAIN = re.compile(r"[\w./-]+")  # what needs no quoting in YAML, shell, or a host's expressions
GITLAB_ROOT = ".gitlab-ci.yml"
GITLAB_JOBS = ".gitlab/hanoi.yml"
GITHUB = {
    f".github/workflows/hanoi{suffix}.yml": f"github-{name}.yml.j2"
    for suffix, name in (
        ("", "review"), ("-plan", "plan"), ("-deploy", "deploy"), ("-nightly", "nightly"),
    )
}  # fmt: skip
# Each at a commit, which cannot be moved as a tag can; the tag is for the reader.
ACTIONS = SimpleNamespace(
    checkout="actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd  # v6.0.2",
    upload="actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f  # v6.0.0",
    download="actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131  # v7.0.0",
)


@dataclass(frozen=True)
class Repository:
    """root: of the working tree; sites: the description, relative to it; branch: the default
    one; toolkit: "checkout" when the repository holds the toolkit itself, else "installed"."""

    root: Path
    sites: str
    branch: str
    toolkit: Literal["installed", "checkout"]


@dataclass(frozen=True)
class Written:
    """path: relative to the repository; state: what was done with it."""

    path: str
    state: Literal["created", "updated", "unchanged"]


def repository(branch: str | None = None, here: Path | None = None) -> Repository:
    """The operator's repository around `here`. Raises HanoiError HN-R050 and HN-R053."""
    here = here or Path.cwd()
    top = _git(here, "rev-parse", "--show-toplevel")
    if not top:
        raise error(
            "HN-R050",
            str(here),
            "is not in the working tree of a git repository",
            "change into the repository that holds the description, or `git init` there",
            Exit.ENVIRONMENT,
        )
    root = Path(top).resolve()
    described = paths.sites()
    described = (described if described.is_absolute() else here / described).resolve()
    sites = described.relative_to(root).as_posix() if described.is_relative_to(root) else ""
    if not described.is_dir() or not PLAIN.fullmatch(sites):
        raise error(
            "HN-R053",
            str(described),
            "is no directory of this repository that a pipeline can name",
            f"keep the description below {root}, in a path of letters, digits, . _ - and /, and "
            "name it with --sites",
            Exit.USAGE,
        )
    own = (root / "cli.py").is_file() and (root / "infra/plan.py").is_file()
    return Repository(root, sites, branch or _branch(root), "checkout" if own else "installed")


def _branch(root: Path) -> str:
    """The default branch: what the remote says, else main or master where it exists."""
    remote = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if remote:
        return remote.removeprefix("origin/")
    known = _git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    return next((b for b in ("main", "master") if b in known), "main")


def _git(directory: Path, *arguments: str) -> str:
    """What git prints; empty when it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**environment, "LC_ALL": "C"},
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def render(host: HostName, repo: Repository) -> dict[str, str]:
    """Path → content of each file that hanoi keeps up to date.

    Raises HanoiError HN-R053 for a branch that cannot be written down.
    """
    if not PLAIN.fullmatch(repo.branch):
        raise error(
            "HN-R053",
            f"branch {repo.branch!r}",
            "is no name that a pipeline can hold",
            "name the default branch with --branch",
            Exit.USAGE,
        )
    templates = GITHUB if host == "github" else {GITLAB_JOBS: "gitlab.yml.j2"}
    return {path: _signed(_rendered(t, repo)) for path, t in templates.items()}


def _rendered(template: str, repo: Repository) -> str:
    # Braces are GitHub's own, so ours are others.
    environment = Environment(
        loader=PackageLoader("infra.ci"),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, not HTML; values are plain (PLAIN)
    )
    text = environment.get_template(template).render(
        sites=f'"{repo.sites}"',
        branch=f'"{repo.branch}"',
        toolkit=repo.toolkit,
        actions=ACTIONS,
    )
    return re.sub(r"\n{2,}(?= {4})", "\n", text).rstrip() + "\n"  # lines that macros leave


def _signed(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"# Written by `hanoi ci init`; changed by hand it is left alone. {digest}\n{text}"


def untouched(content: str) -> bool:
    """Whether the file is ours and as we wrote it (in any of its versions, any line ends)."""
    found = MARKER.match(content)
    rest = content[found.end() :] if found else ""
    return found is not None and hashlib.sha256(rest.encode()).hexdigest() == found[1]


def write(host: HostName, repo: Repository) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """Write the pipelines: what was done with each file, and what is left to the operator.

    All files or none: nothing is written when one cannot be. Raises HanoiError HN-R051 for
    files that are the user's, HN-R052 for what cannot be written.
    """
    wanted = render(host, repo)
    hints: list[str] = []
    if host == "gitlab":
        root = repo.root / GITLAB_ROOT
        present = _present(root, GITLAB_ROOT)
        if present is None:
            wanted[GITLAB_ROOT] = _rendered("gitlab-root.yml.j2", repo)
        elif GITLAB_JOBS not in present:
            hints.append(
                f"{GITLAB_ROOT} is yours and was not changed. Add to it:\n"
                f"include:\n  - local: /{GITLAB_JOBS}\n"
                "If it lists its own stages, they must hold test and deploy; if it has workflow "
                "rules, they must let merge requests and the default branch through."
            )
    plan: list[tuple[str, str, Written]] = []
    problems: list[Problem] = []
    for path, content in sorted(wanted.items()):
        present = _present(repo.root / path, path)
        if present is not None and present != content and not untouched(present):
            problems.append(_theirs(path))
        state: Literal["created", "updated", "unchanged"] = (
            "created" if present is None else "unchanged" if present == content else "updated"
        )
        plan.append((path, content, Written(path, state)))
    if problems:
        raise HanoiError(problems, Exit.REFUSED)
    for path, content, written in plan:
        if written.state != "unchanged":
            with _writing(path):
                _replace(repo.root / path, content)
    return tuple(written for *_, written in plan), tuple(hints)


def _theirs(path: str) -> Problem:
    return Problem(
        path,
        "HN-R051",
        "is there, and is not as hanoi wrote it: it is yours and was not changed",
        "move it aside and run this again; then bring over what you had changed",
    )


def _present(file: Path, path: str) -> str | None:
    """The file's text with plain line ends; None when there is none. Raises HN-R052."""
    with _writing(path):
        for place in (file, *file.parents[: len(Path(path).parts) - 1]):
            if place.is_symlink():
                raise OSError(f"{place.name} is a symbolic link")
        if not file.exists():
            return None
        return file.read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n")


def _replace(file: Path, content: str) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise error(
            "HN-R052",
            path,
            f"cannot be read or written: {failure.strerror or failure}",
            "every part of the path must be a plain directory or file that you may write",
            Exit.FAILED,
        ) from None
