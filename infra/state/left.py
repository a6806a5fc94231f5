"""What the last run left at the sites: lets the next one tell what others changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra import paths
from infra.state.store import Store


class Left:
    """containers.json: host → container name → engine id, and sites whose containers step
    has begun and not ended.

    A site is unsettled from before the first change until its step succeeded, over any number
    of failed or killed runs: Pulumi's state may then lack what an engine already has.
    """

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "containers.json")

    def containers(self) -> dict[str, dict[str, str]]:
        return dict(self._store.read().get("containers", {}))

    def unsettled(self) -> frozenset[str]:
        return frozenset(self._store.read().get("unsettled", ()))

    def begin(self, sites: frozenset[str]) -> None:
        content = self._store.read()
        wanted = sorted(self.unsettled() | sites)
        if content.get("unsettled") != wanted:
            self._store.write({**content, "unsettled": wanted})

    def settle(self, sites: frozenset[str], containers: Mapping[str, Mapping[str, str]]) -> None:
        content = self._store.read()
        new = {
            "containers": {**content.get("containers", {}), **containers},
            "unsettled": sorted(self.unsettled() - sites),
        }
        if new != content:
            self._store.write(new)


def forget_sites(directory: Path) -> None:
    """Forget everything about sites that are gone for good (a lab that was taken down)."""
    for name in (
        "containers", "identity", "images", "journal", "homes", "moves", "roadmap", "gates",
    ):  # fmt: skip
        (directory / f"{name}.json").unlink(missing_ok=True)
    _remove_tree(directory / "pulumi")
    _remove_tree(directory / "verify")


def _remove_tree(path: Path) -> None:
    import shutil

    if path.is_dir():
        shutil.rmtree(path)
