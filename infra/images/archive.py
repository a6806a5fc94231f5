"""Built images kept as files in the cache, so that a lost engine costs no second build.

<cache>/images/<name>-<tag>.tar with <…>.tar.sha256 beside it. The digest is written last: an
archive without one was never finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

CHUNK = 2**20
PARTIAL = ".partial"
PARTIAL_AGE = 24 * 3600  # seconds; older ones were left by a run that was killed


def directory(cache: Path) -> Path:
    return cache / "images"


def path(cache: Path, name: str, tag: str) -> Path:
    return directory(cache) / f"{name}-{tag}.tar"


def state(archive: Path) -> str:
    """ "absent", "damaged" or "good". Reads the whole archive."""
    if not archive.is_file() or not _beside(archive).is_file():
        return "absent"
    return "good" if _beside(archive).read_text().strip() == _sha256(archive) else "damaged"


def remove(archive: Path) -> None:
    _beside(archive).unlink(missing_ok=True)
    archive.unlink(missing_ok=True)


def save(archive: Path, chunks: Iterable[bytes]) -> None:
    """Write the archive and its digest; either both are there afterwards or neither is new.

    Raises OSError (disk full, no right to write), leaving nothing half-written.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    _sweep(archive.parent)
    digest = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(PARTIAL, f"{archive.stem}.", archive.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        _beside(archive).unlink(missing_ok=True)
        os.replace(name, archive)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _write(_beside(archive), digest.hexdigest() + "\n")


def prune_archives(cache: Path, keep: Iterable[str]) -> list[str]:
    """Delete the archives whose content tag is not in `keep`; their names, sorted."""
    wanted, gone = set(keep), []
    for archive in sorted(directory(cache).glob("*-*.tar")):
        if archive.stem.rpartition("-")[2] not in wanted:
            remove(archive)
            gone.append(archive.name)
    return gone


def _beside(archive: Path) -> Path:
    return archive.with_name(archive.name + ".sha256")


def _sha256(archive: Path) -> str:
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(target: Path, text: str) -> None:
    temporary = target.with_name(f"{target.name}.{os.getpid()}{PARTIAL}")
    temporary.write_text(text)
    os.replace(temporary, target)


def _sweep(images: Path) -> None:
    for partial in images.glob(f"*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > PARTIAL_AGE:
                partial.unlink()
