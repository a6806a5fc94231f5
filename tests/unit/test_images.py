"""Content tags, archives, builds and pushes, against an engine that keeps images in a dict."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound

from infra import images
from infra.errors import HanoiError
from infra.images import archive, content

SPEC = images.ImageSpec("demo", 7001)
REGISTRY = "10.0.0.1:5000"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small images/ directory of its own in place of the toolkit's."""
    root = tmp_path / "toolkit"
    for name, text in (
        ("base/recipe.sh", "echo base\n"),
        ("demo/Dockerfile", "ARG BASE\nFROM ${BASE}\n"),
        ("demo/extra.txt", "one\n"),
        ("other/Dockerfile", "ARG BASE\nFROM ${BASE}\n"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o644)
    monkeypatch.setattr("infra.paths.images", lambda: root)
    content.forget()
    yield root
    content.forget()


class Engine:
    """As much of docker.DockerClient as the toolkit uses. An image is its reference's bytes."""

    def __init__(self) -> None:
        self.refs: dict[str, str] = {}
        self.builds: list[dict[str, Any]] = []
        self.prunes: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = [{"stream": "Step 1/1 : FROM x\n"}]
        self.push_events: list[dict[str, Any]] = [{"aux": {"Digest": "sha256:" + "d" * 64}}]
        self.in_registry: dict[str, str] = {}
        self.pushed: list[str] = []
        self.in_use: set[str] = set()
        self.images, self.api = self, self

    def get(self, ref: str) -> Any:
        if ref not in self.refs:
            raise ImageNotFound(ref)
        return SimpleNamespace(
            id=self.refs[ref],
            save=lambda named: iter([ref.encode()]),
            tag=lambda repository, tag: self.refs.update({f"{repository}:{tag}": self.refs[ref]}),
        )

    def load(self, data: Any) -> None:
        ref = data.read().decode()
        self.refs[ref] = "sha256:loaded"

    def build(self, **call: Any) -> Any:
        self.builds.append(call)
        if not any("error" in e for e in self.events):
            self.refs[call["tag"]] = "sha256:built"
        return iter(self.events)

    def prune(self, filters: dict[str, Any]) -> None:
        self.prunes.append(filters)

    def inspect_distribution(self, ref: str, auth_config: Any) -> Any:
        if ref not in self.in_registry:
            raise APIError("not found", SimpleNamespace(status_code=404, reason=""), "unknown")
        return {"Descriptor": {"digest": self.in_registry[ref]}}

    def push(self, repository: str, tag: str, **_: Any) -> Any:
        self.pushed.append(f"{repository}:{tag}")
        return iter(self.push_events)

    def list(self) -> Any:
        return [SimpleNamespace(tags=[ref]) for ref in self.refs]

    def remove(self, ref: str) -> None:
        if ref in self.in_use:
            raise APIError("in use", SimpleNamespace(status_code=409, reason=""), "in use")
        del self.refs[ref]


@pytest.fixture
def engine() -> Engine:
    return Engine()


def makes_base(engine: Engine):
    def run(script: str) -> None:
        assert script.startswith("SUITE=trixie\nIMAGE=hanoi/base:")
        engine.refs[content.base_reference()] = "sha256:base"

    return run


def never(script: str) -> None:
    pytest.fail("the base was made, but it was not needed")


def tag_after(change=lambda: None, spec: images.ImageSpec = SPEC) -> str:
    change()
    content.forget()
    return images.tag(spec)


def only(failure: pytest.ExceptionInfo[HanoiError]):
    (problem,) = failure.value.problems
    return problem


# Tags


def test_a_tag_is_16_hex_digits_and_stays(files: Path) -> None:
    before = images.tag(SPEC)
    assert len(before) == 16 and int(before, 16) >= 0
    assert tag_after() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "demo/extra.txt").write_text("two\n"),
        lambda root: (root / "demo/extra.txt").rename(root / "demo/renamed.txt"),
        lambda root: (root / "demo/extra.txt").chmod(0o755),
        lambda root: (root / "demo/new.txt").write_text(""),
        lambda root: (root / "base/recipe.sh").write_text("echo other\n"),
    ],
    ids=["content", "name", "executable", "new file", "base"],
)
def test_a_tag_changes_with_what_the_image_is_made_of(files: Path, change) -> None:
    before = images.tag(SPEC)
    assert tag_after(lambda: change(files)) != before


def test_a_tag_changes_with_the_uid_and_the_suite(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = images.tag(SPEC)
    assert images.tag(images.ImageSpec("demo", 7002)) != before
    monkeypatch.setattr(content, "SUITE", "forky")
    assert images.tag(SPEC) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "other/Dockerfile").write_text("FROM x\n"),
        lambda root: (root / "demo/extra.txt").chmod(0o660),
        lambda root: __import__("os").utime(root / "demo/extra.txt", (1, 1)),
    ],
    ids=["another image", "umask", "time"],
)
def test_a_tag_does_not_change_otherwise(files: Path, change) -> None:
    before = images.tag(SPEC)
    assert tag_after(lambda: change(files)) == before


@pytest.mark.parametrize("name", ["nothing", "../images/demo", ""])
def test_an_unknown_image_is_named(files: Path, name: str) -> None:
    with pytest.raises(HanoiError) as failure:
        images.tag(images.ImageSpec(name, 1))
    assert only(failure).code == "HN-I001"


def test_the_context_is_the_same_bytes_at_another_time(files: Path) -> None:
    before = content.context("demo")
    for path in files.rglob("*.txt"):
        path.touch()
    assert content.context("demo") == before
    with tarfile.open(fileobj=io.BytesIO(before)) as tar:
        assert {(m.name, m.mtime) for m in tar} == {("Dockerfile", 0), ("extra.txt", 0)}


# Having images


def test_a_cold_engine_builds_base_then_image_and_keeps_both(
    files: Path, engine: Engine, tmp_path: Path
) -> None:
    ids = images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    assert ids == {"demo": "sha256:built"}
    (call,) = engine.builds
    assert call["buildargs"] == {"BASE": content.base_reference(), "UID": "7001"}
    kept = sorted(p.name for p in (tmp_path / "images").glob("*.tar*"))
    base, demo = f"base-{images.base_tag()}.tar", f"demo-{images.tag(SPEC)}.tar"
    assert kept == [base, base + ".sha256", demo, demo + ".sha256"]


def test_what_the_engine_has_is_left_alone(files: Path, engine: Engine, tmp_path: Path) -> None:
    engine.refs[images.reference(SPEC)] = "sha256:there"
    assert images.ensure(engine, never, [SPEC], tmp_path) == {"demo": "sha256:there"}
    assert not engine.builds


def test_a_new_engine_loads_from_the_cache(files: Path, engine: Engine, tmp_path: Path) -> None:
    images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    fresh = Engine()
    assert images.ensure(fresh, never, [SPEC], tmp_path) == {"demo": "sha256:loaded"}
    assert not fresh.builds


@pytest.mark.parametrize("damage", ["cut", "flipped", "other image", "no digest"])
def test_a_damaged_archive_is_made_again(
    files: Path, engine: Engine, tmp_path: Path, damage: str
) -> None:
    images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    kept = archive.path(tmp_path, "demo", images.tag(SPEC))
    good = kept.read_bytes()
    if damage == "no digest":
        kept.with_name(kept.name + ".sha256").unlink()
    elif damage == "other image":
        archive.save(kept, [b"hanoi/other:0000000000000000"])
    else:
        kept.write_bytes(good[:-1] if damage == "cut" else bytes([good[0] ^ 1]) + good[1:])
    fresh = Engine()
    assert images.ensure(fresh, never, [SPEC], tmp_path) == {"demo": "sha256:built"}
    assert kept.read_bytes() == good and archive.state(kept) == "good"


def test_a_save_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def chunks():
        yield b"half"
        raise OSError(28, "No space left on device")

    target = archive.path(tmp_path, "demo", "0" * 16)
    with pytest.raises(OSError):
        archive.save(target, chunks())
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_costs_the_archive_not_the_image(
    files: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "save", full)
    said: list[str] = []
    ids = images.ensure(engine, makes_base(engine), [SPEC], tmp_path, said.append)
    assert ids == {"demo": "sha256:built"}
    assert "image demo: not kept in the cache: No space left on device" in said


def test_a_failed_build_shows_its_last_20_lines_and_keeps_the_log(
    files: Path, engine: Engine, tmp_path: Path
) -> None:
    engine.events = [{"stream": f"line {n}\n"} for n in range(40)]
    engine.events += [{"error": "E: Unable to locate package nonesuch", "errorDetail": {}}]
    with pytest.raises(HanoiError) as failure:
        images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    problem = only(failure)
    assert (problem.code, problem.where) == ("HN-I002", "image demo")
    assert len(problem.what.splitlines()) == 21
    assert problem.what.endswith("E: Unable to locate package nonesuch")
    assert "line 21\n" in problem.what and "line 20\n" not in problem.what
    log = tmp_path / "images/logs" / f"demo-{images.tag(SPEC)}.log"
    assert str(log) in problem.remedy and log.read_text().startswith("line 0\n")
    assert archive.state(archive.path(tmp_path, "demo", images.tag(SPEC))) == "absent"


def test_a_base_that_fails_says_what_the_script_said(
    files: Path, engine: Engine, tmp_path: Path
) -> None:
    def run(script: str) -> None:
        said = "\n".join(f"E: {n}" for n in range(30))
        raise subprocess.CalledProcessError(1, ["sh"], stderr=said)

    with pytest.raises(HanoiError) as failure:
        images.ensure(engine, run, [SPEC], tmp_path)
    problem = only(failure)
    assert problem.code == "HN-I003"
    assert "E: 29" in problem.what and "E: 10" in problem.what and "E: 9\n" not in problem.what
    assert not engine.builds


def test_a_base_that_is_not_there_afterwards_is_an_error(
    files: Path, engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(HanoiError) as failure:
        images.ensure(engine, lambda script: None, [SPEC], tmp_path)
    assert only(failure).code == "HN-I003"


def test_an_engine_that_is_gone_is_no_missing_image(
    files: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(ref: str) -> None:
        raise requests.ConnectionError("connection refused")

    monkeypatch.setattr(engine, "get", gone)
    with pytest.raises(HanoiError) as failure:
        images.ensure(engine, never, [SPEC], tmp_path)
    assert only(failure).code == "HN-I004" and failure.value.exit_code == 6


# Publishing and pruning


def test_publish_pushes_once_and_gives_digests(files: Path, engine: Engine) -> None:
    engine.refs[images.reference(SPEC)] = "sha256:id"
    ref = images.reference(SPEC, REGISTRY)
    assert images.publish(engine, REGISTRY, [SPEC]) == {"demo": "sha256:" + "d" * 64}
    assert engine.pushed == [ref] and ref == f"{REGISTRY}/hanoi/demo:{images.tag(SPEC)}"
    engine.in_registry[ref] = "sha256:" + "e" * 64
    assert images.publish(engine, REGISTRY, [SPEC]) == {"demo": "sha256:" + "e" * 64}
    assert engine.pushed == [ref]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"status": "Preparing"}, {"error": "denied: no certificate"}], "no certificate"),
        ([{"status": "Pushed"}], "named no digest"),
    ],
)
def test_a_push_that_fails_in_the_stream_is_an_error(
    files: Path, engine: Engine, events, expected: str
) -> None:
    engine.refs[images.reference(SPEC)] = "sha256:id"
    engine.push_events = events
    with pytest.raises(HanoiError) as failure:
        images.publish(engine, REGISTRY, [SPEC])
    assert only(failure).code == "HN-I005" and expected in only(failure).what


def test_publish_of_an_image_the_engine_lacks(files: Path, engine: Engine) -> None:
    with pytest.raises(HanoiError) as failure:
        images.publish(engine, REGISTRY, [SPEC])
    assert only(failure).code == "HN-I006"


def test_prune_takes_only_our_old_unused_images(files: Path, engine: Engine) -> None:
    old, used, new = "hanoi/demo:" + "0" * 16, "hanoi/demo:" + "1" * 16, images.reference(SPEC)
    pushed = f"{REGISTRY}/hanoi/demo:" + "0" * 16
    foreign = ["debian:trixie", "hanoi/demo:mine", "nothanoi/demo:" + "0" * 16]
    for ref in [old, used, new, pushed, content.base_reference(), *foreign]:
        engine.refs[ref] = "sha256:x"
    engine.in_use.add(used)
    assert images.prune(engine, [images.tag(SPEC)]) == sorted([old, pushed])
    assert set(engine.refs) == {used, new, content.base_reference(), *foreign}


def test_prune_archives_keeps_what_is_wanted(tmp_path: Path) -> None:
    for name, tag in (("demo", "0" * 16), ("demo", "1" * 16)):
        archive.save(archive.path(tmp_path, name, tag), [b"x"])
    assert images.prune_archives(tmp_path, ["1" * 16]) == [f"demo-{'0' * 16}.tar"]
    left = sorted(p.name for p in (tmp_path / "images").iterdir())
    assert left == [f"demo-{'1' * 16}.tar", f"demo-{'1' * 16}.tar.sha256"]
