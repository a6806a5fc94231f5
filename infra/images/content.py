"""What an image consists of, its content tag and its build context. Pure, but for reading the
toolkit's own files under paths.images()."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
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
# Part of every tag: raise it when the code here builds something else from the same files.
FORMAT = 1
TAG_DIGITS = 16


@dataclass(frozen=True)
class ImageSpec:
    """An image to have: name is a directory of images/, uid the number of its one user."""

    name: str
    uid: int


def tag(spec: ImageSpec) -> str:
    """The image's content tag: 16 hex digits that change with its files, its uid, the base.

    Raises HanoiError HN-I001 when the toolkit has no such image.
    """
    return _digest(
        {
            "format": FORMAT,
            "name": spec.name,
            "files": _files_digest(_directory(spec.name)),
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


def _directory(name: str) -> Path:
    directory = paths.images() / name
    needed = directory / (RECIPE if name == BASE else "Dockerfile")
    if "/" in name or not needed.is_file():
        raise error(
            "HN-I001",
            f"image {name}",
            f"the toolkit has no such image ({needed} is missing)",
            "use the name of a directory under images/, or restore the toolkit's files",
            Exit.ENVIRONMENT,
        )
    return directory


def _files(directory: Path) -> list[tuple[str, int, bytes]]:
    """Path, mode and content, sorted. Of the mode only "may be executed" counts: the rest
    depends on the umask of whoever made the checkout."""
    found = []
    for path in directory.rglob("*"):
        if path.is_file():
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
