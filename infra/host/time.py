"""Time: the model's time servers and time zone.

In a container the clock belongs to the machine around it: systemd's own conditions keep the
service from starting there, which counts as in order.
"""

from __future__ import annotations

from infra.resources import Action, File, Parts, Unit
from infra.services import HostContext, on_host, render

SERVERS = "/etc/systemd/timesyncd.conf.d/10-hanoi.conf"
ZONE = "/etc/tmpfiles.d/hanoi-time-zone.conf"


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    ministry = context.model.ministry
    values = {"servers": ministry.time_servers, "zone": ministry.timezone}
    return Parts(
        packages=("systemd-timesyncd", "tzdata"),
        files=(
            File(
                SERVERS,
                render("timesyncd.conf.j2", package="infra.host", **values),
                actions=("time",),
            ),
            # /etc/localtime is a link; tmpfiles sets it now and again at every start.
            File(
                ZONE,
                render("time-zone.conf.j2", package="infra.host", **values),
                validate=("/bin/systemd-tmpfiles", "--dry-run", "--create", "{}"),
                actions=("time-zone",),
            ),
        ),
        units=(Unit("systemd-timesyncd.service"),),
        actions=(
            Action("time", ("systemctl", "restart", "systemd-timesyncd.service")),
            Action("time-zone", ("systemd-tmpfiles", "--create", ZONE)),
        ),
    )
