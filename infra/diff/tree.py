"""A revision's files as a place that a model is read from, without a file being written."""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Mapping
from pathlib import Path

from infra.diff.git import LINK, MODULE, Entry
from infra.model.files import Disk

LINKS = 16  # how many links may follow one another, as on a disk


class Tree:
    """The entries below a directory of a revision (see infra.model.files.Place). Links lead on
    within the tree only; a submodule is an empty directory, as git makes it."""

    def __init__(self, entries: Mapping[str, Entry], contents: Mapping[str, bytes]) -> None:
        """contents: by the entries' ids."""
        self.entries = entries
        self._contents = contents
        self._children: dict[str, set[str]] = {"": set()}
        for path, entry in entries.items():
            if entry.mode == MODULE:
                self._children.setdefault(path, set())
            while path:
                above, _, name = path.rpartition("/")
                self._children.setdefault(above, set()).add(name)
                path = above

    def names(self, path: str) -> list[str]:
        return sorted(self._children[self._real(path)])

    def leaves(self, path: str) -> bool:
        try:
            self._real(path)
        except _Outside:
            return True
        except OSError:
            pass
        return False

    def is_directory(self, path: str) -> bool:
        try:
            return self._real(path) in self._children
        except OSError:
            return False

    def content(self, path: str) -> bytes | tuple[str, str, str]:
        real = self._real(path)
        if real not in self.entries or real in self._children:
            return "HN-M004", "this is not an ordinary file", "put a text file here"
        return self._contents[self.entries[real].id]

    def _real(self, path: str) -> str:
        """Where links lead. Raises FileNotFoundError for nowhere, _Outside for out of it."""
        for _ in range(LINKS):
            entry = self.entries.get(path)
            if entry is None or entry.mode != LINK:
                break
            target = self._contents[entry.id].decode(errors="surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if target.startswith("/") or path.startswith(".."):
                raise _Outside(errno.ENOENT, "a link that leads out", target)
            path = "" if path == "." else path
        else:
            raise OSError(errno.ELOOP, "too many links", path)
        if path not in self.entries and path not in self._children:
            raise FileNotFoundError(errno.ENOENT, "nothing there", path)
        return path


class Once(Disk):
    """A directory of this machine of which each file is read once, so that whoever asks again
    gets the same."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._read: dict[str, bytes | tuple[str, str, str]] = {}

    def content(self, path: str) -> bytes | tuple[str, str, str]:
        if path not in self._read:
            self._read[path] = super().content(path)
        return self._read[path]


class _Outside(OSError):
    """A link out of the tree."""
