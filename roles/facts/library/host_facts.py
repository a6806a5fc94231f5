#!/usr/bin/python3
"""One look at a host: what differs from the wanted state, what runs, who it is.

Standard library only. Runs as a program that finds `payload` (see infra/ssh), the way the
toolkit uses it, or as an Ansible module with the argument `desired`. Changes nothing.

Wanted: packages, users, units, files (with digests), actions. Answer: bare, identity, engine
("up", "down", "absent": a silent engine is never read as an empty one), drift, gone (files that
the toolkit placed and nothing plans any more), pending, containers, volumes, networks. Needs
root. Source of the engine's answers: Docker Engine API.
"""

from __future__ import annotations

import grp
import hashlib
import http.client
import json
import os
import pwd
import re
import socket
import stat
import subprocess

DOCUMENTATION = "module: host_facts\nshort_description: what differs on a host\n"

JOURNAL = "/var/lib/hanoi/pending"
PLACED = "/var/lib/hanoi/files"
DOCKER_SOCKET = "/var/run/docker.sock"
DPKG_STATUS = "/var/lib/dpkg/status"
INSTALLED = re.compile(rb"^Package: (\S+)\nStatus: \S+ ok installed$", re.MULTILINE)
UNIT_PROPERTIES = (
    "Id,LoadState,ActiveState,UnitFileState,ConditionResult,ConditionTimestampMonotonic"
)


def look(desired):
    """The whole answer (see the module's text)."""
    engine, info = engine_info()
    containers = engine_containers() if engine == "up" else []
    return {
        "bare": not os.path.isdir(JOURNAL),
        "identity": {"machine_id": read_text("/etc/machine-id"), "engine_id": info.get("ID")},
        "engine": engine,
        "drift": {
            "packages": packages(desired.get("packages", [])),
            "users": users(desired.get("users", [])),
            "files": files(desired.get("files", [])),
            "units": units(desired.get("units", [])),
        },
        "gone": gone(desired.get("files", [])),
        "pending": pending(desired.get("actions", []), containers),
        "containers": containers,
        "volumes": engine_volumes() if engine == "up" else [],
        "networks": engine_networks() if engine == "up" else [],
    }


def read_text(path):
    try:
        with open(path) as stream:
            return stream.read().strip() or None
    except OSError:
        return None


def packages(wanted):
    try:
        with open(DPKG_STATUS, "rb") as stream:
            installed = {name.decode() for name in INSTALLED.findall(stream.read())}
    except OSError:
        installed = set()
    return [name for name in wanted if name not in installed]


def users(wanted):
    """Users that are missing, have another shell, or lack a group."""
    return [user["name"] for user in wanted if not user_matches(user)]


def user_matches(user):
    try:
        entry = pwd.getpwnam(user["name"])
        groups = [grp.getgrnam(name) for name in user["groups"]]
    except KeyError:
        return False
    member = all(user["name"] in g.gr_mem or g.gr_gid == entry.pw_gid for g in groups)
    return member and entry.pw_shell == user["shell"]


def files(wanted):
    found = []
    for file in wanted:
        why = file_differs(file)
        if why:
            found.append({"path": file["path"], "why": why})
    return found


def file_differs(file):
    """None, or: missing, content, mode, owner. A link in the file's place is "missing"."""
    try:
        handle = os.open(file["path"], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return "missing"
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return "missing"
    with os.fdopen(handle, "rb") as stream:
        if hashlib.sha256(stream.read()).hexdigest() != file["sha256"]:
            return "content"
    if "%04o" % (status.st_mode & 0o7777) != file["mode"]:
        return "mode"
    if (status.st_uid, status.st_gid) != (uid(file["owner"]), gid(file["group"])):
        return "owner"
    return None


def gone(wanted):
    """On record as placed by the toolkit (see rendered_files), there, and not wanted."""
    planned = {file["path"] for file in wanted}
    placed = (read_text(PLACED) or "").splitlines()
    return [path for path in placed if path not in planned and os.path.lexists(path)]


def uid(name):
    return int(name) if name.isdigit() else known(lambda: pwd.getpwnam(name).pw_uid)


def gid(name):
    return int(name) if name.isdigit() else known(lambda: grp.getgrnam(name).gr_gid)


def known(find):
    try:
        return find()
    except KeyError:
        return -1


def units(wanted):
    """Units whose state is another one. One call for all of them."""
    if not wanted:
        return []
    names = [unit["name"] for unit in wanted]
    argv = ["systemctl", "show", "--property", UNIT_PROPERTIES, "--", *names]
    out = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    blocks = out.strip().split("\n\n")
    if len(blocks) != len(names):
        return names
    states = [dict(line.partition("=")[::2] for line in b.splitlines()) for b in blocks]
    return [
        u["name"] for u, state in zip(wanted, states, strict=True) if not unit_matches(u, state)
    ]


def unit_matches(unit, state):
    """A unit that systemd skipped because of its own conditions (no clock to set in a
    container) is as active as it can be."""
    if unit["masked"]:
        return state.get("UnitFileState", "").startswith("masked")
    if state.get("LoadState") == "not-found":
        return not unit["enabled"] and not unit["active"]
    file_state = state.get("UnitFileState")
    fixed = file_state in ("static", "indirect", "generated")  # cannot be enabled or disabled
    if not fixed and unit["enabled"] != (file_state in ("enabled", "enabled-runtime")):
        return False
    active = state.get("ActiveState") in ("active", "reloading", "activating")
    tried = state.get("ConditionTimestampMonotonic", "0") != "0"
    skipped = (
        tried and state.get("ConditionResult") == "no" and state.get("ActiveState") == "inactive"
    )
    return active == unit["active"] or (unit["active"] and skipped)


def pending(actions, containers):
    """Journalled actions: {"id", "since", "moot"}. Moot: nothing in the plan knows it any
    more, or its container does not run or has been started since (it read the new files)."""
    known_actions = {a["id"]: a for a in actions}
    running = {c["name"]: c["started"] for c in containers if c["state"] == "running"}
    found = []
    for name in sorted(os.listdir(JOURNAL)) if os.path.isdir(JOURNAL) else []:
        try:
            since = os.stat(os.path.join(JOURNAL, name)).st_mtime
        except OSError:
            continue
        action = known_actions.get(name)
        moot = action is None or (
            bool(action["container"]) and running.get(action["container"], since + 1) > since
        )
        found.append({"id": name, "since": since, "moot": moot})
    return found


class EngineConnection(http.client.HTTPConnection):
    """HTTP over the engine's Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(DOCKER_SOCKET)


def ask_engine(path):
    connection = EngineConnection("docker", timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise OSError(f"the engine answered {answer.status}")
        return json.loads(body)
    finally:
        connection.close()


def engine_info():
    if not os.path.exists(DOCKER_SOCKET) and not os.path.exists("/usr/sbin/dockerd"):
        return "absent", {}
    try:
        return "up", ask_engine("/info")
    except (OSError, ValueError, http.client.HTTPException):
        return "down", {}


def engine_containers():
    """Containers of the toolkit, whatever their state."""
    filters = "%7B%22label%22%3A%5B%22hanoi.managed%3Dtrue%22%5D%7D"
    listed = ask_engine("/containers/json?all=1&filters=" + filters)
    return sorted((container(entry["Id"]) for entry in listed), key=lambda c: c["name"])


def container(container_id):
    seen = ask_engine(f"/containers/{container_id}/json")
    state = seen["State"]
    return {
        "name": seen["Name"].lstrip("/"),
        "id": seen["Id"],
        "spec": seen["Config"]["Labels"].get("hanoi.spec"),
        "state": state["Status"],
        "health": state.get("Health", {}).get("Status"),
        "image": seen["Config"]["Image"],
        "started": seconds(state["StartedAt"]),
        "restarts": seen.get("RestartCount", 0),
    }


def seconds(stamp):
    """RFC 3339 with nanoseconds in UTC → seconds since the epoch; 0.0 for never."""
    import calendar
    import time

    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z$", stamp or "")
    if not match or match[1].startswith("0001"):
        return 0.0
    return calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S")) + float(match[2] or 0)


def engine_volumes():
    return sorted(volume["Name"] for volume in ask_engine("/volumes")["Volumes"] or [])


def engine_networks():
    return [
        {"name": n["Name"], "id": n["Id"], "managed": n["Labels"].get("hanoi.managed") == "true"}
        for n in ask_engine("/networks")
    ]


def main():
    if "payload" in globals():  # run by the toolkit itself
        print(json.dumps(look(globals()["payload"])))
        return
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        {"desired": {"type": "dict", "required": True}}, supports_check_mode=True
    )
    module.exit_json(changed=False, look=look(module.params["desired"]))


if "payload" in globals() or __name__ == "__main__":
    main()
