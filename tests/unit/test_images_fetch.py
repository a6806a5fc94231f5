"""pip's and npm's settings of the operator reach a build, and stay in no image."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import pytest
from test_images import SPEC, Engine, engine, files, makes_base  # noqa: F401 (fixtures)

from infra import images, paths
from infra.errors import HanoiError
from infra.images import content, fetch

TWO_STAGES = """ARG BASE
FROM ${BASE} AS fetch
LABEL hanoi.stage=fetch
COPY .fetch /fetch
FROM ${BASE}
COPY --from=fetch /opt/demo /opt/demo
"""
CA = "-----BEGIN CERTIFICATE-----\nmachine\n-----END CERTIFICATE-----\n"


@pytest.fixture
def machine(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment and a root directory: a machine behind mirrors with an authority."""
    root, home = tmp_path / "root", tmp_path / "home"
    for path, text in (
        (root / "etc/ssl/certs/ca-certificates.crt", CA),
        (root / "etc/pip.conf", "[global]\nindex-url = https://one.test/simple\ntimeout = 9\n"),
        (root / "etc/npmrc", "registry=https://npm.test/\nprefix=/opt/npm\n"),
        (
            home / ".config/pip/pip.conf",
            "[install]\nindex_url = https://two.test/simple\ncache-dir = /x\n",
        ),
        (
            home / ".npmrc",
            "; mine\n//npm.test/:_authToken=letter\n@mic:registry=https://mic.test/\n",
        ),
        (home / "own.crt", "own authority\n"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {"HOME": str(home)}, root


def test_settings_of_the_system_the_user_and_the_environment_in_the_clients_order(
    machine: tuple[dict[str, str], Path],
) -> None:
    env, root = machine
    found = fetch.files(env, root)
    assert found["pip.conf"].decode() == (
        "[global]\ncert = /fetch/ca.crt\nindex-url = https://two.test/simple\ntimeout = 9\n"
    )
    assert found["npmrc"].decode() == (
        "cafile=/fetch/ca.crt\nregistry=https://npm.test/\n//npm.test/:_authToken=letter\n"
        "@mic:registry=https://mic.test/\n"
    )
    assert found["ca.crt"].decode() == CA
    env |= {
        "PIP_INDEX_URL": "https://three.test/simple",
        "PIP_EXTRA_INDEX_URL": "https://a.test https://b.test",
        "PIP_CERT": f"{env['HOME']}/own.crt",
        "PIP_DEFAULT_TIMEOUT": "30",
        "NPM_CONFIG_REGISTRY": "https://other.test/",
    }
    found = fetch.files(env, root)
    assert "index-url = https://three.test/simple\n" in found["pip.conf"].decode()
    assert "extra-index-url = https://a.test\n  https://b.test\n" in found["pip.conf"].decode()
    assert "timeout = 30\n" in found["pip.conf"].decode()
    assert "registry=https://other.test/\n" in found["npmrc"].decode()
    assert found["ca.crt"].decode() == f"own authority\n\n{CA}"


def test_a_machine_without_settings_gives_the_clients_defaults(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pip.conf").write_text("no section\n")
    found = fetch.files({"HOME": str(tmp_path)}, tmp_path)
    assert found["pip.conf"] == b"[global]\ncert = /fetch/ca.crt\n"
    assert found["npmrc"] == b"cafile=/fetch/ca.crt\n"


def test_only_an_image_that_fetches_is_given_the_settings_and_its_stages_go_away(
    files: Path,  # noqa: F811
    engine: Engine,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "files", lambda: {"pip.conf": b"a secret\n"})
    images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    assert names(engine) == ["Dockerfile", "extra.txt"] and engine.prunes == []
    (files / "demo/Dockerfile").write_text(TWO_STAGES)
    content.forget()
    tag = images.tag(SPEC)
    images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    assert names(engine) == [".fetch/pip.conf", "Dockerfile", "extra.txt"]
    assert engine.prunes == [{"dangling": True, "label": "hanoi.stage=fetch"}]
    monkeypatch.setattr(fetch, "files", lambda: {"pip.conf": b"another mirror\n"})
    assert images.tag(SPEC) == tag


def test_a_failed_build_leaves_no_settings_behind(
    files: Path,  # noqa: F811
    engine: Engine,  # noqa: F811
    tmp_path: Path,
) -> None:
    (files / "demo/Dockerfile").write_text(TWO_STAGES)
    content.forget()
    engine.events = [{"error": "pip: no such package"}]
    with pytest.raises(HanoiError):
        images.ensure(engine, makes_base(engine), [SPEC], tmp_path)
    assert len(engine.prunes) == 1


@pytest.mark.parametrize("name", sorted(p.parent.name for p in paths.images().glob("*/Dockerfile")))
def test_a_real_image_keeps_the_settings_to_its_first_stage(name: str) -> None:
    """In the last stage nothing of /fetch; every stage before it is labelled to be removed."""
    text = content.dockerfile(name)
    *stages, last = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    assert ".fetch" not in last and "/fetch" not in last.replace("--from=fetch", "")
    for stage in stages:
        assert re.match(r"\S+ AS \S+\nLABEL hanoi\.stage=fetch\n", stage)
        assert fetch.needed(text)


def names(engine: Engine) -> list[str]:  # noqa: F811
    with tarfile.open(fileobj=io.BytesIO(engine.builds[-1]["fileobj"].getvalue())) as archive:
        return sorted(archive.getnames())
