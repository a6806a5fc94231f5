"""What a verification found."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

NOT_CHECKED = "not checked: unreachable"


@dataclass(frozen=True)
class Check:
    """One check on one host. outcome: passed, failed or skipped; seconds: its own time; gates:
    those of the roadmap that it belongs to."""

    id: str
    host: str
    title: str
    outcome: str
    detail: str
    seconds: float
    gates: tuple[str, ...] = ()

    def __str__(self) -> str:
        line = f"{self.host}: {self.id}: {self.title}"
        return f"{line}\n    {self.detail}" if self.detail else line


@dataclass(frozen=True)
class Report:
    """All checks of a run, in the order they ran. seconds: the whole run."""

    checks: tuple[Check, ...]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """passed, failed and skipped, all three always."""
        found = Counter(c.outcome for c in self.checks)
        return {name: found[name] for name in ("passed", "failed", "skipped")}

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.outcome == "failed")

    @property
    def ok(self) -> bool:
        """Something was checked and nothing failed. A check left out on purpose is no failure;
        one left out because its host is unreachable comes with that host's own failure."""
        return bool(self.checks) and not self.failed

    def text(self) -> str:
        """What an operator reads: each failure, unreachable hosts once, then the counts."""
        lines = [str(c) for c in self.failed]
        skipped = Counter(c.detail for c in self.checks if c.outcome == "skipped")
        lines += [f"{number} × {reason}" for reason, number in sorted(skipped.items())]
        counts = ", ".join(
            f"{n} {name}" for name, n in self.counts.items() if n or name != "skipped"
        )
        return "\n".join([*lines, f"{counts} in {self.seconds:.1f} s"])

    def as_json(self) -> str:
        return json.dumps(
            {
                "ok": self.ok,
                "counts": self.counts,
                "seconds": round(self.seconds, 2),
                "checks": [asdict(c) for c in self.checks],
            },
            indent=2,
            ensure_ascii=False,
        )
