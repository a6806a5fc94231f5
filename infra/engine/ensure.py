"""An engine that fits, from the cheapest source that has one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.engine import build, cache, find, official
from infra.engine.wanted import Wanted, wanted
from infra.errors import Exit, HanoiError, Problem, error

Progress = Callable[[str], None]
MODES = ("auto", "found", "official", "build")


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI with its Docker plugin.

    pulumi: the CLI, always as `<root>/bin/pulumi` (so `PulumiCommand(root=engine.root)` works);
    home: the PULUMI_HOME that holds the plugin; source: where this call got it from (found,
    official, built, cached); origin: where the CLI came from in the first place; env: what
    every process that uses the engine must be given.
    """

    pulumi: Path
    version: str
    home: Path
    source: str
    origin: str
    env: dict[str, str] = field(repr=False)

    @property
    def root(self) -> Path:
        return self.pulumi.parent.parent


def ensure(progress: Progress = lambda line: None, want: Wanted | None = None) -> Engine:
    """Give a working engine: cached, else found, else the official release, else built.

    progress gets one plain line at a time. HANOI_ENGINE=found|official|build forces a source.
    A warm call reads one small file and looks at two others; a build takes minutes. Raises
    HanoiError (HN-E001 to HN-E009). Two processes never build at once: the second waits.
    """
    want = want or wanted()
    mode = _mode()
    place = cache.place(want)
    if (hit := cache.look(place)) and _allowed(hit, mode):
        return _engine(place, hit, "cached")
    with cache.lock(progress):
        damage = cache.damage(place)
        if not damage and (hit := cache.look(place)) and _allowed(hit, mode):
            return _engine(place, hit, "cached")
        if damage:
            progress(f"The cached engine is damaged ({damage}); getting it again.")
        with _blaming(damage, place), cache.stage(place) as stage:
            origins = _obtain(stage, want, mode, progress)
            build.smoke(stage, want)
            hit = cache.publish(stage, place, want, origins)
    return _engine(place, hit, hit.origins["cli"])


def probe(want: Wanted | None = None) -> list[dict[str, str]]:
    """What an operator has and lacks, for `hanoi doctor`; builds and downloads nothing.

    Returns dicts with name, state (found, missing, unsuitable, will be built), detail, remedy.
    """
    want = want or wanted()
    place = cache.place(want)
    damage = cache.damage(place)
    if not damage and (hit := cache.look(place)):
        detail = f"Pulumi {hit.version} with docker plugin {want.plugin}, cached"
        return [_finding("engine", "found", detail)]
    findings = []
    if damage:
        findings.append(_finding("engine cache", "unsuitable", damage, "nothing; it is got again"))
    cli, plugin = find.cli(want), find.plugin(want)
    findings.append(_piece("Pulumi CLI", cli, want.cli))
    findings.append(_piece("Pulumi docker plugin", plugin, want.plugin))
    if not (cli.path and plugin.path):
        findings += build.probe(want)
    return findings


def _mode() -> str:
    mode = os.environ.get("HANOI_ENGINE") or "auto"
    if mode not in MODES:
        raise error(
            "HN-E007",
            "HANOI_ENGINE",
            f"{mode!r} is not a source of the engine",
            f"set it to one of {', '.join(MODES)}, or unset it",
            Exit.USAGE,
        )
    return mode


def _allowed(hit: cache.Hit, mode: str) -> bool:
    """Whether a cached engine comes from the source that the operator forces, if any."""
    origin = {"build": "built"}.get(mode, mode)
    return mode == "auto" or set(hit.origins.values()) == {origin}


def _obtain(stage: Path, want: Wanted, mode: str, progress: Progress) -> dict[str, str]:
    """Fill the stage with CLI and plugin; return where each came from."""
    origins: dict[str, str] = {}
    if mode in ("auto", "found"):
        origins |= _take_found(stage, want, mode, progress)
    if mode in ("auto", "official") and len(origins) < 2:
        origins |= official.fetch(stage, want, set(origins), mode == "official", progress)
    missing = [piece for piece in ("cli", "plugin") if piece not in origins]
    if missing:
        build.build(stage, want, missing, progress)
    return origins | {piece: "built" for piece in missing}


def _take_found(stage: Path, want: Wanted, mode: str, progress: Progress) -> dict[str, str]:
    origins = {}
    for piece, found, target in (
        ("cli", find.cli(want), cache.cli_path(stage)),
        ("plugin", find.plugin(want), cache.plugin_path(stage, want)),
    ):
        if found.path:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(found.path)
            origins[piece] = "found"
            progress(f"Using {found.path} ({found.version}).")
        elif mode == "found":
            raise error(
                "HN-E001",
                "HANOI_ENGINE=found",
                found.detail,
                f"install Pulumi {want.cli} with its docker plugin {want.plugin}, "
                "or unset HANOI_ENGINE so that they are fetched or built",
                Exit.ENVIRONMENT,
            )
        elif found.unsuitable:
            progress(f"Not used: {found.detail}.")
    return origins


@contextmanager
def _blaming(damage: str | None, place: Path) -> Iterator[None]:
    """When a damaged cache could not be replaced, say so beside the reason."""
    try:
        yield
    except HanoiError as failed:
        if not damage:
            raise
        first = Problem(
            str(place),
            "HN-E003",
            f"the cached engine is damaged ({damage}) and was not replaced",
            "remove what the next problem names and run again",
        )
        raise HanoiError((first, *failed.problems), failed.exit_code) from None


def _engine(place: Path, hit: cache.Hit, source: str) -> Engine:
    home = place / "home"
    path = os.pathsep.join([str(place / "bin"), os.environ.get("PATH", os.defpath)])
    return Engine(
        pulumi=cache.cli_path(place),
        version=hit.version,
        home=home,
        source=source,
        origin=hit.origins["cli"],
        env={
            "PULUMI_HOME": str(home),
            "PATH": path,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",  # only the plugin that was checked
            "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
            "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": "50",  # Pulumi keeps a log of every command
        },
    )


def _piece(name: str, found: find.Found, version: str) -> dict[str, str]:
    if found.path:
        return _finding(name, "found", f"{found.version} at {found.path}")
    remedy = f"nothing; {version} is fetched, or built where only package mirrors are reachable"
    state = "unsuitable" if found.unsuitable else "will be built"
    return _finding(name, state, found.detail, remedy)


def _finding(name: str, state: str, detail: str, remedy: str = "") -> dict[str, str]:
    return {"name": name, "state": state, "detail": detail, "remedy": remedy}
