"""The toolkit's container images: named by content, built on the hub, kept, published.

No image registry is needed to begin with: one Debian base is made with mmdebstrap on the
engine's own host, the other images are built on it from Debian packages. docs/images.md of
the operators' guides and images/<name>/ hold what is in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.images.content import SUITE, ImageSpec, base_tag, reference, tag

if TYPE_CHECKING:
    from infra.images.archive import prune_archives
    from infra.images.build import ensure
    from infra.images.registry import prune, publish

__all__ = [
    "SUITE",
    "ImageSpec",
    "base_tag",
    "ensure",
    "prune",
    "prune_archives",
    "publish",
    "reference",
    "tag",
]

_LATER = {
    "ensure": "build",
    "prune": "registry",
    "prune_archives": "archive",
    "publish": "registry",
}


def __getattr__(name: str) -> Any:
    """What talks to an engine is imported when it is used: a tag needs no Docker client."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
