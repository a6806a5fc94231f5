"""Which versions are wanted, and the key under which a fitting engine is cached."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed
from pathlib import Path

GO_MODULES = Path(__file__).resolve().parent / "go"
SUFFIXES = {".mod", ".sum", ".go", ".txt"}
LAYOUT = "1"  # raise it when the cache directory's layout changes


@dataclass(frozen=True)
class Wanted:
    """The versions that this checkout needs.

    cli: what is fetched or built; sdk: the installed Python package, which no CLI may be older
    than; plugin: exactly the installed pulumi_docker, as Pulumi asks for that plugin by version;
    go: the oldest Go that can build the modules.
    """

    cli: str
    sdk: str
    plugin: str
    go: str
    modules: Path = GO_MODULES

    @cached_property
    def key(self) -> str:
        """Content of all module files, the versions and the machine's kind, as 16 hex digits."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.modules.rglob("*") if p.suffix in SUFFIXES):
            digest.update(f"{path.relative_to(self.modules)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        for part in (LAYOUT, self.cli, self.plugin, platform.system(), platform.machine()):
            digest.update(f"{part}\0".encode())
        return digest.hexdigest()[:16]

    @property
    def plugin_directory(self) -> str:
        return f"resource-docker-v{self.plugin}"


def wanted(modules: Path = GO_MODULES) -> Wanted:
    """Read the versions from the committed modules and the installed Python packages."""
    cli = (modules / "cli" / "go.mod").read_text()
    docker = (modules / "docker" / "go.mod").read_text()
    version = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v([\d.]+)", cli)
    go = [m for text in (cli, docker) for m in re.findall(r"^go ([\d.]+)$", text, re.MULTILINE)]
    assert version and go, "the committed go.mod files name a CLI version and a Go version"
    return Wanted(
        cli=version.group(1),
        sdk=installed("pulumi"),
        plugin=installed("pulumi_docker"),
        go=max(go, key=numbers),
        modules=modules,
    )


def numbers(version: str) -> tuple[int, ...]:
    """`v3.259.0-rc1` → (3, 259, 0); anything without numbers → ()."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(n) for n in match.group(1).split(".")) if match else ()


def suits(version: str, want: Wanted) -> bool:
    """Whether a CLI of this version works with the installed SDK: same major, not older."""
    have, need = numbers(version), numbers(want.sdk)
    return bool(have) and have[0] == need[0] and have >= need
