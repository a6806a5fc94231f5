"""What sshd really does, whatever the files say."""

from __future__ import annotations

from collections.abc import Iterator

from infra.host.ssh import DROP_IN
from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property


@detector("ssh-in-force", needs="system", danger=True)
def in_force(seen: Seen) -> Iterator[Drifted]:
    """A setting of SSH with another value than the planned one, by whatever file."""
    live = seen.answers["system"]["sshd"]
    for name, value in _planned(seen).items():
        if name in live and _plain(live[name]) != _plain(value):
            yield Drifted(
                "ssh setting",
                name,
                "update",
                f"“{live[name]}” is in force, “{value}” is planned",
                remedy="look for the file that sets it: sshd -T, /etc/ssh/sshd_config and"
                " sshd_config.d on the host",
                danger=True,
                properties=(Property("value", value, live[name]),),
                words=("sshd_config", "sshd_config.d"),
            )


def _planned(seen: Seen) -> dict[str, str]:
    """The planned drop-in's settings before its first Match block, names as `sshd -T` has them."""
    text = next((f.content for f in seen.host.parts.files if f.path == DROP_IN), "")
    found = {}
    for line in text.splitlines():
        if line.startswith("Match "):
            break
        name, _, value = line.partition(" ")
        if value and not line.startswith("#"):
            found[name.lower()] = value
    return found


def _plain(value: str) -> str:
    """One spelling: case, `no` and `none`, and algorithm lists as sshd orders them."""
    return " ".join(sorted(value.lower().replace("none", "no").split()))
