"""Which images a deploy would build and push, and the references that a preview can use."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from infra import images, paths, supply
from infra.containers import Images
from infra.images import archive
from infra.live.session import Reading
from infra.report.content import Change, Finding
from infra.services import registry
from infra.state import Digests

NOT_YET = f"sha256:{'0' * 64}"


@dataclass(frozen=True)
class ImagesAhead:
    """images: what a preview is given; changes: what is built or pushed at the hub; findings:
    why a deploy would be refused."""

    images: Images
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]


def ahead(reading: Reading) -> ImagesAhead:
    """From the operator's own record of digests, as a deploy does; asks no registry."""
    tags = supply.tags(reading.plan)
    known = Digests(reading.state).all()
    refs, changes = {}, []
    hub = reading.plan.host(reading.plan.hub)
    for spec in supply.specs(reading.plan):
        tag = tags[spec.name]
        found = known.get(f"{spec.name}:{tag}")
        own = spec.name == registry.NAME  # there is nowhere to pull it from
        address = f"{supply.registry_address(reading.plan)}/hanoi/{spec.name}"
        refs[spec.name] = found or (NOT_YET if own else f"{address}@{NOT_YET}")
        if found is None:
            why = _source(spec, tag) + ("" if own else " and pushed to the registry")
            changes.append(
                Change("image", f"hanoi/{spec.name}:{tag}", "create", hub.id, hub.site, why=why)
            )
    chosen = {h.id for s in reading.sites for h in s.hosts}
    findings = (_not_there(hub.id, len(changes)),) if changes and hub.id not in chosen else ()
    return ImagesAhead(Images(refs, tags), tuple(changes), findings)


def _source(spec: images.ImageSpec, tag: str) -> str:
    file = archive.path(paths.cache(), spec.name, tag)
    with contextlib.suppress(OSError):
        if file.is_file():
            return "loaded from the cache"
    return "built"


def _not_there(hub: str, count: int) -> Finding:
    return Finding(
        "images-missing",
        "refused",
        f"host {hub}",
        f"{count} images are missing, and the hub, which builds and keeps them, is not among"
        " the chosen sites",
        "a deploy of these sites alone would be refused (HN-D021)",
        "run hanoi images first, or plan without --site",
    )
