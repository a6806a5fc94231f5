"""Two instances with one database told whose turn it is, by their own files and at once.

Users wait for this, so it does not go through Ansible: one short program puts the files in place
as a deploy would. What would read them is stopped first, and started by whoever asked.
"""

from __future__ import annotations

from typing import Any

from infra import inventory
from infra.inventory import Resolve
from infra.moves.stores import Store
from infra.resources import Plan

# payload: files [{path, content, mode, owner, group}], place (bool). Prints the paths that differ.
PROGRAM = r"""
import json, os, shutil
def named(owner):
    return int(owner) if owner.isdigit() else owner

differing = []
for file in payload["files"]:
    try:
        with open(file["path"], "rb") as present:
            same = present.read() == file["content"].encode()
    except FileNotFoundError:
        same = False
    if same:
        continue
    differing.append(file["path"])
    if payload["place"]:
        new, directory = file["path"] + ".new", os.path.dirname(file["path"])
        os.makedirs(directory, exist_ok=True)
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "wb") as stream:
            stream.write(file["content"].encode())
            stream.flush()
            shutil.chown(new, named(file["owner"]), named(file["group"]))
            os.fchmod(stream.fileno(), file["mode"])
            os.fsync(stream.fileno())
        os.replace(new, file["path"])
        handle = os.open(directory, os.O_RDONLY)
        os.fsync(handle)  # a host that loses power now must not wake up with the old one
        os.close(handle)
print(json.dumps(differing))
"""


def tell(plan: Plan, at: Store, resolve: Resolve) -> None:
    """Bring the turn files of a place to the plan; an instance that has others is stopped first, so
    that none works by what it read before. Raises HN-C009, HN-T011."""
    payload = _payload(plan, at, resolve)
    if at.host.python(PROGRAM, {**payload, "place": False}):
        at.still()
        at.host.python(PROGRAM, {**payload, "place": True})


def _payload(plan: Plan, at: Store, resolve: Resolve) -> dict[str, Any]:
    host = str(at.place.host)
    contents = inventory.content(plan, host, at.turn_files, resolve)
    found = [f for f in plan.host(host).parts.files if f.path in contents]
    return {
        "files": [
            {
                "path": f.path,
                "content": contents[f.path],
                "mode": f.mode,
                "owner": f.owner,
                "group": f.group,
            }
            for f in found
        ]
    }
