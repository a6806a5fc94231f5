"""Security updates come in by themselves; nothing restarts by itself because of them."""

from __future__ import annotations

from infra.resources import File, Parts, Unit
from infra.services import HostContext, on_host, render

SETTINGS = "/etc/apt/apt.conf.d/60hanoi-upgrades"

# A new engine restarts under the containers: that is an operator's decision, host by host.
HELD_BACK = ("docker", "containerd", "runc")


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    content = render("apt-upgrades.j2", package="infra.host", held_back=HELD_BACK)
    return Parts(
        packages=("unattended-upgrades",),
        files=(File(SETTINGS, content, validate=("/usr/bin/apt-config", "-c", "{}", "dump")),),
        units=(Unit("apt-daily.timer"), Unit("apt-daily-upgrade.timer")),
    )
