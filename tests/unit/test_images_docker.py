"""One image built for real on the local engine, and what hardening asks of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from infra import images, paths

SPEC = images.ImageSpec("haproxy", 10777)  # a uid nothing else uses: always a build of its own


def run_here(script: str) -> None:
    subprocess.run(["sh"], input=script, text=True, capture_output=True, check=True)


@pytest.fixture
def engine() -> docker.DockerClient:
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except DockerException as failure:
        pytest.skip(f"no local Docker engine: {failure}")
    yield client
    client.close()


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_an_image_is_built_runs_restricted_and_comes_back_from_the_cache(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    base = f"base-{images.base_tag()}.tar"
    (tmp_path / "images").mkdir()
    for name in (base, base + ".sha256"):  # the real cache spares a minute where it is warm
        if (kept := paths.cache() / "images" / name).is_file():
            (tmp_path / "images" / name).symlink_to(kept)
    ref = images.reference(SPEC)
    try:
        images.ensure(engine, run_here, [SPEC], tmp_path)
        checks = (
            "set -e; id -u; find / -xdev -perm /6000 -type f 2>/dev/null | wc -l;"
            "ls -A /var/lib/apt/lists | wc -l; touch /run/ok /tmp/ok;"
            "if touch /etc/no 2>/dev/null; then echo writable; fi; haproxy -v | head -n 1"
        )
        said = engine.containers.run(
            ref,
            ["sh", "-c", checks],
            user=f"{SPEC.uid}:{SPEC.uid}",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": "", "/run": ""},
            network_mode="none",
            remove=True,
        )
        lines = said.decode().splitlines()
        assert lines[:3] == [str(SPEC.uid), "0", "0"]
        assert lines[3].startswith("HAProxy version 3.0.") and len(lines) == 4
        built = engine.images.get(ref).id
        engine.images.remove(ref)
        assert images.ensure(engine, run_here, [SPEC], tmp_path) == {SPEC.name: built}
    finally:
        if any(ref in image.tags for image in engine.images.list()):
            engine.images.remove(ref)
