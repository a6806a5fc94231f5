"""One look at each host, in parallel: what differs, what runs, who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra import paths, ssh
from infra.resources import is_configuration
from infra.ssh import Connection


@dataclass(frozen=True)
class FileDrift:
    """why: missing, content, mode or owner."""

    path: str
    why: str


@dataclass(frozen=True)
class Pending:
    """An action that a change asked for and that has not been done. since: the host's clock,
    seconds since the epoch; moot: its container has been started since or does not run."""

    id: str
    since: float
    moot: bool


@dataclass(frozen=True)
class RunningContainer:
    """A container of the toolkit as the engine tells it. started: seconds since the epoch."""

    name: str
    id: str
    spec: str | None
    state: str
    health: str | None
    image: str
    started: float
    restarts: int


@dataclass(frozen=True)
class RunningNetwork:
    name: str
    id: str
    managed: bool


@dataclass(frozen=True)
class Look:
    """What one host is like. engine: "up", "down" or "absent"; containers, volumes and
    networks say nothing unless it is up. The names in packages, users, units and files are
    those that differ from what is wanted; gone: files of containers' configuration that
    the toolkit placed and nothing plans any more."""

    host: str
    bare: bool
    machine_id: str | None
    engine: str
    engine_id: str | None
    packages: tuple[str, ...]
    users: tuple[str, ...]
    files: tuple[FileDrift, ...]
    units: tuple[str, ...]
    gone: tuple[str, ...]
    pending: tuple[Pending, ...]
    containers: tuple[RunningContainer, ...]
    volumes: tuple[str, ...]
    networks: tuple[RunningNetwork, ...]

    @property
    def drifted(self) -> bool:
        """Something on the host itself differs."""
        return bool(self.packages or self.users or self.files or self.units)

    @property
    def due(self) -> tuple[str, ...]:
        """Ids of the actions that still have to run."""
        return tuple(p.id for p in self.pending if not p.moot)

    @property
    def clean(self) -> bool:
        """Nothing to do on the host."""
        return not (self.bare or self.drifted or self.due or self.gone)


def look(
    connections: Mapping[str, Connection], desired_by_host: Mapping[str, Mapping[str, Any]]
) -> dict[str, Look]:
    """Look at every host of desired_by_host, in parallel; one program, one answer a host.

    Raises HanoiError (HN-C…) with every host that could not be looked at: none is ever taken
    for empty.
    """
    program = _program()

    def one(connection: Connection) -> Look:
        answer = connection.python(program, dict(desired_by_host[connection.host_id]))
        return parse(connection.host_id, answer)

    return ssh.on_each({h: connections[h] for h in desired_by_host}, one)


@lru_cache(maxsize=1)
def _program() -> str:
    return (paths.roles() / "facts" / "library" / "host_facts.py").read_text()


def parse(host: str, answer: Mapping[str, Any]) -> Look:
    """The program's JSON as a Look."""
    drift = answer["drift"]
    return Look(
        host=host,
        bare=answer["bare"],
        machine_id=answer["identity"]["machine_id"],
        engine=answer["engine"],
        engine_id=answer["identity"]["engine_id"],
        packages=tuple(drift["packages"]),
        users=tuple(drift["users"]),
        files=tuple(FileDrift(**f) for f in drift["files"]),
        units=tuple(drift["units"]),
        gone=tuple(p for p in answer["gone"] if is_configuration(p)),
        pending=tuple(Pending(**p) for p in answer["pending"]),
        containers=tuple(RunningContainer(**c) for c in answer["containers"]),
        volumes=tuple(answer["volumes"]),
        networks=tuple(RunningNetwork(**n) for n in answer["networks"]),
    )
