"""The journal of the current run: what a killed command was doing."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from infra import paths
from infra.state.store import Store


@dataclass(frozen=True)
class Run:
    """One run. started, ended: ISO 8601 with zone; outcome: "ok", "failed", "interrupted" or
    None while it runs (or when it was killed); sites: site id → step reached."""

    command: str
    through: str | None
    started: str
    sites: dict[str, str] = field(default_factory=dict)
    ended: str | None = None
    outcome: str | None = None


class Journal:
    """journal.json. Only the holder of the lock writes it; sites may report in parallel."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "journal.json")
        self._lock = threading.Lock()

    def last(self) -> Run | None:
        content = self._store.read()
        return Run(**content["run"]) if "run" in content else None

    def interrupted(self) -> Run | None:
        """The last run if it did not end by itself. Ask while holding the lock and before
        begin(): then it cannot be one that still runs."""
        run = self.last()
        return run if run and run.outcome in (None, "interrupted") else None

    def begin(self, command: str, through: str | None = None) -> Run:
        """command: as the operator would type it, without secrets."""
        return self._save(Run(command, through, _now()))

    def step(self, site: str, step: str) -> None:
        """The site has reached this step."""
        with self._lock:
            run = self._current()
            if run.sites.get(site) != step:
                self._save(replace(run, sites={**run.sites, site: step}))

    def end(self, outcome: str = "ok") -> None:
        with self._lock:
            self._save(replace(self._current(), ended=_now(), outcome=outcome))

    def _current(self) -> Run:
        run = self.last()
        if run is None:
            raise RuntimeError("the journal has no run: begin() comes first")
        return run

    def _save(self, run: Run) -> Run:
        self._store.write({"run": asdict(run)})
        return run


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")
