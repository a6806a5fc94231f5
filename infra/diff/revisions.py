"""BASE..HEAD → two revisions, and a revision's files in a private directory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import paths
from infra.diff.git import EXECUTABLE, LINK, MODULE, Entry, Repository
from infra.errors import Exit, error

WORKING_TREE = "working tree"


@dataclass(frozen=True)
class Revision:
    """commit: None for the working tree; shown: as a report names it."""

    shown: str
    commit: str | None = None


def resolve(repository: Repository, text: str | None) -> tuple[Revision, Revision]:
    """`BASE..HEAD`, `BASE...HEAD` (from where they part), `BASE` or `BASE..` (working tree);
    nothing: from where this branch left the main one to the working tree.

    Raises HanoiError HN-R001, HN-R002, HN-R004, HN-R005.
    """
    given = (text or "").strip()
    base, dots, head = given.partition("...")
    parting = bool(dots)
    if not parting:
        base, dots, head = given.partition("..")
    later = _named(repository, head) if head else Revision(WORKING_TREE)
    tip = later.commit or ("" if base and not parting else repository.commit("HEAD"))
    if not base or parting:
        name = base or repository.main_branch()
        commit = repository.merge_base(repository.commit(name), tip)
        return Revision(f"{name} ({commit[:7]})", commit), later
    return _named(repository, base), later


def _named(repository: Repository, name: str) -> Revision:
    commit = repository.commit(name)
    return Revision(f"{name} ({commit[:7]})", commit)


def directory_of_model() -> Path:
    """Where the description is or would be: like paths.sites(), but from any directory of the
    repository, and never the toolkit's own sample in place of the operator's repository."""
    if os.environ.get("HANOI_SITES") or (Path.cwd() / "sites").is_dir():
        return paths.sites()
    for place in (Path.cwd(), *Path.cwd().parents):
        if (place / ".git").exists():
            return place / "sites"
    return paths.sites()


def inside(repository: Repository, directory: Path) -> str:
    """The model's path from the root of the repository, "" for the root itself."""
    absolute = directory.absolute()
    real = absolute.parent.resolve() / absolute.name
    root = repository.root.resolve()
    if absolute.resolve() == root:
        return ""
    try:
        return real.relative_to(root).as_posix()
    except ValueError:  # a link that leads into the repository
        return absolute.resolve().relative_to(root).as_posix()


def below(tree: Mapping[str, Entry], path: str) -> dict[str, Entry]:
    """The entries below a path, named from there. Raises HN-R007 for a link or a submodule."""
    if not path:
        return dict(tree)
    own = tree.get(path)
    if own is not None:
        kind = {LINK: "a symbolic link", MODULE: "a submodule"}.get(own.mode, "a file")
        raise error(
            "HN-R007",
            path,
            f"it is {kind} in the repository; its content is not part of the revision",
            "name the directory itself with --sites; for a submodule, run the command inside it",
            Exit.USAGE,
        )
    return {p[len(path) + 1 :]: e for p, e in tree.items() if p.startswith(f"{path}/")}


def extract(repository: Repository, entries: Mapping[str, Entry], directory: Path) -> None:
    """Write the files below an empty directory of ours: links as links, submodules as the empty
    directories that git makes of them. A path that leads out is left out."""
    sound = {p: e for p, e in entries.items() if _sound(p)}
    contents = repository.blobs({e.id for e in sound.values() if e.mode != MODULE})
    made = set()
    # Links last: then no file is ever written through one.
    for path, entry in sorted(sound.items(), key=lambda item: item[1].mode == LINK):
        target = os.path.join(directory, path)
        parent = target if entry.mode == MODULE else os.path.dirname(target)
        if parent not in made:
            os.makedirs(parent, exist_ok=True)
            made.add(parent)
        if entry.mode == LINK:
            os.symlink(contents[entry.id], target.encode(errors="surrogateescape"))
        elif entry.mode != MODULE:
            mode = 0o700 if entry.mode == EXECUTABLE else 0o600
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(target, flags, mode), "wb") as stream:
                stream.write(contents[entry.id])


def _sound(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith("/") and not {"", ".", "..", ".git"} & set(parts)


def on_disk(root: Path, *names: str, long_ids: bool = False) -> dict[str, Entry]:
    """Files below directories of `root` as git would name them, without what Python leaves."""
    found: dict[str, Entry] = {}
    for name in names:
        for place, directories, files in os.walk(root / name):
            directories[:] = [d for d in directories if d not in ("__pycache__", "_ansible")]
            for file in files:
                path = os.path.join(place, file)
                if not file.endswith((".pyc", "~", ".swp")) and os.path.isfile(path):
                    found[os.path.relpath(path, root)] = _entry(path, long_ids)
    return found


def _entry(path: str, long_ids: bool) -> Entry:
    with open(path, "rb") as stream:
        content = stream.read()
        executable = os.fstat(stream.fileno()).st_mode & 0o100
    return Entry(EXECUTABLE if executable else "100644", blob_id(content, long_ids))


def blob_id(content: bytes, long_ids: bool = False) -> str:
    """git's id of a file's content."""
    hashed = hashlib.sha256 if long_ids else hashlib.sha1
    return hashed(b"blob %d\0" % len(content) + content).hexdigest()
