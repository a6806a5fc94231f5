"""Builds a copy of the base model, spoils it, and gives what `load` says about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.errors import Exit, HanoiError
from infra.model import load

BASE = Path(__file__).parent / "base"
Edit = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """edits spoil the base model; said is every problem, as 'where: code: what → remedy'."""

    name: str
    edits: tuple[Edit, ...]
    said: tuple[str, ...]


def swap(file: str, old: str, new: str) -> Edit:
    """Replaces one passage; it must be there exactly once."""

    def edit(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file}: {old!r} is there {text.count(old)} times"
        (root / file).write_text(text.replace(old, new), encoding="utf-8")

    return edit


def put(file: str, content: str | bytes) -> Edit:
    """Writes a whole file."""

    def edit(root: Path) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(raw)

    return edit


def add(file: str, text: str) -> Edit:
    """Adds lines at the end of a file."""

    def edit(root: Path) -> None:
        with (root / file).open("a", encoding="utf-8") as out:
            out.write(text)

    return edit


def drop(file: str) -> Edit:
    def edit(root: Path) -> None:
        shutil.rmtree(root / file) if (root / file).is_dir() else (root / file).unlink()

    return edit


def folder(file: str) -> Edit:
    return lambda root: (root / file).mkdir(parents=True)


def link(file: str, target: str) -> Edit:
    return lambda root: (root / file).symlink_to(target)


def pipe(file: str) -> Edit:
    return lambda root: os.mkfifo(root / file)


def spoiled(where: Path, edits: tuple[Edit, ...]) -> Path:
    """A model directory `sites` below `where`, with the edits made."""
    root = where / "sites"
    shutil.copytree(BASE, root)
    for edit in edits:
        edit(root)
    return root


def said(root: Path) -> tuple[str, ...]:
    """All problems of a model, one line each; nothing where it is sound."""
    try:
        load(root)
    except HanoiError as err:
        assert err.exit_code is Exit.FINDINGS
        return tuple(f"{p.where}: {p.code}: {p.what} → {p.remedy}" for p in err.problems)
    return ()
