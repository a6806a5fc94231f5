"""The toolkit's container images: named by content, built on the hub, kept, published.

No image registry is needed to begin with: one Debian base is made with mmdebstrap on the
engine's own host, the other images are built on it from Debian packages. docs/images.md of
the operators' guides and images/<name>/ hold what is in each.
"""

from __future__ import annotations

from infra.images.archive import prune_archives
from infra.images.build import ensure
from infra.images.content import SUITE, ImageSpec, base_tag, reference, tag
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
