"""What an image consists of, its content tag and its build context. Pure, but for reading the
toolkit's own files under paths.images(), and the ministry's under images/ of its description."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from infra import paths
from infra.errors import Exit, error

SUITE = "trixie"  # the Debian release of every image
NAMESPACE = "hanoi"
BASE = "base"
RECIPE = "recipe.sh"
MINISTRYS = "app-"  # image app-<application> is made of images/<application>/ of the description
# Part of every tag: raise it when the code here builds something else from the same files.
FORMAT = 1
TAG_DIGITS = 16


@dataclass(frozen=True)
class ImageSpec:
    """An image to have: name is a directory of images/, or app- and one of the ministry's own;
    uid the number of its one user."""

    name: str
    uid: int


def tag(spec: ImageSpec, own: Path | None = None) -> str:
    """The image's content tag: 16 hex digits that change with its files, its uid, the base.

    own: the ministry's images, where they are not those of paths.sites().
    Raises HanoiError HN-I001 when there is no such image.
    """
    return _digest(
        {
            "format": FORMAT,
            "name": spec.name,
            "files": _files_digest(_directory(spec.name, own)),
            "uid": spec.uid,
            "base": base_tag(),
        }
    )


def base_tag() -> str:
    """The base's content tag: changes with images/base/ and the Debian release."""
    return _digest({"format": FORMAT, "files": _files_digest(_directory(BASE)), "suite": SUITE})


def reference(spec: ImageSpec, registry: str = "") -> str:
    """hanoi/<name>:<tag>, behind the registry's address when one is given."""
    return f"{repository(spec.name, registry)}:{tag(spec)}"


def repository(name: str, registry: str = "") -> str:
    """hanoi/<name>, behind the registry's address when one is given."""
    return f"{registry}/{NAMESPACE}/{name}" if registry else f"{NAMESPACE}/{name}"


def base_reference() -> str:
    return f"{repository(BASE)}:{base_tag()}"


def base_script() -> str:
    """The root shell script that makes the base and imports it into the engine of its host."""
    recipe = (_directory(BASE) / RECIPE).read_text(encoding="utf-8")
    return f"SUITE={SUITE}\nIMAGE={base_reference()}\n{recipe}"


def context(name: str, extra: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """The image's directory as a tar, the same bytes for the same files; and `extra` files by
    path, which the build needs and the tag does not know."""
    import tarfile  # a tag is wanted far more often

    buffer = io.BytesIO()
    added = [(path, 0o644, content) for path, content in sorted(extra.items())]
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, mode, content in [*_files(_directory(name)), *added]:
            member = tarfile.TarInfo(path)
            member.mode, member.size, member.mtime = mode, len(content), 0
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def dockerfile(name: str) -> str:
    return (_directory(name) / "Dockerfile").read_text(encoding="utf-8")


def forget() -> None:
    """Read the files again (they are read once a process)."""
    _files_digest.cache_clear()


def _directory(name: str, own: Path | None = None) -> Path:
    ministrys = name.startswith(MINISTRYS)
    place = (own or paths.sites() / "images") if ministrys else paths.images()
    directory = place / name.removeprefix(MINISTRYS)
    needed = directory / (RECIPE if name == BASE else "Dockerfile")
    if "/" in name or not needed.is_file():
        raise error(
            "HN-I001",
            f"image {name}",
            f"there is no such image ({needed} is missing)",
            "add the image's directory beside apps/"
            if ministrys
            else "use the name of a directory under images/, or restore the toolkit's files",
            Exit.ENVIRONMENT,
        )
    return directory


def _files(directory: Path) -> list[tuple[str, int, bytes]]:
    """Path, mode and content, sorted. Of the mode only "may be executed" counts: the rest
    depends on the umask of whoever made the checkout. What a link brings in from elsewhere is
    left out: the description is reviewed, this machine's other files are not."""
    found, inside = [], directory.resolve()
    for path in directory.rglob("*"):
        if path.is_file() and path.resolve().is_relative_to(inside):
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            found.append((path.relative_to(directory).as_posix(), mode, path.read_bytes()))
    return sorted(found)


@lru_cache(maxsize=64)
def _files_digest(directory: Path) -> str:
    return _digest(
        [[path, mode, hashlib.sha256(data).hexdigest()] for path, mode, data in _files(directory)]
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:TAG_DIGITS]
