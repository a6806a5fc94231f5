"""The files of a unit's application at one place, and the containers that write to them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.errors import Exit, HanoiError, error
from infra.moves import manifest
from infra.placement import Place
from infra.resources import Container, Files, Plan
from infra.ssh import Connection

LOCK = "/run/hanoi-move-{volume}.lock"
STOP_SECONDS = 15  # while users wait; what works in the background was ended before
READY_SECONDS = 90


@dataclass
class Store:
    """The files at one place: what there is of volumes, and the containers that write there.

    background: of those, the ones that users do not reach; turn_files: as Data.turn_files."""

    place: Place
    files: tuple[Files, ...]
    containers: tuple[Container, ...]
    background: tuple[str, ...]
    connection: Connection | None
    remembered: str = manifest.REMEMBERED
    _paths: dict[str, str] = field(default_factory=dict)
    turn_files: tuple[str, ...] = ()

    @property
    def host(self) -> Connection:
        assert self.connection, "asked for only where there are files"
        return self.connection

    @property
    def paths(self) -> dict[str, str]:
        """Volume → its directory on the host."""
        if not self._paths and self.files:
            names = shlex.join(f.volume for f in self.files)
            said = self._run(f"docker volume inspect -f '{{{{.Mountpoint}}}}' {names}")
            self._paths = dict(zip((f.volume for f in self.files), said.split("\n"), strict=True))
        return self._paths

    def still(self, only: tuple[str, ...] | None = None, seconds: int = STOP_SECONDS) -> None:
        """Stop what writes to the files: first what others do not need. Can be done again."""
        for names in levels(self.containers):
            chosen = [n for n in names if only is None or n in only]
            if chosen:
                self._run(f"docker stop -t {seconds} {shlex.join(chosen)}", seconds + 60)

    def awake(self) -> None:
        """Start all of it: first what others need. Can be done again."""
        for names in reversed(levels(self.containers)):
            self._run(f"docker start {shlex.join(names)}")

    def ready(self, seconds: int = READY_SECONDS) -> bool:
        """Wait until each one's own health check passes; False when it did not in time."""
        tests = [
            shlex.join(("docker", "exec", c.name, *c.health.test[1:]))
            for c in self.containers
            if c.health and c.name not in self.background
        ]
        late = "[ $(date +%s) -lt $end ] || exit 1; sleep 0.5"
        waits = (f"until {test} >/dev/null 2>&1; do {late}; done\n" for test in tests)
        script = f"end=$(($(date +%s) + {seconds}))\n" + "".join(waits)
        return not tests or self.host.run(script, timeout=seconds + 60).rc == 0

    def look(self, *, names: bool = False, gentle: bool = False) -> dict[str, manifest.Seen]:
        """Volume → what it holds."""
        leaves = {f.volume: f.leaves for f in self.files}
        return manifest.look(
            self.host, self.paths, leaves, names=names, gentle=gentle, remembered=self.remembered
        )

    def forget(self) -> None:
        """What was remembered of the files, not the files."""
        names = [f"{self.remembered}/{f.volume}.json" for f in self.files]
        if names:
            self._run(f"rm -f {shlex.join(names)}")

    def remove(self) -> None:
        """Stop what uses the files, and remove them for good."""
        self.still()
        for volume, path in self.paths.items():
            self._run(f"find {shlex.quote(path)} -xdev -mindepth 1 -delete", 3600)
            self._run(f"rm -f {shlex.quote(LOCK.format(volume=volume))}")
        self.forget()

    def holds_any(self, volume: str) -> bool:
        path = shlex.quote(self.paths[volume])
        return bool(self._run(f"find {path} -xdev -type f -print -quit"))

    def _run(self, script: str, timeout: float = 120) -> str:
        done = self.host.run(script, timeout=timeout)
        if done.rc:
            raise failed(f"files at {self.place}", done.stderr)
        return done.text.strip()


def store(
    plan: Plan, place: Place, unit: str, application: str, connections: Mapping[str, Connection]
) -> Store:
    """The files of a unit's application at a place of the plan; none where it keeps none."""
    key = (application, unit, str(place))
    data = next((d for d in plan.data if (d.application, d.unit, d.place) == key), None)
    if data is None or not data.files or place.host is None:
        return Store(place, (), (), (), None)
    volumes = {f.volume for f in data.files}
    writing = tuple(
        c
        for c in plan.host(place.host).parts.containers
        if any(m.source in volumes and not m.read_only for m in c.mounts)
    )
    return Store(
        place, data.files, writing, data.background, connections[place.host],
        turn_files=data.turn_files,
    )  # fmt: skip


def levels(containers: tuple[Container, ...]) -> list[list[str]]:
    """Names in the order of a stop: those that none of the others needs, then what is left."""
    left, levels = {c.name: c for c in containers}, []
    while left:
        needed = {n for c in left.values() for n in c.needs}
        free = sorted(n for n in left if n not in needed) or sorted(left)
        levels.append(free)
        left = {n: c for n, c in left.items() if n not in free}
    return levels


def refuse_serving(what: str, place: Place, serving: Place) -> None:
    """A move writes and removes only where nobody is served. Raises HN-T013."""
    if place == serving:
        raise error(
            "HN-T013",
            f"{what} at {place}",
            "users are served from here, so nothing is written or removed by a move",
            "run the same command again; tell the maintainers when it repeats",
            Exit.REFUSED,
        )


def failed(where: str, stderr: str) -> HanoiError:
    said = [line for line in stderr.splitlines() if line]
    plain = [line for line in said if "rsync error" not in line] or said
    return error(
        "HN-T011",
        where,
        "; ".join(plain[-2:])[:400] or "it ended without saying why",
        "the move stops where it is; users are served by the place that served them before. Mend"
        " what is said here (space on the disk?) and run the same command again",
    )
