"""Where SSH's files are: known hosts and the key in the state, sockets in a short directory."""

from __future__ import annotations

import os
import stat
import tempfile
from functools import lru_cache
from pathlib import Path

from infra import paths

# A Unix socket's path has at most 108 bytes, and ssh appends 17 while it creates one.
LONGEST_DIRECTORY = 60


def known_hosts() -> Path:
    """The host keys this operator's toolkit trusts: <state>/ssh/known_hosts."""
    return paths.state() / "ssh" / "known_hosts"


def identity() -> Path | None:
    """The private key: HANOI_SSH_KEY, else <state>/ssh/identity; None: agent or ssh's config."""
    if value := os.environ.get("HANOI_SSH_KEY"):
        return Path(value).expanduser()
    own = paths.state() / "ssh" / "identity"
    return own if own.is_file() else None


@lru_cache(maxsize=1)
def sockets() -> Path:
    """A private directory (0700, ours) for sockets, the same one for every command.

    A directory of that name that belongs to somebody else is never used.
    """
    uid = os.getuid()
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}")
    parents = [runtime / "hanoi"] if _private(runtime) else []
    for directory in (*parents, Path(f"/tmp/hanoi-{uid}")):
        if len(str(directory)) > LONGEST_DIRECTORY:
            continue
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            continue
        if _private(directory):
            return directory
    return Path(tempfile.mkdtemp(prefix=f"hanoi-{uid}-", dir="/tmp"))


def _private(directory: Path) -> bool:
    try:
        status = directory.lstat()
    except OSError:
        return False
    ours = status.st_uid == os.getuid() and stat.S_ISDIR(status.st_mode)
    return ours and not status.st_mode & 0o077
