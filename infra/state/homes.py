"""Where each unit's data is (homes.json): what a plan needs to know beside the model.

Written when data has been made at a place, and by moves; never guessed. Without it a changed
choice would look like a new, empty application.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from infra import paths
from infra.placement import Home, Place
from infra.resources import Copies, Data
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
        """What is known of copies stays, until the data is gone from their place."""
        with self._lock:
            content = self._store.read()
            name = f"{application}/{unit}"
            before = _home(content[name]) if name in content else home
            gone = {before.serving, before.other} - {home.serving, home.other}
            copies = {**before.copies, **home.copies}
            kept = {place: made for place, made in copies.items() if place not in gone}
            if content.get(name) != (entry := _entry(replace(home, copies=kept))):
                self._store.write({**content, name: entry})

    def forget(self, application: str, unit: str) -> None:
        """Its data is nowhere any more."""
        with self._lock:
            content = self._store.read()
            if content.pop(f"{application}/{unit}", None) is not None:
                self._store.write(content)

    def settle(self, made: Iterable[Data]) -> None:
        """Note the places at which data has been made, where nothing is recorded yet, and what
        copies are made of it there."""
        known = self.all()
        for data in made:
            key, place = (data.application, data.unit), Place.parse(data.place)
            home = known.get(key) or (Home(place) if data.serving else None)
            if home and data.copies:
                home = replace(home, copies={**home.copies, place: data.copies})
            if home and home != known.get(key):
                self.record(*key, home)


def _key(name: str) -> tuple[str, str]:
    application, _, unit = name.partition("/")
    return application, unit


def _home(entry: Mapping[str, Any]) -> Home:
    other = entry.get("other")
    return Home(
        Place.parse(entry["serving"]),
        Place.parse(other) if other else None,
        bool(entry.get("paused")),
        {Place.parse(p): Copies(**made) for p, made in entry.get("copies", {}).items()},
    )


def _entry(home: Home) -> dict[str, Any]:
    entry = {
        "serving": str(home.serving),
        "other": str(home.other) if home.other else None,
        "paused": home.paused,
    }
    copies = {str(place): asdict(made) for place, made in home.copies.items()}
    return {**entry, "copies": copies} if copies else entry
