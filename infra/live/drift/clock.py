"""The clock and the time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property
from infra.resources import HostPlan

TOLERATED = 2.0  # seconds; certificates and Patroni's leader lock live with more
_LINK = re.compile(r"^L\+? (\S+) - - - - (\S+)$", re.MULTILINE)


def links(host: HostPlan) -> dict[str, str]:
    """Links that planned tmpfiles settings make: path → target."""
    text = "\n".join(f.content for f in host.parts.files if "/tmpfiles.d/" in f.path)
    return dict(_LINK.findall(text))


@detector("clock", needs="system")
def clock(seen: Seen) -> Iterator[Drifted]:
    """A clock that differs from the operator's machine's."""
    if abs(seen.clock) > TOLERATED:
        way = "ahead" if seen.clock > 0 else "behind"
        yield Drifted(
            "clock",
            "clock",
            "update",
            f"it is {abs(seen.clock):.0f} s {way} of this machine's",
            remedy="look at timedatectl on the host and at its time servers; one of the two"
            " clocks is wrong",
            words=("timedatectl", "date"),
        )


@detector("time-zone", needs="system")
def zone(seen: Seen) -> Iterator[Drifted]:
    """Another time zone, or another link that the plan makes."""
    for path, target in links(seen.host).items():
        live = seen.answers["system"]["links"].get(path)
        if (live or "").removeprefix("/").removeprefix("../") != target.removeprefix("../"):
            yield Drifted(
                "link",
                path,
                "update",
                f"it leads to {live or 'nothing'}",
                remedy="systemd-tmpfiles --create on the host; a deploy compares the file that"
                " makes it, not the link",
                properties=(Property("target", target, live),),
                words=(path, "timedatectl"),
            )
