"""Who each host is (identity.json) and which digest each image has (images.json)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import paths
from infra.errors import Exit, HanoiError, Problem
from infra.state.store import Store


@dataclass(frozen=True)
class Identity:
    """machine_id: /etc/machine-id; engine_id: Docker's own id ("" before it is installed)."""

    machine_id: str
    engine_id: str = ""


class Identities:
    """Which machine and which Docker engine each host id stands for.

    A deploy compares them before it refreshes or applies anything, so that another or a new,
    empty machine at a host's address is never taken for the host.
    """

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "identity.json")
        self._lock = threading.Lock()

    def get(self, host: str) -> Identity | None:
        entry = self._store.read().get(host)
        return Identity(**entry) if entry else None

    def check(self, host: str, machine_id: str, engine_id: str) -> bool:
        """True: it is the recorded one; False: none is recorded for this host.

        A recorded empty engine_id (host seen before Docker was there) matches any.
        Raises HN-D010 when the host is another than the recorded one.
        """
        expected = self.get(host)
        if expected is None:
            return False
        if machine_id != expected.machine_id:
            raise _another(host, "machine", expected.machine_id, machine_id)
        if expected.engine_id and engine_id != expected.engine_id:
            raise _another(host, "Docker engine", expected.engine_id, engine_id)
        return True

    def record(self, host: str, machine_id: str, engine_id: str = "") -> None:
        with self._lock:
            content = self._store.read()
            entry = asdict(Identity(machine_id, engine_id))
            if content.get(host) != entry:
                self._store.write({**content, host: entry})

    def forget(self, host: str) -> None:
        with self._lock:
            content = self._store.read()
            if content.pop(host, None) is not None:
                self._store.write(content)


def _another(host: str, what: str, expected: str, found: str) -> HanoiError:
    return HanoiError(
        Problem(
            host,
            "HN-D010",
            f"another {what} answers at this host's address: "
            f"expected {expected[:12]}…, found {found[:12] or 'none'}…",
            f"nothing was changed. If the host was replaced: hanoi bootstrap --replaced {host}; "
            "if not, compare its address in the model",
        ),
        Exit.REFUSED,
    )


class Digests:
    """Content tag of an image → its digest in the registry."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "images.json")
        self._lock = threading.Lock()

    def all(self) -> dict[str, str]:
        return dict(self._store.read())

    def get(self, tag: str) -> str | None:
        return self._store.read().get(tag)

    def update(self, digests: Mapping[str, str]) -> None:
        with self._lock:
            content = self._store.read()
            if {**content, **digests} != content:
                self._store.write({**content, **digests})

    def forget(self, tag: str) -> None:
        with self._lock:
            content = self._store.read()
            if content.pop(tag, None) is not None:
                self._store.write(content)
