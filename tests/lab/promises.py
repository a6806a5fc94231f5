"""Changes that are applied to the lab, and what each of them is there to prove: one row a change.

Together they create, replace, restart, reload and remove. Edits are of files of the repository,
as a reviewer sees them: of the description or of the toolkit itself.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAExampleExampleExampleExampleExampleExampleExam"


@dataclass(frozen=True)
class Promise:
    """edits: (file, text there, other text). holds: (kind, operation) that must be among what
    happens on the way there, so that no row proves less than it says. heal: a root script for
    every host that removes what a deploy leaves behind on the way back; sql: the same on the
    leading member of the database. returns: whether the way back is judged too; not where the way
    there leaves secrets, which a report from the description alone cannot know."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    holds: frozenset[tuple[str, str]]
    heal: str = ""
    sql: tuple[str, ...] = ()
    returns: bool = True

    @property
    def leaves(self) -> bool:
        """Whether the lab is not as it was when the row has been judged."""
        return bool(self.heal or self.sql or not self.returns)


def _row(
    name: str,
    *edits: tuple[str, str, str],
    holds: str,
    heal: str = "",
    sql: tuple[str, ...] = (),
    returns: bool = True,
) -> Promise:
    pairs = (tuple(h.rsplit(" ", 1)) for h in holds.split(", "))
    return Promise(name, edits, frozenset((k, o) for k, o in pairs), heal, sql, returns)


MINISTRY, ROADMAP = "sites/ministry.yaml", "sites/roadmap.yaml"
DOCUMENTS = "  documents:\n    mode: central\n"
# Units whose documents would run on the host of their home site.
AT_HOME = (
    "cuc-an-toan-thong-tin", "cuc-thong-tin-doi-ngoai", "cuc-tin-hoc-hoa", "vien-chien-luoc",
)  # fmt: skip

PROMISES = (
    _row(
        "the journal's limit and another network of users",
        (MINISTRY, "journal_max: 200MiB", "journal_max: 150MiB"),
        (MINISTRY, "user_networks: [10.77.0.0/16]", "user_networks: [10.77.0.0/16, 192.0.2.0/24]"),
        holds="file update, service restart, service reload, opening update",
    ),
    _row(
        "an operator",
        (
            MINISTRY,
            "timezone: ",
            f"operators: [{{id: promise, name: Promise, keys: [{KEY} promise]}}]\ntimezone: ",
        ),
        holds="login create, file create",
        heal="userdel -r promise 2>/dev/null; rm -f /etc/ssh/authorized_keys/promise; ! id promise",
    ),
    _row(
        "a setting that PostgreSQL reloads",
        (MINISTRY, "max_slot_wal_keep_size: 2GiB", "max_slot_wal_keep_size: 3GiB"),
        holds="one-off update, container reload",
    ),
    _row(
        "a setting that PostgreSQL restarts for",
        (MINISTRY, "max_connections: 200", "max_connections: 220"),
        holds="one-off update, container restart",
    ),
    _row(
        "an application's memory",
        ("sites/apps/personnel.yaml", "memory: 512MiB", "memory: 640MiB"),
        holds="container replace",
    ),
    _row(
        "a template of the gateway, settings of SSH and of the kernel",
        ("infra/services/templates/gateway/haproxy.cfg.j2", "timeout check 3s", "timeout check 4s"),
        ("infra/host/templates/sshd.conf.j2", "MaxAuthTries 4", "MaxAuthTries 3"),
        ("infra/host/kernel.py", '_keepalive_time", 120', '_keepalive_time", 150'),
        holds="container reload, service reload",
    ),
    _row(
        "the port of an application",
        ("infra/services/tryton.py", "PORT = 8443", "PORT = 8444"),
        holds="container replace, opening create, opening delete",
    ),
    _row(
        "a host without applications",
        (
            "sites/sites/tran-duy-hung.yaml",
            "roles: [database, gateway, applications]",
            "roles: [database, gateway]",
        ),
        *(
            (f"sites/units/{unit}.yaml", DOCUMENTS, f"{DOCUMENTS}    host: nd-1\n")
            for unit in AT_HOME
        ),
        holds="container delete, file delete, opening delete, container reload",
        returns=False,
    ),
    _row(
        "the content of an image",
        ("images/haproxy/Dockerfile", "USER ${UID}", "ENV PROMISE=kept\nUSER ${UID}"),
        holds="image update, container replace",
    ),
    _row(
        "another unit in the wave",
        (
            ROADMAP,
            "units: [tt-thong-tin, vu-to-chuc-can-bo]",
            "units: [tt-thong-tin, vu-to-chuc-can-bo, vu-phap-che]",
        ),
        holds="database create, one-off create, page create, secret create",
        heal="rm -f /etc/hanoi/tryton/admin/vu-phap-che",
        sql=(
            "drop database if exists personnel_vu_phap_che with (force)",
            "drop role if exists personnel_vu_phap_che",
        ),
    ),
    _row(
        "the limits of containers' logs",
        (MINISTRY, "container_max_size: 10MiB", "container_max_size: 11MiB"),
        holds="container replace, service restart",
    ),
)
