"""Docker volumes."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector


@detector("volume-unknown", needs="engine")
def unknown(seen: Seen) -> Iterator[Drifted]:
    """A volume that nobody planned."""
    planned = {v.name for v in seen.host.parts.volumes}
    for volume in seen.answers["engine"]["volumes"]:
        name = volume["Name"]
        if name not in planned:
            yield Drifted(
                "volume",
                name,
                "create",
                "a volume beside the plan; it may hold data",
                remedy=f"look what is in it (docker volume inspect {name}) before docker volume rm",
                words=(name,),
            )


@detector("volume-missing", needs="engine", danger=True)
def missing(seen: Seen) -> Iterator[Drifted]:
    """A planned volume that is gone, with its data."""
    there = {v["Name"] for v in seen.answers["engine"]["volumes"]}
    for volume in seen.host.parts.volumes:
        if volume.name not in there:
            yield Drifted(
                "volume",
                volume.name,
                "delete",
                "it is gone, with its data",
                remedy="hanoi deploy makes an empty one; restore the data first if it is needed",
                danger=True,
                words=(volume.name,),
            )
