"""How far the roadmap has come (roadmap.json) and what its gates showed (gates.json).

Two files, as two commands write them: a deploy, which holds the lock, and a verification, which
needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra import paths
from infra.state.journal import Journal
from infra.state.store import Store


@dataclass(frozen=True)
class GateResult:
    """What the last verification said about a gate.

    at: when it began; through: the wave it was verified up to; passed, failed: how many checks
    did (failed with those that an unreachable host missed); said: the first that failed, a line
    each.
    """

    at: str
    through: str
    passed: int
    failed: int = 0
    said: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.passed > 0 and not self.failed


@dataclass(frozen=True)
class Despite:
    """A wave entered knowingly while gates did not pass. who: login and machine."""

    at: str
    who: str
    waves: tuple[str, ...]
    gates: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Reached:
    """How far the roadmap has come. entered: waves whose rollout has begun; deployed: those that
    a run over all sites has finished, with when; changed: since when a gate's result counts."""

    entered: frozenset[str] = frozenset()
    deployed: tuple[tuple[str, str], ...] = ()
    changed: str = ""
    despite: tuple[Despite, ...] = ()


def moment() -> str:
    """Now, in the one form that compares as text; fine enough that what a run begins after a
    verification is never taken for the same moment."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Waves:
    """roadmap.json. Only the holder of the lock writes it."""

    def __init__(self, directory: Path | None = None):
        self._directory = directory or paths.state()
        self._store = Store(self._directory / "roadmap.json")

    def read(self, order: Sequence[str]) -> Reached:
        """order: the roadmap's waves. A state from before this record says how far it came in
        its journal. Raises HN-D003."""
        content = self._store.read()
        if not content:
            return self._from_journal(order)
        try:
            return Reached(
                frozenset(content.get("entered", ())),
                tuple(sorted(content.get("deployed", {}).items())),
                max(content.get("changed", ""), content.get("underway", "")),
                tuple(
                    Despite(d["at"], d["who"], tuple(d["waves"]), tuple(d["gates"]), d["reason"])
                    for d in content.get("despite", ())
                ),
            )
        except (AttributeError, KeyError, TypeError):
            raise self._store.damaged("it does not say how far the roadmap has come") from None

    def _from_journal(self, order: Sequence[str]) -> Reached:
        run = Journal(self._directory).last()
        if run is None or run.through is None or run.through not in order:
            return Reached()
        came = order[: list(order).index(run.through) + 1]
        when = _in_utc(run.ended or run.started)
        done = tuple((w, when) for w in came) if run.outcome == "ok" else ()
        return Reached(frozenset(came), tuple(sorted(done)), when)

    def enter(self, order: Sequence[str], waves: Iterable[str], despite: Despite | None) -> None:
        """A run begins that brings these waves. Until it ends, and after one that never did, no
        earlier result of a gate says anything about what is there."""
        before = self.read(order)
        content = self._store.read()
        noted = [*content.get("despite", ()), *([asdict(despite)] if despite else ())]
        self._store.write(
            {
                "entered": sorted(before.entered | set(waves)),
                "deployed": dict(before.deployed),
                "changed": before.changed,
                "underway": moment(),
                "despite": noted,
            }
        )

    def finish(self, waves: Iterable[str], *, changed: bool, whole: bool) -> None:
        """The run has ended well. changed: whether it changed anything; whole: it brought
        everything of these waves, and took away what is of later ones, at all sites."""
        content = self._store.read()
        content.pop("underway", None)
        now = moment()
        if changed:
            content["changed"] = now
        if whole:
            known = content.get("deployed", {})
            content["entered"] = sorted(waves)
            content["deployed"] = {w: known.get(w, now) for w in content["entered"]}
        self._store.write(content)

    def clear(self) -> None:
        """Nothing is deployed any more."""
        kept = self._store.read().get("despite", ())
        self._store.write({"entered": [], "deployed": {}, "changed": moment(), "despite": kept})


class Gates:
    """gates.json: gate → what the last verification said about it."""

    def __init__(self, directory: Path | None = None):
        self._store = Store((directory or paths.state()) / "gates.json")

    def all(self) -> dict[str, GateResult]:
        """Raises HN-D003."""
        try:
            return {
                name: GateResult(r["at"], r["through"], r["passed"], r["failed"], tuple(r["said"]))
                for name, r in self._store.read().items()
            }
        except (KeyError, TypeError):
            raise self._store.damaged("it does not hold results of gates") from None

    def record(self, results: Mapping[str, GateResult]) -> None:
        if results:
            made = {name: asdict(result) for name, result in results.items()}
            self._store.write({**self._store.read(), **made})


def _in_utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")
