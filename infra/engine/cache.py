"""The engine's cache: whole or not there at all.

<cache>/engine/<key>/{bin/pulumi, home/plugins/…, manifest.json}; a new one is made in a
directory beside it and renamed when it has been tried. The manifest has size, modification time
and SHA-256 of both binaries; the hash is taken again only when size or time differ.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from infra import paths
from infra.engine.find import output
from infra.engine.wanted import Wanted
from infra.errors import Exit, HanoiError, error

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Hit:
    """A cached engine: the CLI's version and where each piece came from."""

    version: str
    origins: dict[str, str]


def base() -> Path:
    return paths.cache() / "engine"


def place(want: Wanted) -> Path:
    return base() / want.key


def cli_path(root: Path) -> Path:
    return root / "bin" / "pulumi"


def plugin_path(root: Path, want: Wanted) -> Path:
    return root / "home" / "plugins" / want.plugin_directory / "pulumi-resource-docker"


def look(root: Path) -> Hit | None:
    """The cached engine if it is there and its files look unchanged; reads no binary."""
    manifest = _manifest(root)
    if not manifest or not all(_unchanged(root, name, e) for name, e in manifest["files"].items()):
        return None
    return Hit(manifest["version"], manifest["origins"])


def damage(root: Path) -> str | None:
    """What is wrong with a cached engine, or None when it is whole or not there.

    A file whose size or time changed is hashed; when only its time changed, the manifest is
    brought up to date. A found binary that was upgraded is no damage: it is looked for anew.
    """
    if not root.exists():
        return None
    manifest = _manifest(root)
    if not manifest:
        return "its manifest is missing or cannot be read"
    for name, entry in manifest["files"].items():
        if _unchanged(root, name, entry):
            continue
        if "found" in manifest["origins"].values():
            return None
        path = root / name
        if not path.is_file():
            return f"{name} is missing"
        if not os.access(path, os.X_OK):
            return f"{name} is not executable"
        if _sha256(path) != entry["sha256"]:
            return f"{name} is not what was put there"
        entry.update(_stat(path))
    _write_manifest(root, manifest)
    return None


@contextmanager
def lock(progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the right to change the cache; waits for another holder and says for whom.

    The kernel frees it when its holder ends, however it ends. Raises HN-E009 when the cache
    cannot be written.
    """
    with _writable():
        base().mkdir(parents=True, exist_ok=True)
        handle = (base() / "lock").open("a+", encoding="utf-8")
    with handle:
        told = 0.0
        while not _try_lock(handle.fileno()):
            if not told or time.monotonic() - told > 30:
                progress(f"Waiting for {_holder(handle)}, which is getting the engine.")
                told = time.monotonic()
            time.sleep(0.2)
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()} since {time.strftime('%H:%M:%S')}")
        handle.flush()
        yield


@contextmanager
def stage(root: Path) -> Iterator[Path]:
    """A new directory beside the cached engine; whatever is left in it is removed at the end.

    Only under the lock: what earlier, killed processes left is removed first.
    """
    with _writable():
        for old in [*base().glob(".stage-*"), *base().glob(".old-*")]:
            shutil.rmtree(old, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=".stage-", dir=base()))
    try:
        with _writable():
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(new: Path, root: Path, want: Wanted, origins: dict[str, str]) -> Hit:
    """Write the manifest and put the tried engine in its place in one step."""
    files = (cli_path(new), plugin_path(new, want))
    version = output([str(files[0]), "version"]) or want.cli
    manifest: dict[str, Any] = {
        "version": version.removeprefix("v"),
        "plugin": want.plugin,
        "origins": origins,
        "files": {str(p.relative_to(new)): {**_stat(p), "sha256": _sha256(p)} for p in files},
    }
    _write_manifest(new, manifest)
    with _writable():
        new.chmod(0o755)
        if root.exists():
            root.rename(Path(tempfile.mkdtemp(prefix=".old-", dir=base())) / "engine")
        new.rename(root)
    for old in base().glob(".old-*"):
        shutil.rmtree(old, ignore_errors=True)
    return Hit(manifest["version"], origins)


def _manifest(root: Path) -> dict[str, Any] | None:
    try:
        data = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        complete = {"version", "origins", "files"} <= data.keys() and len(data["files"]) == 2
        return data if complete else None
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _write_manifest(root: Path, manifest: dict[str, Any]) -> None:
    with _writable():
        new = root / f"{MANIFEST}.new"
        new.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        new.replace(root / MANIFEST)


def _stat(path: Path) -> dict[str, int]:
    at = path.stat()
    return {"size": at.st_size, "mtime_ns": at.st_mtime_ns}


def _unchanged(root: Path, name: str, entry: dict[str, Any]) -> bool:
    path = root / name
    try:
        return _stat(path) == {k: entry[k] for k in ("size", "mtime_ns")} and os.access(
            path, os.X_OK
        )
    except (OSError, KeyError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _holder(handle: TextIO) -> str:
    handle.seek(0)
    return handle.read().strip() or "another process"


@contextmanager
def _writable() -> Iterator[None]:
    """Turn the system's refusal to write into an error with a remedy."""
    try:
        yield
    except HanoiError:
        raise
    except OSError as refused:
        if refused.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(base()) from None
        raise error(
            "HN-E009",
            str(base()),
            f"the cache cannot be written: {refused.strerror or refused}",
            "make the directory writable, or set HANOI_CACHE to one that is",
            Exit.ENVIRONMENT,
        ) from None


def disk_full(where: Path) -> HanoiError:
    return error(
        "HN-E006",
        str(where),
        "no space left on the disk while getting the engine",
        "free about 8 GB, or set HANOI_CACHE to a larger disk, and run again",
        Exit.ENVIRONMENT,
    )
