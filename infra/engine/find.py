"""A Pulumi CLI and Docker plugin that are already on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.engine.wanted import Wanted, suits


@dataclass(frozen=True)
class Found:
    """path is None when there is none that fits; detail says why; unsuitable: one is there."""

    path: Path | None
    version: str = ""
    detail: str = ""
    unsuitable: bool = False


def cli(want: Wanted) -> Found:
    """The `pulumi` on PATH, if it works with the installed SDK."""
    where = shutil.which("pulumi")
    if not where:
        return Found(None, detail="no pulumi on PATH")
    version = output([where, "version"])
    if version is None:
        return Found(None, detail=f"{where} does not run", unsuitable=True)
    if not suits(version, want):
        need = f"{want.sdk} or newer of the same major version is needed"
        return Found(None, version, f"{where} is {version}; {need}", unsuitable=True)
    return Found(Path(where).resolve(), version.removeprefix("v"))


def plugin(want: Wanted) -> Found:
    """The Docker plugin of exactly the wanted version in the operator's own PULUMI_HOME."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    directory = home / "plugins" / want.plugin_directory
    binary = directory / "pulumi-resource-docker"
    if not binary.is_file() or directory.with_name(f"{directory.name}.partial").exists():
        return Found(None, detail=f"no docker plugin {want.plugin} in {home}")
    version = output([str(binary), "-version"])
    if version is None or version.removeprefix("v") != want.plugin:
        told = version or "nothing"
        return Found(None, told, f"{binary} says {told}, not {want.plugin}", unsuitable=True)
    return Found(binary.resolve(), version)


def output(command: list[str]) -> str | None:
    """The command's first line, or None when it fails or takes longer than 20 s."""
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=env)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None
