"""Where each unit's data is (homes.json): what a plan needs to know beside the model.

Written when data has been made at a place, and by moves; never guessed. Without it a changed
choice would look like a new, empty application.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from infra import paths
from infra.placement import Home, Place
from infra.resources import Data
from infra.state.store import Store


class HomeRecord:
    """The record, one entry for each unit's application."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "homes.json")
        self._lock = threading.Lock()

    def all(self) -> dict[tuple[str, str], Home]:
        """(application, unit) → its home. Raises HN-D003."""
        return {_key(name): _home(entry) for name, entry in self._store.read().items()}

    def record(self, application: str, unit: str, home: Home) -> None:
        with self._lock:
            content = self._store.read()
            name = f"{application}/{unit}"
            if content.get(name) != (entry := _entry(home)):
                self._store.write({**content, name: entry})

    def forget(self, application: str, unit: str) -> None:
        """Its data is nowhere any more."""
        with self._lock:
            content = self._store.read()
            if content.pop(f"{application}/{unit}", None) is not None:
                self._store.write(content)

    def settle(self, made: Iterable[Data]) -> None:
        """Note the places at which data has been made, where nothing is recorded yet."""
        known = self.all()
        for data in made:
            if data.serving and (data.application, data.unit) not in known:
                self.record(data.application, data.unit, Home(Place.parse(data.place)))


def _key(name: str) -> tuple[str, str]:
    application, _, unit = name.partition("/")
    return application, unit


def _home(entry: dict[str, object]) -> Home:
    other = entry.get("other")
    return Home(
        Place.parse(str(entry["serving"])),
        Place.parse(str(other)) if other else None,
        bool(entry.get("paused")),
    )


def _entry(home: Home) -> dict[str, object]:
    return {
        "serving": str(home.serving),
        "other": str(home.other) if home.other else None,
        "paused": home.paused,
    }
