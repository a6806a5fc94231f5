#!/usr/bin/python3
"""Put rendered files in place: all of them, or none.

Every candidate is written beside its target and validated; only when all are good, their
actions are journalled and the candidates renamed. So a run that is killed leaves either the
old files, or the new ones with their actions still on record. A rejected candidate changes
nothing on the host; the answer names it and says what its validator said, without content.

What was placed is on record as well, a path a line, so that it can be taken away when nothing
plans it any more, and a file of somebody else never is.
"""

from __future__ import annotations

import base64
import fcntl
import grp
import json
import os
import pwd
import subprocess
import tempfile

DOCUMENTATION = "module: rendered_files\nshort_description: validated files, all or none\n"

SHOWN = 600  # characters of a validator's message
SUFFIX = ".hanoi-new"
PLACED = "files"  # the record of what was placed, beside the journal


class Rejected(Exception):
    """A candidate that did not pass. args: path, message."""


def place(files, journal):
    """Replace the files that differ; returns their paths.

    files: path, content, mode ("0644"), owner, group, validate (argv with "{}"), actions,
    secret (its content is never repeated); journal: an existing directory. Raises Rejected
    when one is not valid.
    """
    candidates = []
    # Released when we end, however; another run's actions or files are waited for.
    lock = os.open(journal, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for directory in {os.path.dirname(file["path"]) for file in files}:
            remove_left_over(directory)
        for file in files:
            if not same(file):
                candidates.append((file, candidate(file)))
        for file, path in candidates:
            validate(file, path)
        record({a for file, _ in candidates for a in file["actions"]}, journal)
        write_placed(read_placed(journal) | {file["path"] for file, _ in candidates}, journal)
        for file, path in candidates:
            os.replace(path, file["path"])
        for directory in {os.path.dirname(file["path"]) for file, _ in candidates}:
            sync(directory)
        # Once more, so that a service started between the record and the replacement does not
        # pass for one that has read the new files.
        record({a for file, _ in candidates for a in file["actions"]}, journal)
    finally:
        for _, path in candidates:
            if os.path.lexists(path):
                os.unlink(path)
        os.close(lock)
    return [file["path"] for file, _ in candidates]


def remove(paths, journal):
    """Take away those of the paths that were placed here, and the directories that are empty
    then; returns the paths that are gone. A file that nobody placed is left alone."""
    lock = os.open(journal, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        placed = read_placed(journal)
        gone = sorted(placed & set(paths))
        for path in gone:
            if os.path.lexists(path):
                os.unlink(path)
            remove_if_empty(os.path.dirname(path))
        write_placed(placed - set(gone), journal)
    finally:
        os.close(lock)
    return gone


def remove_if_empty(directory):
    """The directory and its parents, up to the first that holds something."""
    try:
        os.rmdir(directory)
    except OSError:
        return
    remove_if_empty(os.path.dirname(directory))


def read_placed(journal):
    try:
        with open(os.path.join(os.path.dirname(journal), PLACED)) as stream:
            return set(stream.read().splitlines())
    except FileNotFoundError:
        return set()


def write_placed(paths, journal):
    if paths == read_placed(journal):
        return
    directory = os.path.dirname(journal)
    handle, path = tempfile.mkstemp(prefix="." + PLACED + ".", suffix=SUFFIX, dir=directory)
    with os.fdopen(handle, "w") as stream:
        stream.write("".join(path + "\n" for path in sorted(paths)))
        os.fchmod(stream.fileno(), 0o644)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(path, os.path.join(directory, PLACED))
    sync(directory)


def same(file):
    try:
        if os.path.islink(file["path"]):
            return False
        with open(file["path"], "rb") as stream:
            status = os.fstat(stream.fileno())
            content = stream.read()
    except OSError:
        return False
    return (
        content == file["content"].encode()
        and status.st_mode & 0o7777 == int(file["mode"], 8)
        and (status.st_uid, status.st_gid) == owner(file)
    )


def owner(file):
    user, group = file["owner"], file["group"]
    return (
        int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid,
        int(group) if group.isdigit() else grp.getgrnam(group).gr_gid,
    )


def candidate(file):
    """Written beside the target, with its owner and mode from the first readable moment."""
    directory, name = os.path.split(file["path"])
    make_directory(directory)
    handle, path = tempfile.mkstemp(prefix="." + name + ".", suffix=SUFFIX, dir=directory)
    with os.fdopen(handle, "wb") as stream:
        stream.write(file["content"].encode())
        os.fchown(stream.fileno(), *owner(file))
        os.fchmod(stream.fileno(), int(file["mode"], 8))
        stream.flush()
        os.fsync(stream.fileno())
    return path


def remove_left_over(directory):
    """Candidates of a run that was killed in between."""
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        if name.startswith(".") and name.endswith(SUFFIX):
            os.unlink(os.path.join(directory, name))


def make_directory(path):
    """Missing parents, 0755 and root's whatever the umask."""
    if not os.path.isdir(path):
        make_directory(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, 0o755)


def validate(file, path):
    if not file["validate"]:
        return
    argv = [path if part == "{}" else part for part in file["validate"]]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Rejected(file["path"], f"{argv[0]}: {failure.__class__.__name__}") from None
    if done.returncode:
        raise Rejected(file["path"], message(done.stderr + done.stdout, file, path))


def message(output, file, path):
    """The validator's words without lines of the file, and none at all of a secret one's."""
    if file.get("secret"):
        return "its validator refused it (the message may hold a secret and is not shown)"
    content = {line.strip() for line in file["content"].splitlines()}
    lines = [line.replace(path, file["path"]) for line in output.splitlines()]
    told = [line for line in lines if line.strip() and line.strip() not in content]
    told = [line for line in told if not all(c in "^~ \t" for c in line)]
    return " | ".join(told)[:SHOWN] or "its validator refused it without a message"


def record(actions, journal):
    """Journal the actions: on disk before the first file is replaced."""
    for action in sorted(actions):
        path = os.path.join(journal, action)
        with open(path, "a") as stream:
            os.fsync(stream.fileno())
        os.utime(path)
    sync(journal)


def sync(directory):
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main():
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        {
            "files": {"type": "str", "default": "", "no_log": True},  # JSON in base64
            "gone": {"type": "list", "elements": "str", "default": []},
            "journal": {"type": "str", "required": True},
        }
    )
    try:
        # The journal's presence says that the toolkit has been here (see host_facts).
        os.makedirs(module.params["journal"], mode=0o755, exist_ok=True)
        journal, files = module.params["journal"], module.params["files"]
        paths = place(json.loads(base64.b64decode(files)), journal) if files else []
        paths += remove(module.params["gone"], journal) if module.params["gone"] else []
    except Rejected as rejection:
        path, text = rejection.args
        module.exit_json(changed=False, rejected=f"{path}: {text}")
    except (OSError, KeyError) as failure:
        module.exit_json(changed=False, rejected=f"the files could not be written: {failure}")
    module.exit_json(changed=bool(paths), rejected="", paths=paths)


if __name__ == "__main__":
    main()
