"""What a directory holds, file by file, so that two copies can be compared.

A file's sha256 is remembered on its host together with what the kernel says of the file (device,
inode, size, times of contents and of change), and counted anew when any of these differs. So
everything is read once while users work, and only the rest while they wait.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.ssh import Connection

REMEMBERED = "/var/cache/hanoi-move"  # on the host; goes when a move is finished
SECONDS = 24 * 3600  # an archive is read at the speed of its disk

# payload: directories {volume: path}, leaves {volume: names left out}, remembered, names (bool),
# gentle (bool). Prints {volume: [files, bytes, digest, entries]}; entries {path: what it is}.
PROGRAM = r"""
import hashlib, json, os, stat, sys, time
RACE = 2 * 10**9  # a file changed so shortly before it was read may change again unseen
if payload["gentle"]:
    os.nice(19)

def summed(path, before):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
        after = os.fstat(file.fileno())
    same = (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size, after.st_mtime_ns, after.st_ctime_ns)
    return digest.hexdigest(), same

def one(path, known, kept):
    s = os.lstat(path)
    owner = "%o %d:%d" % (stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid)
    if stat.S_ISDIR(s.st_mode):
        return "directory " + owner, 0, 0
    if stat.S_ISLNK(s.st_mode):
        return "link to %s %d:%d" % (os.readlink(path), s.st_uid, s.st_gid), 1, 0
    if not stat.S_ISREG(s.st_mode):
        return None, 0, 0
    facts = [s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns]
    entry = known.get(path)
    if entry and entry[:5] == facts:
        kept[path] = entry
        digest = entry[5]
    else:
        began = time.time_ns()
        digest, same = summed(path, s)
        if same and s.st_ctime_ns < began - RACE:
            kept[path] = [*facts, digest]
    what = "file %s, %d names, %d bytes, sha256 %s" % (owner, s.st_nlink, s.st_size, digest)
    return what, 1, s.st_size

def seen(root, leaves, known, kept):
    entries, files, size = {}, 0, 0
    for directory, names, others in os.walk(root):
        if directory == root:
            names[:] = [n for n in names if n not in leaves]
            others = [n for n in others if n not in leaves]
        names.sort()
        links = [n for n in names if os.path.islink(os.path.join(directory, n))]
        for name in [".", *links, *sorted(others)]:
            path = directory if name == "." else os.path.join(directory, name)
            try:
                what, counted, length = one(path, known, kept)
            except FileNotFoundError:  # gone meanwhile
                continue
            if what:
                entries[os.path.relpath(path, root)] = what
                files, size = files + counted, size + length
    return entries, files, size

os.makedirs(payload["remembered"], mode=0o700, exist_ok=True)
answer = {}
for volume, root in payload["directories"].items():
    memory = os.path.join(payload["remembered"], volume + ".json")
    try:
        with open(memory) as file:
            known = json.load(file)
    except (FileNotFoundError, ValueError):
        known = {}
    kept = {}
    entries, files, size = seen(root, payload["leaves"][volume], known, kept)
    with open(memory + ".new", "w") as file:
        json.dump(kept, file)
    os.rename(memory + ".new", memory)
    text = "".join("%s\0%s\0" % item for item in sorted(entries.items()))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    answer[volume] = [files, size, digest, entries if payload["names"] else {}]
print(json.dumps(answer))
"""


@dataclass(frozen=True)
class Seen:
    """A volume's content. digest: of all names, kinds, owners, modes, sizes and contents; entries:
    path → what it is, where that was asked for."""

    files: int
    bytes: int
    digest: str
    entries: dict[str, str] = field(default_factory=dict)


def look(
    connection: Connection,
    directories: dict[str, str],
    leaves: dict[str, tuple[str, ...]],
    *,
    names: bool = False,
    gentle: bool = False,
    remembered: str = REMEMBERED,
) -> dict[str, Seen]:
    """Volume → what it holds. gentle: at the lowest priority. Raises HN-C009."""
    payload: dict[str, Any] = {
        "directories": directories,
        "leaves": {v: list(n) for v, n in leaves.items()},
        "names": names,
        "gentle": gentle,
        "remembered": remembered,
    }
    answer = connection.python(PROGRAM, payload, SECONDS)
    return {volume: Seen(*values) for volume, values in answer.items()}


def differences(volume: str, there: Seen, here: Seen) -> list[str]:
    """What differs, in words; both with their entries."""
    one, other = there.entries, here.entries
    return [
        f"{volume}/{name}: {one.get(name, 'absent')} there, {other.get(name, 'absent')} here"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
