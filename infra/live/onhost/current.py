"""What stands on a host in the place of what is wanted: files, logins, units."""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import stat
import subprocess
from typing import Any

PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,StateChangeTimestamp"


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    """wanted: files (paths), closed (paths whose content may hold a secret: it is not read),
    users, units (names), limit (bytes of content a file)."""
    closed = set(wanted["closed"])
    return {
        "files": {p: file(p, p in closed, wanted["limit"]) for p in wanted["files"]},
        "users": {name: user(name) for name in wanted["users"]},
        "units": units(wanted["units"]),
    }


def file(path: str, closed: bool, limit: int) -> dict[str, Any]:
    """kind: absent, file, link, directory or other. content: None where it is closed, larger
    than the limit or not text. Times: seconds since the epoch."""
    try:
        status = os.lstat(path)
    except OSError:
        return {"kind": "absent"}
    found = {
        "kind": kind(status.st_mode),
        "mode": "%04o" % (status.st_mode & 0o7777),
        "owner": name_of(pwd.getpwuid, status.st_uid),
        "group": name_of(grp.getgrgid, status.st_gid),
        "size": status.st_size,
        "changed": status.st_ctime,
        "content": None,
    }
    if found["kind"] == "file" and not closed:
        with open(path, "rb") as stream:
            data = stream.read()
        found["sha256"] = hashlib.sha256(data).hexdigest()
        if len(data) <= limit:
            with contextlib.suppress(UnicodeDecodeError):
                found["content"] = data.decode()
    return found


def kind(mode: int) -> str:
    for test, word in ((stat.S_ISREG, "file"), (stat.S_ISLNK, "link"), (stat.S_ISDIR, "directory")):
        if test(mode):
            return word
    return "other"


def name_of(find: Any, number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def user(name: str) -> dict[str, Any] | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = sorted(g.gr_name for g in grp.getgrall() if name in g.gr_mem)
    return {"shell": entry.pw_shell, "groups": groups}


def units(names: list[str]) -> dict[str, dict[str, str]]:
    """Unit → its properties, as systemd tells them."""
    if not names:
        return {}
    argv = ["systemctl", "show", "--timestamp=unix", "--property", PROPERTIES, "--", *names]
    out = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    blocks = [
        dict(line.partition("=")[::2] for line in block.splitlines())
        for block in out.strip().split("\n\n")
    ]
    return dict(zip(names, blocks, strict=False))
