"""Files that nobody's package brought, in the directories where a host's settings are."""

from __future__ import annotations

import glob
import hashlib
import os
import pwd
import subprocess
from typing import Any

OWN_DIRECTORY = "/var/lib/hanoi"
LISTS = "/var/lib/dpkg/info/*.list"
MOST = 200  # entries a directory; more would be another kind of trouble


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    """wanted: directories (paths), planned (paths of planned files).

    since: when the toolkit came to this host (0.0 if never); what is older was there before it
    and is no drift. files: path, kind, target, owner, changed, and sha256 of the content.
    """
    first = since(OWN_DIRECTORY)
    planned = set(wanted["planned"])
    found = [e for d in wanted["directories"] for e in entries(d) if e not in planned]
    new = {p: os.lstat(p) for p in found}
    young = {p: s for p, s in new.items() if s.st_ctime > first}
    foreign = sorted(set(young) - packaged(set(young)))
    return {"since": first, "files": [described(p, young[p]) for p in foreign]}


def since(path: str) -> float:
    """When the directory was made: its birth, where the file system keeps that."""
    argv = ["stat", "-c", "%W %Z", path]
    out = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split()
    if len(out) != 2:
        return 0.0
    birth, changed = (float(x) for x in out)
    return birth or changed


def entries(directory: str) -> list[str]:
    """Files and links below the directory, or the path itself where it is a file."""
    if os.path.isfile(directory):
        return [directory]
    found = []
    for base, _, names in os.walk(directory):
        found += [os.path.join(base, n) for n in names if not n.endswith((".hanoi-new", "~"))]
    return sorted(found)[:MOST]


def packaged(paths: set[str]) -> set[str]:
    """Those of the paths that belong to an installed package."""
    if not paths:
        return set()
    lines = {p.encode() + b"\n" for p in paths}
    found = set()
    for name in glob.glob(LISTS):
        with open(name, "rb") as stream:
            found |= lines & set(stream)
    return {line.rstrip(b"\n").decode() for line in found}


def described(path: str, status: os.stat_result) -> dict[str, Any]:
    link = os.readlink(path) if os.path.islink(path) else None
    return {
        "path": path,
        "target": link,
        "owner": owner(status.st_uid),
        "mode": "%04o" % (status.st_mode & 0o7777),
        "changed": status.st_ctime,
        "sha256": None if link is not None else digest(path),
    }


def owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def digest(path: str) -> str | None:
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read(2**20)).hexdigest()
    except OSError:
        return None
