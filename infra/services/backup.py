"""Nightly copies of a unit's own database, by pgBackRest, to the store that the unit states.

A full copy a night and all write-ahead log between, so that the unit can go back to any moment
within the copies kept. The store is a directory of the host on which something else than the
host's own disk should be mounted; docs/moves.md says how to restore.
"""

from __future__ import annotations

import shlex

from infra.resources import Action, File, OneOff, Parts, Unit
from infra.services import OWN_DATABASE, HostContext, on_host, postgres, render
from infra.services.own_database import COPIES, NAME, STANZA, STORE, UID, copies
from infra.services.tls import directory

SERVICE = "hanoi-backup.service"
TIMER = "hanoi-backup.timer"
TMPFILES = "/etc/tmpfiles.d/hanoi-backup.conf"
# Where the store has copies of an earlier database of the host they are kept, beside the new one's.
_MADE = ("sh", "-c", f"{shlex.join(COPIES)} stanza-create || {shlex.join(COPIES)} stanza-upgrade")


@on_host(OWN_DATABASE)
def nightly(ctx: HostContext) -> Parts:
    """The store's directory, pgBackRest's settings, and the timer."""
    made = copies(ctx)
    if made is None:
        return Parts()
    config = render(
        "backup/pgbackrest.conf.j2",
        store=STORE,
        stanza=STANZA,
        data=postgres.PGDATA,
        socket=postgres.SOCKET,
        superuser=postgres.SUPERUSER,
        keep=made.keep,
    )
    service = render("backup/service.j2", container=NAME, argv=" ".join(COPIES))
    timer = render("backup/timer.j2", at=made.at)
    owner = str(UID)
    return Parts(
        files=(
            File(
                TMPFILES,
                f"d {made.directory} 0700 {UID} {UID} -\n",
                actions=("backup-directory",),
            ),
            File(f"{directory(NAME)}/pgbackrest.conf", config, 0o400, owner, owner),
            File(f"/etc/systemd/system/{SERVICE}", service, actions=("backup-timer",)),
            File(f"/etc/systemd/system/{TIMER}", timer, actions=("backup-timer",)),
        ),
        units=(Unit(TIMER),),
        actions=(
            Action("backup-directory", ("systemd-tmpfiles", "--create", TMPFILES)),
            Action(
                "backup-timer",
                ("/bin/sh", "-c", f"systemctl daemon-reload && systemctl restart {TIMER}"),
            ),
        ),
        oneoffs=(OneOff("own-database-backup", NAME, (*COPIES, "check"), _MADE, 5),),
    )
