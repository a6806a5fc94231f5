"""Kernel settings in force beside those in the planned files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.host.kernel import MACHINE_FILE, NETWORK_FILE
from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property
from infra.resources import HostPlan

_LINE = re.compile(r"^-?([a-z0-9_.]+) = (\S.*)$", re.MULTILINE)


def settings(host: HostPlan, path: str) -> dict[str, str]:
    """The settings that the planned file holds: name → value."""
    return {
        name: value
        for f in host.parts.files
        if f.path == path
        for name, value in _LINE.findall(f.content)
    }


@detector("kernel-setting", needs="system", danger=True)
def kernel(seen: Seen) -> Iterator[Drifted]:
    """A kernel setting that is in force with another value."""
    planned = settings(seen.host, NETWORK_FILE)
    if not seen.answers["system"]["container"]:
        planned |= settings(seen.host, MACHINE_FILE)
    for name, value in sorted(planned.items()):
        live = seen.answers["system"]["settings"].get(name)
        if live is not None and live != value:
            yield Drifted(
                "kernel setting",
                name,
                "update",
                f"{live} is in force, {value} is planned",
                remedy=f"sysctl -w {name}={value}; a deploy compares the file, not the kernel",
                danger=True,
                properties=(Property("value", value, live),),
                words=(name, name.replace(".", "/")),
            )
