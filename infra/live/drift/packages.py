"""Packages: missing, held back, or installed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.live.drift.registry import Drifted, Seen, detector


@detector("package-missing", needs="packages")
def missing(seen: Seen) -> Iterator[Drifted]:
    """A planned package that was removed."""
    for name in seen.look.packages:
        run = _last(seen, "removed", name)
        yield Drifted(
            "package",
            name,
            "delete",
            "it is not installed",
            words=(name,),
            when=run["when"] if run else None,
            by=_by(run),
        )


@detector("package-held", needs="packages")
def held(seen: Seen) -> Iterator[Drifted]:
    """A package on hold: security updates pass it by."""
    for name in seen.answers["packages"]["held"]:
        yield Drifted(
            "package",
            name,
            "update",
            "it is on hold: no security update reaches it",
            remedy=f"apt-mark unhold {name}",
            danger=True,
            words=(name,),
        )


@detector("package-by-hand", needs="packages")
def by_hand(seen: Seen) -> Iterator[Drifted]:
    """A package that somebody installed by name and no plan has."""
    installed = set(seen.answers["packages"]["installed"])
    names = {
        n
        for run in seen.answers["packages"]["history"]
        if _somebody(run) and run["when"] > seen.since
        for n in run["installed"]
    }
    # The hub makes the images' base with it; it is installed by the recipe, not by the plan.
    ours = {*seen.host.parts.packages, "mmdebstrap"}
    for name in sorted((names & installed) - ours):
        run = _last(seen, "installed", name)
        yield Drifted(
            "package",
            name,
            "create",
            "it was installed beside the plan",
            remedy=f"remove it by hand (apt-get remove {name}) if nobody needs it",
            words=(name,),
            when=run["when"] if run else None,
            by=_by(run),
        )


def _somebody(run: dict[str, Any]) -> bool:
    return not run["by_toolkit"] and not run["unattended"]


def _last(seen: Seen, what: str, name: str) -> dict[str, Any] | None:
    runs = [r for r in seen.answers["packages"]["history"] if name in r[what]]
    return runs[-1] if runs else None


def _by(run: dict[str, Any] | None) -> str:
    return f"{run['by']} (apt's history)" if run and run["by"] and _somebody(run) else ""
