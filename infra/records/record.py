"""Which transfers of records have been carried out (records.json); nothing in it is secret.

It saves a deploy from asking both databases every time. Without it a transfer is looked at again:
the markers in the target's database say what has come, so nothing comes twice.
"""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import paths
from infra.resources import Transfer, digest
from infra.state.store import Store


@dataclass(frozen=True)
class Done:
    """One transfer that is over. statement: digest of what the description said; when: ISO 8601;
    made: kind → records made in the target; stays: what the source has besides, by title, counted;
    notes: what is left to administrators."""

    statement: str
    when: str
    made: dict[str, int]
    stays: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


class TransferRecord:
    """One entry for each application, source and target."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "records.json")

    def get(self, transfer: Transfer) -> Done | None:
        """How the transfer ended, as far as the description still says the same. Raises HN-D003."""
        entry = self._store.read().get(_key(transfer))
        if entry is None or entry["statement"] != digest(transfer):
            return None
        stays = tuple((str(title), int(count)) for title, count in entry["stays"])
        return dataclasses.replace(Done(**entry), stays=stays, notes=tuple(entry["notes"]))

    def write(self, transfer: Transfer, done: Done) -> Done:
        self._store.write({**self._store.read(), _key(transfer): asdict(done)})
        return done


def _key(transfer: Transfer) -> str:
    return f"{transfer.application}/{transfer.source}/{transfer.target}"
