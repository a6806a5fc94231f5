"""Logs: the journal survives a restart and cannot fill the disk."""

from __future__ import annotations

from infra.resources import Action, File, Parts
from infra.services import HostContext, on_host, render

JOURNAL = "/etc/systemd/journald.conf.d/10-hanoi.conf"


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    limit = context.model.ministry.logs.journal_max
    content = render("journald.conf.j2", package="infra.host", limit=limit)
    # A restart loses nothing: systemd keeps the sockets and the streams open meanwhile.
    restart = "systemctl restart systemd-journald.service && journalctl --flush"
    return Parts(
        files=(File(JOURNAL, content, actions=("journal",)),),
        actions=(Action("journal", ("/bin/sh", "-c", restart)),),
    )
