"""Pulumi's state is copied for a preview, and told apart by what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra import containers
from infra.containers import Images
from infra.errors import HanoiError
from infra.live import state
from infra.live.known import Known
from infra.live.session import Reading
from tests.unit.livehost import sample

_, PLAN = sample()
HOSTS = PLAN.hosts
URN = "urn:pulumi:nd-1::hanoi::docker:index/container:Container::container/etcd"


def checkpoint(**resource: Any) -> str:
    """A stack's file as Pulumi writes it."""
    resources = [{"urn": URN, "id": "abc", "inputs": {"name": "etcd"}, **resource}]
    latest = {"manifest": {"time": "2026-11-25T12:00:00Z"}, "resources": resources}
    return json.dumps({"version": 3, "checkpoint": {"stack": "x", "latest": latest}})


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file backend with one stack and a lock that a killed run left."""
    monkeypatch.delenv("HANOI_BACKEND", raising=False)
    pulumi = tmp_path / "state" / "pulumi" / ".pulumi"
    (pulumi / "stacks" / "hanoi").mkdir(parents=True)
    (pulumi / "stacks" / "hanoi" / "nd-1.json").write_text(checkpoint())
    (pulumi / "locks" / "organization").mkdir(parents=True)
    (pulumi / "locks" / "organization" / "x.json").touch()
    (pulumi / "meta.yaml").write_text("version: 1\n")
    return tmp_path / "state"


def reading(directory: Path) -> Reading:
    return Reading(PLAN, PLAN.sites, Known(None, {}), {}, lambda line: None, directory)


def test_the_copy_is_private_without_locks_and_gone_afterwards(backend: Path) -> None:
    images = Images({}, {})
    with state.copied(reading(backend), None, images, HOSTS, "x") as copy:  # type: ignore[arg-type]
        url = copy.stacks._backend
        assert url and url.startswith("file://") and str(backend) not in url
        place = Path(url.removeprefix("file://"))
        assert (place / ".pulumi" / "stacks" / "hanoi" / "nd-1.json").is_file()
        assert (place / ".pulumi" / "meta.yaml").is_file()
        assert not (place / ".pulumi" / "locks").exists()
        assert place.parent.stat().st_mode & 0o077 == 0
        assert copy.checkpoints["nd-1"] and copy.checkpoints["tdh-1"] == ""
    assert not place.parent.exists()
    assert (backend / "pulumi" / ".pulumi" / "locks" / "organization" / "x.json").is_file()


def test_without_a_state_there_is_nothing_to_copy(tmp_path: Path) -> None:
    images = Images({}, {})
    with state.copied(reading(tmp_path), None, images, HOSTS, "x") as copy:  # type: ignore[arg-type]
        assert set(copy.checkpoints.values()) == {""}
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_cannot_be_read(backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(state.shutil, "copytree", refuse)
    with (
        pytest.raises(HanoiError) as refused,
        state.copied(reading(backend), None, Images({}, {}), HOSTS, "x"),  # type: ignore[arg-type]
    ):
        pass
    [problem] = refused.value.problems
    assert problem.code == "HN-R039" and "Permission denied" in problem.what


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (checkpoint(), True),
        (checkpoint().replace("12:00:00", "13:00:00"), True),
        (checkpoint(modified="2026-11-25T14:00:00Z", outputs={"x": 1}), True),
        (checkpoint(id="def"), False),
        (checkpoint(inputs={"name": "other"}), False),
        (checkpoint(urn=URN + "2"), False),
        ("{", False),
    ],
)
def test_a_checkpoint_is_another_when_a_resource_is(backend: Path, text: str, same: bool) -> None:
    before = state.checkpoint(backend / "pulumi", "nd-1")
    (backend / "pulumi" / ".pulumi" / "stacks" / "hanoi" / "nd-1.json").write_text(text)
    assert (state.checkpoint(backend / "pulumi", "nd-1") == before) is same


def test_a_shared_backend_is_exported_not_touched(
    backend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HANOI_BACKEND: stacks are exported from there, and imported into the copy alone."""
    done: list[tuple[str, str, str]] = []

    class FakeStacks:
        def __init__(self, *arguments: Any) -> None:
            self._backend = arguments[-1]

        def __enter__(self) -> FakeStacks:
            return self

        def __exit__(self, *_: object) -> None: ...

        def exported(self, host: Any, images: Any) -> Any:
            done.append(("export", host.id, self._backend[:5]))
            return {"deployment": 1} if host.id == "nd-1" else None

        def imported(self, host: Any, images: Any, exported: Any) -> None:
            done.append(("import", host.id, self._backend[:5]))

    monkeypatch.setenv("HANOI_BACKEND", "postgres://team/pulumi")
    monkeypatch.setattr(state, "Stacks", FakeStacks)
    with state.copied(reading(backend), None, Images({}, {}), HOSTS, "x"):  # type: ignore[arg-type]
        pass
    assert [d for d in done if d[0] == "export"] == [("export", h.id, "postg") for h in HOSTS]
    assert [d for d in done if d[0] == "import"] == [("import", "nd-1", "file:")]
    assert containers.backend_url(backend) == "postgres://team/pulumi"
