"""The host image: a bare Debian trixie as a provider hands it over, built by mmdebstrap."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import cast

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from infra import paths
from infra.errors import Exit, HanoiError, error
from infra.lab import machine
from infra.lab.machine import Progress, engine_errors

REPOSITORY = "hanoi-lab-host"
SUITE = "trixie"
SUITE_KEY = Path("/usr/share/keyrings/debian-archive-trixie-stable.gpg")
# What Debian's own installer and a provider's image have, and no more: no engine.
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "nftables",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
)
_FILES = Path(__file__).parent / "host"
_URL = re.compile(r"^[A-Za-z0-9:/._+~-]+$")


def mirror() -> str:
    """HANOI_DEBIAN_MIRROR, else empty: mmdebstrap then takes Debian's own with updates."""
    value = os.environ.get("HANOI_DEBIAN_MIRROR", "").strip()
    if value and not (_URL.match(value) and "://" in value):
        raise error(
            "HN-L005",
            "HANOI_DEBIAN_MIRROR",
            f"{value!r} is not the address of a mirror",
            "Set it to the mirror's URL, or unset it.",
            Exit.ENVIRONMENT,
        )
    return value


def arguments(target: str, apt_settings: list[str], mirror_url: str) -> list[str]:
    """The mmdebstrap call that writes the image to the target tarball."""
    call = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}"]
    call += [f"--aptopt={line}" for line in apt_settings]
    call += [
        "--dpkgopt=force-unsafe-io",
        f'--customize-hook=sh {shlex.quote(str(_FILES / "customize"))} "$1"',
        SUITE,
        target,
    ]
    return call + ([mirror_url] if mirror_url else [])


def content_hash(mirror_url: str) -> str:
    """Of everything that decides the image, but the packages' versions on the mirror."""
    digest = hashlib.sha256(json.dumps([SUITE, PACKAGES, mirror_url]).encode())
    for name in ("init", "customize"):
        digest.update((_FILES / name).read_bytes())
    return digest.hexdigest()[:12]


def ensure_image(engine: docker.DockerClient, progress: Progress) -> str:
    """The host image's tag in the engine; from the cache or built where it is missing.

    HN-L005 when it cannot be built.
    """
    key = content_hash(mirror())
    tag = f"{REPOSITORY}:{key}"
    with engine_errors("host image"):
        try:
            engine.images.get(tag)
            return tag
        except ImageNotFound:
            pass
    tarball = paths.cache() / "lab" / f"{key}.tar"
    if tarball.exists():
        progress("importing the host image from the cache")
        if _import(engine, tarball, tag):
            return tag
        progress("the cached host image is damaged: building it again")
        tarball.unlink()
    build(tarball, progress)
    if not _import(engine, tarball, tag):
        raise _failed("the engine did not take the new image", "Repeat the command.")
    _forget_older(engine, tag, tarball)
    return tag


def build(tarball: Path, progress: Progress) -> None:
    """Build the image into the tarball; nothing is left under that name unless it is whole."""
    packages = [] if machine.program("mmdebstrap") else ["mmdebstrap"]
    packages += [] if SUITE_KEY.exists() else ["debian-archive-keyring"]
    if packages:
        if os.geteuid() != 0 or not machine.is_debian():
            raise _failed(
                f"{' and '.join(packages)} missing on this machine",
                f"Install: apt-get install {' '.join(packages)}",
            )
        machine.install(packages, progress)
    progress("building the host image from Debian packages (about half a minute)")
    tarball.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tarball.parent, prefix="build-") as work:
        target = Path(work) / "image.tar"
        call = arguments(str(target), machine.apt_settings(), mirror())
        done = subprocess.run(
            call,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode or not target.exists():
            raise _failed(
                f"mmdebstrap failed: {machine.last_line(done.stderr)}",
                "See that this machine reaches Debian's mirror and its keyring knows trixie "
                "(package debian-archive-keyring), then repeat the command.",
            )
        target.rename(tarball)


def _import(engine: docker.DockerClient, tarball: Path, tag: str) -> bool:
    """Import the tarball under the tag; false when the engine refuses it."""
    repository, _, version = tag.partition(":")
    try:
        with engine_errors("host image"):
            engine.api.import_image(src=str(tarball), repository=repository, tag=version)
            engine.images.get(tag)
    except HanoiError:
        return False
    return True


def _forget_older(engine: docker.DockerClient, tag: str, tarball: Path) -> None:
    """Free what earlier recipes left, where no host uses it."""
    for image in engine.images.list(name=REPOSITORY):
        if tag not in image.tags:
            try:
                engine.images.remove(cast(str, image.id))
            except (DockerException, requests.RequestException):
                continue  # a lab of that recipe is still there
    for other in tarball.parent.glob("*.tar"):
        if other != tarball:
            other.unlink(missing_ok=True)


def _failed(what: str, remedy: str) -> HanoiError:
    return error("HN-L005", "host image", what, remedy, Exit.ENVIRONMENT)
