"""The official release, where the network lets it through.

Each download runs as a process of its own that is ended when nothing new has arrived for
STALL seconds, so that a network that swallows packets costs seconds and a slow one is waited for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.engine import cache
from infra.engine.process import end, start
from infra.engine.wanted import Wanted
from infra.errors import Exit, error

STALL = 12.0
_INSTALL = (
    "import sys; from semver import VersionInfo; from pulumi.automation import PulumiCommand; "
    "PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))"
)


def fetch(
    stage: Path, want: Wanted, have: set[str], forced: bool, progress: Callable[[str], None]
) -> dict[str, str]:
    """Fetch what is missing of cli and plugin; return {piece: 'official'} for what came.

    A failure is only said, unless forced (HANOI_ENGINE=official), then HN-E005.
    """
    got: dict[str, str] = {}
    for piece, command in (
        ("cli", [sys.executable, "-c", _INSTALL, str(stage), want.cli]),
        (
            "plugin",
            [str(cache.cli_path(stage)), "plugin", "install", "resource", "docker", want.plugin],
        ),
    ):
        if piece in have:
            continue
        progress(f"Asking for the official {_name(piece, want)}.")
        why = _download(command, stage) or _absent(piece, stage, want)
        if why is None:
            got[piece] = "official"
            continue
        if forced:
            raise error(
                "HN-E005",
                "HANOI_ENGINE=official",
                f"{_name(piece, want)} did not come: {why}",
                "check the network, or unset HANOI_ENGINE so that the engine is built from Go "
                "modules",
                Exit.UNREACHABLE,
            )
        progress(f"The official release is not reachable here ({why}).")
        break  # without the CLI from there, the plugin will not come either
    return got


def _name(piece: str, want: Wanted) -> str:
    return f"Pulumi CLI {want.cli}" if piece == "cli" else f"docker plugin {want.plugin}"


def _absent(piece: str, stage: Path, want: Wanted) -> str | None:
    path = cache.cli_path(stage) if piece == "cli" else cache.plugin_path(stage, want)
    return None if path.is_file() else "the installer ended without it"


def _download(command: list[str], stage: Path) -> str | None:
    """Run an installer that writes only below stage; None when it ended well, else why not."""
    temporary = stage / "tmp"
    temporary.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "TMPDIR": str(temporary),
        "PULUMI_HOME": str(stage / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    log = temporary / "log"
    process = start(command, log, env=env)
    try:
        size, since = 0, time.monotonic()
        while process.poll() is None:
            time.sleep(0.1)
            now = sum(_size(p) for p in stage.rglob("*") if p != log)
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > STALL:
                return f"no answer for {STALL:.0f} s"
    finally:
        end(process)
    return None if process.returncode == 0 else _last_line(log)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "the installer failed without a word"
