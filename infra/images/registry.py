"""Images from the hub's engine into the registry that the toolkit runs, and old ones away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from infra.errors import Exit, HanoiError, error
from infra.images import content
from infra.images.content import ImageSpec

# The registry knows its clients by certificate, which the engine has; so no login is sent,
# and none is looked for on the operator's machine.
NO_LOGIN: dict[str, str] = {}
OURS = re.compile(r"(?:^|/)" + content.NAMESPACE + r"/[a-z0-9-]+:([0-9a-f]{16})$")


def publish(
    engine: docker.DockerClient,
    registry: str,
    specs: Iterable[ImageSpec],
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Every image of `specs` in the registry ("host:port"): image name → digest (sha256:…).

    What the registry has under its content tag is not sent again. The engine does the asking
    and the sending, so its host needs the registry's authority and a client certificate.
    Raises HanoiError HN-I005 (not pushed), HN-I006 (the engine has no such image).
    """
    digests = {}
    for spec in specs:
        repository, tag = content.repository(spec.name, registry), content.tag(spec)
        digest = _digest(engine, f"{repository}:{tag}")
        if digest is None:
            progress(f"image {spec.name}: pushing to {registry}")
            digest = _push(engine, spec, repository, tag)
        digests[spec.name] = digest
    return digests


def prune(
    engine: docker.DockerClient,
    keep: Iterable[str],
    progress: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Take from the engine every hanoi image whose content tag is not in `keep`.

    The present base stays. Images in use stay, and images that are not the toolkit's are
    never touched. Returns the references that are gone, sorted. Raises HanoiError HN-I004.
    """
    wanted = {*keep, content.base_tag()}
    gone = []
    try:
        for ref in sorted(r for image in engine.images.list() for r in image.tags):
            match = OURS.search(ref)
            if match and match[1] not in wanted and _removed(engine, ref):
                progress(f"image {ref}: removed")
                gone.append(ref)
    except (DockerException, requests.RequestException) as failure:
        raise error(
            "HN-I004",
            "old images",
            f"the Docker engine did not remove them: {str(failure)[:300]}",
            "check `docker info` on that host, then run again",
        ) from failure
    return gone


def _removed(engine: docker.DockerClient, ref: str) -> bool:
    try:
        engine.images.remove(ref)
    except ImageNotFound:
        return False
    except APIError as failure:
        if failure.status_code == 409:  # a container uses it
            return False
        raise
    return True


def _digest(engine: docker.DockerClient, ref: str) -> str | None:
    """The registry's digest of the image, None when it has none or does not say.

    A registry that cannot be asked is no error yet: the push that follows says why.
    """
    try:
        # The stubs leave this call untyped.
        seen = engine.api.inspect_distribution(ref, auth_config=NO_LOGIN)  # type: ignore[no-untyped-call]
        return str(seen["Descriptor"]["digest"])
    except (DockerException, requests.RequestException, KeyError, TypeError):
        return None


def _push(engine: docker.DockerClient, spec: ImageSpec, repository: str, tag: str) -> str:
    """Push one image; its digest as the registry took it."""
    try:
        engine.images.get(content.reference(spec)).tag(repository, tag)
        digest = None
        for event in engine.api.push(
            repository, tag=tag, stream=True, decode=True, auth_config=NO_LOGIN
        ):
            if "error" in event:
                raise _not_pushed(spec, repository, str(event["error"]))
            digest = event.get("aux", {}).get("Digest") or digest
    except ImageNotFound as failure:
        raise error(
            "HN-I006",
            f"image {spec.name}",
            f"the engine has no {content.reference(spec)} to push",
            "run `hanoi images`, which builds what is missing",
        ) from failure
    except (DockerException, requests.RequestException) as failure:
        raise _not_pushed(spec, repository, str(failure)) from failure
    if not digest:
        raise _not_pushed(spec, repository, "the registry named no digest")
    return str(digest)


def _not_pushed(spec: ImageSpec, repository: str, why: str) -> HanoiError:
    return error(
        "HN-I005",
        f"image {spec.name}",
        f"not pushed to {repository}: {why.strip()[:300]}",
        "check that the registry's container runs and that the hub's engine has the registry's"
        " authority and a client certificate under /etc/docker/certs.d, then run again",
        Exit.FAILED,
    )
