"""A description planned by the toolkit of its own revision, in a process of its own.

It is code of the repository that the operator works in, and runs as the operator: as running
that revision's own `hanoi` would. It gets a private copy, a bare environment and no secrets.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import paths, resources
from infra.diff.git import Entry, Repository
from infra.diff.revisions import extract
from infra.errors import Exit, HanoiError, Problem, error
from infra.placement import Places
from infra.resources import Plan

SECONDS = 120
KEPT = 8  # copies of other toolkits in the cache
CODE = ("infra", "images")


@dataclass(frozen=True)
class Planned:
    """What the other toolkit made of the description. wave_known: it has the wave asked for."""

    plan: Plan
    tags: Mapping[str, str]
    wave_known: bool


def code_of(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """The toolkit's files that a plan depends on; empty where the tree holds no toolkit."""
    if "infra/plan.py" not in tree:
        return {}
    return {p: e for p, e in tree.items() if p.split("/", 1)[0] in CODE}


def key(code: Mapping[str, Entry]) -> str:
    """The same for the same files."""
    text = "".join(f"{e.mode} {e.id} {p}\0" for p, e in sorted(code.items()))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]


def copy(repository: Repository, code: Mapping[str, Entry]) -> Path:
    """A private copy of the toolkit's files, kept in the cache by their key."""
    place = paths.cache() / "toolkits"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = place / key(code)
    if not target.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
        try:
            extract(repository, code, fresh)
            os.rename(fresh, target)
        except FileExistsError:  # another run was faster
            pass
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        _prune(place, target)
    os.utime(target)
    return target


def _prune(place: Path, keep: Path) -> None:
    """Forget the copies that were not used for longest."""
    known = [p for p in place.iterdir() if not p.name.startswith(".") and p != keep]
    for old in sorted(known, key=lambda p: p.stat().st_mtime)[: max(0, len(known) + 1 - KEPT)]:
        shutil.rmtree(old, ignore_errors=True)


def planned(code: Path, sites: Path, shown: str, through: str | None, places: Places) -> Planned:
    """Plan `sites` by the toolkit below `code`. shown: the revision, for messages; places: where
    data is before (see infra.plan.plan_after; an earlier toolkit may know nothing of moves).

    Raises HanoiError: the description's own problems, or HN-R008 when that toolkit fails.
    """
    script = Path(__file__).with_name("bootstrap.py")
    known = json.dumps([[*of, place] for of, place in places.items()])
    environment = {k: os.environ[k] for k in ("PATH", "LANG", "TMPDIR") if k in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(script), str(code), str(sites), through or "", known],
            capture_output=True,
            check=False,
            timeout=SECONDS,
            cwd=code,
            env={**environment, "HOME": str(code), "HANOI_SITES": str(sites)},
        )
        told = json.loads(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, OSError, ValueError) as failure:
        raise _failed(shown, type(failure).__name__) from None
    if told is None:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise _failed(shown, lines[-1][:300] if lines else f"it ended with {done.returncode}")
    if "problems" in told:
        raise HanoiError(_problems(told["problems"], str(sites), shown), Exit.FINDINGS)
    try:
        plan = rebuilt(told["plan"])
    except (KeyError, TypeError, AttributeError) as failure:
        raise _failed(shown, f"its plan has another form ({failure})") from None
    if not isinstance(plan, Plan):
        raise _failed(shown, "its plan has another form")
    return Planned(plan, told["tags"], told["wave_known"])


def _problems(told: list[dict[str, str]], sites: str, shown: str) -> list[Problem]:
    return [
        Problem(p["where"].replace(sites, f"{shown}:sites", 1), p["code"], p["what"], p["remedy"])
        for p in told
    ]


def _failed(shown: str, why: str) -> HanoiError:
    return error(
        "HN-R008",
        shown,
        f"the toolkit of this revision cannot plan its description: {why}",
        "check the revision out by itself and run its own `hanoi check`",
    )


def no_such_wave(wave: str, shown: str) -> HanoiError:
    """The later side's roadmap does not have the wave that was asked for."""
    return error(
        "HN-P001",
        f"wave {wave}",
        f"the roadmap of {shown} has no such wave",
        "choose one of those in its roadmap.yaml",
        Exit.USAGE,
    )


def rebuilt(value: Any) -> Any:
    """JSON of bootstrap.plain → nouns of infra.resources, without fields that are unknown here.

    Raises TypeError or AttributeError when a noun lacks what ours cannot do without.
    """
    if isinstance(value, list):
        return tuple(rebuilt(v) for v in value)
    if not isinstance(value, dict):
        return value
    if "" not in value:
        return {k: rebuilt(v) for k, v in value.items()}
    kind = getattr(resources, str(value[""]))
    known = {f.name for f in dataclasses.fields(kind)}
    return kind(**{k: rebuilt(v) for k, v in value.items() if k in known})
