"""Images on the engine, and which image a container really runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra import supply
from infra.images import content
from infra.live.drift.registry import Drifted, Seen, detector
from infra.services import registry


@detector("image-unknown", needs="engine")
def unknown(seen: Seen) -> Iterator[Drifted]:
    """An image on the engine that is not the toolkit's."""
    own = supply.registry_address(seen.plan)
    ours = (f"{content.NAMESPACE}/", f"{own}/{content.NAMESPACE}/")
    for name in sorted({t for i in _images(seen) for t in i.get("RepoTags") or []}):
        if not name.startswith(ours) and name != "<none>:<none>":
            yield Drifted(
                "image",
                name,
                "create",
                "an image beside the plan",
                remedy=f"docker rmi {name}, if nobody needs it",
                words=(name, name.rsplit(":", 1)[0]),
            )


@detector("image-tag-moved", needs="engine", danger=True)
def moved(seen: Seen) -> Iterator[Drifted]:
    """A content tag of the toolkit that names other content on the engine and in the registry."""
    for image in sorted({c.image for c in seen.host.parts.containers} - {registry.NAME}):
        tag = seen.tags[image]
        local = _id_of(seen, f"{content.NAMESPACE}/{image}:{tag}")
        pushed = _id_of(
            seen, f"{supply.registry_address(seen.plan)}/{content.NAMESPACE}/{image}:{tag}"
        )
        if local and pushed and local != pushed:
            yield Drifted(
                "image",
                f"{content.NAMESPACE}/{image}:{tag}",
                "replace",
                "the tag names another image than the one that was pushed",
                remedy=f"docker rmi the wrong one and run hanoi images on {seen.host.id}'s hub",
                danger=True,
                words=(f"{content.NAMESPACE}/{image}",),
            )


@detector("container-image", needs="engine", danger=True)
def of_container(seen: Seen) -> Iterator[Drifted]:
    """A planned container that runs an image which is not the toolkit's of that name."""
    names = {i["Id"]: _names(i) for i in _images(seen)}
    there = {c["Name"].lstrip("/"): c for c in seen.answers["engine"]["containers"]}
    for planned in seen.host.parts.containers:
        live = there.get(planned.name)
        if live is None:
            continue
        found = names.get(live["Image"], set())
        repository = f"{content.NAMESPACE}/{planned.image}"
        if not any(n.endswith(repository) for n in found):
            yield Drifted(
                "container",
                planned.name,
                "replace",
                f"it runs {', '.join(sorted(found)) or 'an image without a name'}"
                f" instead of {repository}",
                remedy=f"docker rm -f {planned.name}, then hanoi deploy",
                danger=True,
                words=(planned.name,),
            )


def _images(seen: Seen) -> list[dict[str, Any]]:
    return list(seen.answers["engine"]["images"])


def _names(image: dict[str, Any]) -> set[str]:
    """Repositories of the image, by tag and by digest."""
    tags = (t.rsplit(":", 1)[0] for t in image.get("RepoTags") or [])
    digests = (d.partition("@")[0] for d in image.get("RepoDigests") or [])
    return {n for n in (*tags, *digests) if n != "<none>"}


def _id_of(seen: Seen, reference: str) -> str | None:
    return next((i["Id"] for i in _images(seen) if reference in (i.get("RepoTags") or [])), None)
