"""Finds and reads the model's files, and refuses whatever is not plain text of sensible size.

Nothing is opened that could block or lead out of the tree: links that leave it, pipes,
devices, directories in place of files.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.errors import Problem
from infra.model.positions import clip

MAX_BYTES = 2**20
SINGLE = {"ministry.yaml": "ministry", "roadmap.yaml": "roadmap"}
FOLDERS = {"sites": "site", "units": "unit", "apps": "app"}
IMAGES = "images"  # Dockerfiles of the ministry's own applications, one directory each
_IGNORED = re.compile(r"^[.#]|~$|\.(swp|swo|bak|orig|rej|tmp|md|txt)$", re.IGNORECASE)
# Control characters, and those that are not seen: directions, zero width, byte order marks.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True)
class Source:
    """One file: kind of its content, id by its name, path as shown, text."""

    kind: str
    stem: str
    shown: str
    text: str


@dataclass
class Found:
    """What a directory holds. stems: (kind, id) of all files, the unreadable ones too, and of
    the images;
    unread: kinds whose folder could not be read, so that nothing is known of their ids.
    """

    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stems: set[tuple[str, str]] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)


def shown_path(directory: Path) -> str:
    """The directory as an operator would type it: relative where it is below the current one."""
    try:
        return str(directory.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(directory)


class Place(Protocol):
    """Where a model's files are. Paths are relative to the model, "" is its top."""

    def names(self, path: str) -> list[str]:
        """What a directory holds, sorted. Raises OSError."""

    def leaves(self, path: str) -> bool:
        """Whether it is a link that leads out of the model."""

    def is_directory(self, path: str) -> bool: ...

    def content(self, path: str) -> bytes | tuple[str, str, str]:
        """A file's bytes, or code, what and remedy. Raises OSError."""


class Disk:
    """A directory of this machine."""

    def __init__(self, directory: Path) -> None:
        self._root = os.path.realpath(directory)

    def names(self, path: str) -> list[str]:
        return sorted(os.listdir(self._at(path)))

    def leaves(self, path: str) -> bool:
        # The directory above was asked before, so what is no link itself cannot leave.
        if not os.path.islink(self._at(path)):
            return False
        real = os.path.realpath(self._at(path))
        return real != self._root and not real.startswith(self._root + os.sep)

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(self._at(path))

    def content(self, path: str) -> bytes | tuple[str, str, str]:
        at = self._at(path)
        return _bytes(os.path.realpath(at) if os.path.islink(at) else at)

    def _at(self, path: str) -> str:
        return f"{self._root}{os.sep}{path}" if path else self._root


def collect(place: Path | Place, shown: str | None = None) -> Found:
    """Reads every file of the model in `place`; problems are gathered, not raised.

    shown: what messages call the place (default: a directory's path).
    """
    found = Found()
    if isinstance(place, Path):
        top = shown or shown_path(place)
        if not place.is_dir():
            what = "is not a directory" if os.path.lexists(place) else "does not exist"
            remedy = "name the model's directory with --sites or HANOI_SITES"
            problem = Problem(clip(top, 200), "HN-M001", f"the directory {what}", remedy)
            found.problems.append(problem)
            return found
        place = Disk(place)
    else:
        top = shown or "the model"
    for name in _names(place, "", top, found):
        inner = f"{top}/{clip(name)}"
        if name in SINGLE:
            _read(place, name, inner, SINGLE[name], found)
        elif name in FOLDERS:
            _folder(place, name, inner, FOLDERS[name], found)
        elif name == IMAGES:
            _images(place, inner, found)
        else:
            found.problems.append(_stray(inner, name, [*SINGLE, *FOLDERS, IMAGES]))
    _required(top, found)
    return found


def _folder(place: Place, path: str, shown: str, kind: str, found: Found) -> None:
    if place.leaves(path):
        found.unread.add(kind)
        found.problems.append(_outside(shown))
        return
    if not place.is_directory(path):
        what, remedy = "a file stands where a directory is expected", "make it a directory"
        found.unread.add(kind)
        found.problems.append(Problem(shown, "HN-M004", what, remedy))
        return
    for name in _names(place, path, shown, found):
        inner = f"{shown}/{clip(name)}"
        if name.endswith(".yaml"):
            _read(place, f"{path}/{name}", inner, kind, found)
        else:
            found.problems.append(_stray(inner, name, []))


def _images(place: Place, shown: str, found: Found) -> None:
    """Which images there are; what they consist of is read when they are built."""
    if place.leaves(IMAGES):
        found.problems.append(_outside(shown))
        return
    for name in _names(place, IMAGES, shown, found):
        path = f"{IMAGES}/{name}"
        if place.leaves(path):
            found.problems.append(_outside(f"{shown}/{clip(name)}"))
        elif place.is_directory(path) and "Dockerfile" in _names(place, path, shown, found):
            found.stems.add(("image", name))


def _names(place: Place, path: str, shown: str, found: Found) -> list[str]:
    try:
        names = place.names(path)
    except OSError as err:
        found.problems.append(_unreadable(shown, err))
        return []
    return [n for n in names if not _IGNORED.search(n)]


def _required(top: str, found: Found) -> None:
    kinds = {kind for kind, _ in found.stems}
    for name, kind in SINGLE.items():
        if kind not in kinds:
            what, remedy = "the file is missing", f"add it; docs/model.md shows a {kind} file"
            found.problems.append(Problem(f"{top}/{name}", "HN-M002", what, remedy))
    if "site" not in kinds:
        found.unread.add("site")
        what, remedy = "no site is described", f"add {top}/sites/<site>.yaml for each site"
        found.problems.append(Problem(f"{top}/sites", "HN-M002", what, remedy))


def _stray(shown: str, name: str, names: list[str]) -> Problem:
    stem, ending = os.path.splitext(name)
    close = difflib.get_close_matches(name, names, 1)
    if ending.lower() in (".yml", ".yaml", ".json") and ending != ".yaml":
        remedy = f"rename it to {clip(stem)}.yaml"
        if ending.lower() == ".json":
            remedy = f"write it as YAML in {clip(stem)}.yaml"
    elif close:
        remedy = f"did you mean {close[0]}?"
    elif names:
        remedy = f"remove it; known here: {', '.join(names)}"
    else:
        remedy = "remove it; only .yaml files belong here"
    return Problem(shown, "HN-M003", "this does not belong to the model", remedy)


def _outside(shown: str) -> Problem:
    what = "a symbolic link that leads out of the model's directory"
    return Problem(shown, "HN-M005", what, "put the file itself here")


def _unreadable(shown: str, err: OSError) -> Problem:
    if isinstance(err, FileNotFoundError):
        what, remedy = (
            "a symbolic link that leads nowhere",
            "remove it, or put the file itself here",
        )
        return Problem(shown, "HN-M004", what, remedy)
    what = f"cannot be read: {err.strerror or 'input or output error'}"
    return Problem(shown, "HN-M004", what, "correct its permissions, or remove it")


def _read(place: Place, path: str, shown: str, kind: str, found: Found) -> None:
    stem = path.rpartition("/")[2][: -len(".yaml")]
    found.stems.add((kind, stem))
    if place.leaves(path):
        found.problems.append(_outside(shown))
        return
    try:
        raw = place.content(path)
    except OSError as err:
        found.problems.append(_unreadable(shown, err))
        return
    if isinstance(raw, tuple):
        found.problems.append(Problem(shown, *raw))
        return
    text, problem = _text(raw, shown)
    if problem:
        found.problems.append(problem)
    else:
        found.sources.append(Source(kind, stem, shown, text))


def _bytes(path: str) -> bytes | tuple[str, str, str]:
    """The file's content, or code, what and remedy. O_NONBLOCK: a pipe must not hang us."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return "HN-M004", "this is not an ordinary file", "put a text file here"
        raw = b""
        while info.st_size <= MAX_BYTES and len(raw) <= MAX_BYTES:
            if not (chunk := os.read(fd, MAX_BYTES + 1)):
                return raw
            raw += chunk
    finally:
        os.close(fd)
    what = f"the file has {max(info.st_size, len(raw)):,} bytes; the limit is {MAX_BYTES:,}"
    return "HN-M006", what, "no file of the model needs more; check that it is the right one"


def _text(raw: bytes, shown: str) -> tuple[str, Problem | None]:
    for line, code, what, remedy in _text_problems(raw):
        return "", Problem(f"{shown}:{line}" if line else shown, code, what, remedy)
    return raw.decode(), None


def _text_problems(raw: bytes) -> Iterator[tuple[int, str, str, str]]:
    """The first thing that makes bytes unfit: (line or 0, code, what, remedy)."""
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        yield 1, "HN-M007", "the file begins with a byte order mark", "save it as UTF-8 without BOM"
    if (at := raw.find(b"\0")) >= 0:
        yield _line(raw, at), "HN-M007", "a NUL character", "remove it; the file must be plain text"
    try:
        text = raw.decode()
    except UnicodeDecodeError as err:
        what = f"byte 0x{raw[err.start]:02x} is not UTF-8"
        yield _line(raw, err.start), "HN-M007", what, "save the file as UTF-8"
        return
    if not text.strip():
        yield 0, "HN-M010", "the file is empty", "describe the object in it, or remove the file"
    if (at := text.find("\t")) >= 0:
        yield text.count("\n", 0, at) + 1, "HN-M008", "a tab", "use spaces, two for each level"
    if match := _UNSEEN.search(text):
        what = f"the invisible character U+{ord(match[0]):04X}"
        yield text.count("\n", 0, match.start()) + 1, "HN-M007", what, "remove it"
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        line = next(
            n for n, part in enumerate(text.split("\n"), 1)
            if not unicodedata.is_normalized("NFC", part)
        )  # fmt: skip
        what = "letters are written as a base and separate marks"
        yield line, "HN-M007", what, "save the file in Unicode form NFC, as Vietnamese keyboards do"


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1
