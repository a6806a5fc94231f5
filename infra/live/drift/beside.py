"""Files beside the plan in the directories where a host's settings are.

Each kind of directory is a detector of its own, so that a scheduler can tell a new sudo rule
from a stray file. Files of packages, and what was there before the toolkit, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.live.drift.registry import Drifted, Find, Seen, detector


@dataclass(frozen=True)
class Kind:
    """paths: directories or files, each whole; what: such a file in words."""

    id: str
    paths: tuple[str, ...]
    what: str
    danger: bool = True


KINDS = (
    Kind("file-in-own-directory", ("/etc/hanoi", "/var/lib/hanoi"), "a file", danger=False),
    Kind("ssh-settings", ("/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config"), "settings of SSH"),
    Kind("ssh-keys-file", ("/etc/ssh/authorized_keys",), "a file of SSH keys"),
    Kind("sudo-rule", ("/etc/sudoers.d",), "rules of sudo"),
    Kind(
        "kernel-settings-file",
        ("/etc/sysctl.d", "/etc/sysctl.conf", "/etc/modprobe.d"),
        "kernel settings",
    ),
    Kind(
        "apt-settings",
        ("/etc/apt/apt.conf.d", "/etc/apt/preferences.d", "/etc/apt/sources.list.d"),
        "settings of apt",
    ),
    Kind("systemd-override", ("/etc/systemd/system", "/run/systemd/system"), "settings of systemd"),
    Kind(
        "systemd-settings",
        (
            "/etc/systemd/journald.conf.d", "/etc/systemd/timesyncd.conf.d",
            "/etc/systemd/logind.conf.d", "/etc/systemd/system.conf.d", "/etc/tmpfiles.d",
        ),
        "settings of systemd's own services",
        danger=False,
    ),
    Kind(
        "cron-job",
        (
            "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
            "/etc/cron.monthly", "/var/spool/cron", "/etc/crontab", "/etc/anacrontab",
        ),
        "work done by the clock",
    ),
    Kind("engine-files", ("/etc/docker", "/etc/containerd"), "settings of the Docker engine"),
    Kind("preload", ("/etc/ld.so.preload", "/etc/ld.so.conf.d"), "libraries for every program"),
    Kind(
        "login-script",
        ("/etc/profile.d", "/etc/environment", "/etc/rc.local", "/etc/update-motd.d"),
        "commands at every login or start",
    ),
)  # fmt: skip
DIRECTORIES = tuple(p for k in KINDS for p in k.paths)
# Written by the host itself: the journal of pending actions, the record of placed files.
OF_THE_HOST = ("/var/lib/hanoi/pending/", "/var/lib/hanoi/files", "/etc/docker/key.json")


def _finder(kind: Kind) -> Find:
    def find(seen: Seen) -> Iterator[Drifted]:
        for entry in seen.answers["directories"]["files"]:
            path = entry["path"]
            if path.startswith(OF_THE_HOST) or not _below(path, kind.paths):
                continue
            if entry["target"] is not None and _enabled(path):
                continue
            if path in seen.look.gone:
                what = "a file that left the plan"
                remedy = "`hanoi deploy` removes it"
            else:
                what = f"{_what(kind, entry)} beside the plan"
                remedy = f"look what it is for; remove it by hand (rm {path}), or put it into"
                remedy += " the description"
            yield Drifted(
                "file",
                path,
                "create",
                what,
                remedy=remedy,
                danger=kind.danger,
                words=(path, path.rsplit("/", 1)[-1]),
                when=entry["changed"],
                by="" if entry["owner"] == "root" else f"it belongs to {entry['owner']}",
            )

    find.__doc__ = f"{kind.what[0].upper()}{kind.what[1:]} beside the plan."
    return find


def _below(path: str, directories: tuple[str, ...]) -> bool:
    return any(path == d or path.startswith(d + "/") for d in directories)


def _enabled(path: str) -> bool:
    """A link that `systemctl enable` makes; what it starts is another detector's business."""
    return ".wants/" in path or ".requires/" in path or path.endswith(("timesync1.service",))


def _what(kind: Kind, entry: dict[str, str | None]) -> str:
    if entry["target"] == "/dev/null":
        return "a mask (the unit cannot be started)"
    return kind.what


for _kind in KINDS:
    detector(_kind.id, needs="directories", danger=_kind.danger)(_finder(_kind))
