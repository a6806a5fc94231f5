"""Who can log in, become root, or use the engine. No password or digest of one leaves a host."""

from __future__ import annotations

import glob
import grp
import os
import pwd
from typing import Any

POWERFUL = ("docker", "sudo", "adm", "root", "disk", "shadow", "lxd", "wheel")
SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    return {
        "logins": [
            {"name": e.pw_name, "uid": e.pw_uid, "shell": e.pw_shell, "home": e.pw_dir}
            for e in pwd.getpwall()
            if e.pw_uid == 0 or e.pw_shell.rsplit("/", 1)[-1] in SHELLS
        ],
        "groups": {name: members(name) for name in POWERFUL},
        "passwords": with_password(),
        "keys": own_keys(),
        "changed": {p: changed(p) for p in ("/etc/passwd", "/etc/shadow", "/etc/group")},
    }


def members(name: str) -> list[str]:
    """By list and by primary group."""
    try:
        group = grp.getgrnam(name)
    except KeyError:
        return []
    primary = [e.pw_name for e in pwd.getpwall() if e.pw_gid == group.gr_gid]
    return sorted({*group.gr_mem, *primary})


def with_password(path: str = "/etc/shadow") -> list[str]:
    """Logins with a password or with an empty one."""
    with open(path) as stream:
        rows = [line.split(":") for line in stream if ":" in line]
    return [row[0] for row in rows if row[1] == "" or row[1].startswith(("$", "_"))]


def own_keys() -> list[dict[str, Any]]:
    """Key files in home directories, with how many keys are in each."""
    found = []
    for home in {e.pw_dir for e in pwd.getpwall()}:
        for path in glob.glob(os.path.join(home, ".ssh", "authorized_keys*")):
            with open(path, errors="replace") as stream:
                keys = [x for x in stream if x.strip() and not x.startswith("#")]
            if keys:
                found.append({"path": path, "keys": len(keys), "changed": changed(path)})
    return found


def changed(path: str) -> float:
    try:
        return os.stat(path).st_ctime
    except OSError:
        return 0.0
