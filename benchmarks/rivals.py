"""The same wanted state, as a user of Ansible, pyinfra or plain Pulumi would have written it.

Everything is written from the plan into one private directory in memory; the contents of files
are there in clear (both tools read files from disk), so it is 0700 and removed at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra import inventory, paths
from infra.resources import Plan, Unit
from infra.ssh import Connection, known_hosts

HERE = Path(__file__).resolve().parent
PREFIX = "hanoi-bench-"
BESIDE_US = Path(sys.executable).parent  # ansible-playbook and pyinfra of the same environment

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - name: packages
      ansible.builtin.apt:
        name: "{{ packages }}"
        state: present
    - name: users
      ansible.builtin.user:
        name: "{{ item.name }}"
        shell: "{{ item.shell }}"
        groups: "{{ item.groups }}"
        append: true
        system: "{{ item.system }}"
      loop: "{{ users }}"
    - name: files
      ansible.builtin.copy:
        src: "{{ item.src }}"
        dest: "{{ item.path }}"
        mode: "{{ item.mode }}"
        owner: "{{ item.owner }}"
        group: "{{ item.group }}"
      loop: "{{ files }}"
      no_log: true
    - name: units
      ansible.builtin.systemd_service:
        name: "{{ item.name }}"
        enabled: "{{ item.enabled if item.set_enabled else omit }}"
        state: "{{ ('started' if item.active else 'stopped') if item.set_active else omit }}"
      loop: "{{ units }}"
"""

# pyinfra finds the host's data under host.data; paths in it are absolute.
PYINFRA = """\
from pyinfra import host
from pyinfra.operations import apt, files, server, systemd

apt.packages(name="packages", packages=list(host.data.packages), present=True, _sudo=True)
for user in host.data.users:
    server.user(
        name="user " + user["name"], user=user["name"], shell=user["shell"],
        groups=list(user["groups"]), append=True, system=user["system"], ensure_home=False,
        _sudo=True,
    )
for file in host.data.files:
    files.put(
        name="file " + file["path"], src=file["src"], dest=file["path"], mode=file["mode"],
        user=file["owner_name"], group=file["group_name"], create_remote_dir=False, _sudo=True,
    )
for unit in host.data.units:
    systemd.service(
        name="unit " + unit["name"], service=unit["name"],
        running=unit["active"] if unit["set_active"] else None,
        enabled=unit["enabled"] if unit["set_enabled"] else None, _sudo=True,
    )
"""

# On a host, as root: what systemd says of each unit, and the names behind numeric owners.
ASK = """
import grp, json, pwd, subprocess
def named(find, owner):
    try:
        return find(int(owner))[0] if owner.isdigit() else owner
    except KeyError:
        return None
def shown(unit):
    argv = ["systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", "--", unit]
    lines = subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)
print(json.dumps({
    "units": {u: shown(u) for u in payload["units"]},
    "owners": {n: named(pwd.getpwuid, n) for n in payload["owners"]},
    "groups": {n: named(grp.getgrgid, n) for n in payload["groups"]},
}))
"""


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """In memory (/dev/shm), 0700, removed at the end, after Ctrl-C and SIGTERM too; what a killed
    benchmark left there is removed by the next one."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        raise SystemExit("no /dev/shm here: secrets are not written to a disk")
    for old in memory.glob(f"{PREFIX}*-*"):
        pid = old.name[len(PREFIX) :].split("-")[0]
        if pid.isdigit() and old.lstat().st_uid == os.getuid() and not Path("/proc", pid).exists():
            shutil.rmtree(old, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=memory))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def host_data(
    plan: Plan, connection: Connection, resolve: inventory.Resolve, directory: Path
) -> tuple[dict[str, Any], list[str]]:
    """Variables of one host for both tools, and the units of which only a part is asked.

    A unit that systemd skips in a container (no clock to set) is "started" at every run by both
    tools, and would be a change at each: only whether it is enabled is asked of these two.
    """
    host_id = connection.host_id
    wanted = inventory.desired(plan, host_id, resolve)
    contents = inventory.content(plan, host_id, {f["path"] for f in wanted["files"]}, resolve)
    payload = {
        "units": [u["name"] for u in wanted["units"]],
        "owners": [f["owner"] for f in wanted["files"]],
        "groups": [f["group"] for f in wanted["files"]],
    }
    seen = connection.python(ASK, payload)
    files = []
    for number, file in enumerate(wanted["files"]):
        source = directory / "files" / host_id / str(number)
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(contents[file["path"]].encode())
        names = {
            "owner_name": seen["owners"][file["owner"]],
            "group_name": seen["groups"][file["group"]],
        }
        files.append({k: file[k] for k in ("path", "mode", "owner", "group")} | names)
        files[-1]["src"] = str(source)
    units = [_unit(Unit(**u), seen["units"][u["name"]]) for u in wanted["units"]]
    partly = [
        f"{host_id}: {u['name']}" for u in units if not (u["set_active"] and u["set_enabled"])
    ]
    data = {"packages": wanted["packages"], "users": wanted["users"], "files": files}
    return {**data, "units": units}, partly


def _unit(unit: Unit, seen: Mapping[str, str]) -> dict[str, Any]:
    if unit.masked:
        raise SystemExit(f"{unit.name}: masked units are not compared; extend benchmarks/rivals.py")
    active = seen.get("ActiveState") in ("active", "reloading", "activating")
    exists = seen.get("LoadState") != "not-found"
    fixed = seen.get("UnitFileState") in ("static", "indirect", "generated", "")
    return {
        "name": unit.name,
        "enabled": unit.enabled,
        "active": unit.active,
        "set_active": exists and active == unit.active,
        "set_enabled": exists and not fixed,
    }


def write(plan: Plan, data: Mapping[str, Any], connections: Any, directory: Path) -> None:
    """playbook.yml, inventory.json, deploy.py and inventory.py."""
    variables = {h: {**d, **_ansible_login(connections[h], directory)} for h, d in data.items()}
    (directory / "playbook.yml").write_text(PLAYBOOK)
    (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": variables}}))
    (directory / "deploy.py").write_text(PYINFRA)
    hosts = [(c.address, {**data[h], **_pyinfra_login(c)}) for h, c in connections.items()]
    (directory / "inventory.py").write_text(f"hosts = {hosts!r}\n")


def _ansible_login(connection: Connection, directory: Path) -> dict[str, Any]:
    """A shared connection of its own (Ansible's usual way), with our key and host keys."""
    options = connection.options(shared=False)
    kept = [o for o in options if not o.startswith(("ControlM", "ControlP"))]
    pairs = [o for o in kept if o != "-o"]
    ours = " ".join(f"-o {o}" for o in pairs)
    return {
        "ansible_host": connection.address,
        "ansible_port": connection.port,
        "ansible_user": connection.user,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_args": f"-o ControlMaster=auto -o ControlPersist=15s {ours}",
        "ansible_control_path_dir": str(directory / "cp"),
    }


def _pyinfra_login(connection: Connection) -> dict[str, Any]:
    from infra.ssh import identity

    key = {"ssh_key": str(identity())} if identity() else {}
    return {
        "ssh_user": connection.user,
        "ssh_port": connection.port,
        "ssh_known_hosts_file": str(known_hosts()),
        "ssh_strict_host_key_checking": "yes",
        "ssh_allow_agent": not key,
        "ssh_look_for_keys": not key,
        **key,
    }


def ansible(directory: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    """The command and its environment. Pipelining and a fork a host: its fast settings."""
    config = directory / "ansible.cfg"
    config.write_text("")
    environment = {
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_DISPLAY_OK_HOSTS": "False",
        "ANSIBLE_NOCOLOR": "1",
    }
    argv = [str(BESIDE_US / "ansible-playbook"), "-i", str(directory / "inventory.json"), *more]
    return [*argv, str(directory / "playbook.yml")], environment


def pyinfra(directory: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    argv = [str(BESIDE_US / "pyinfra"), *more, "inventory.py", "deploy.py"]
    return argv, {"HOME": str(directory)}


def raw_pulumi(
    plan: Plan, directory: Path, engine: Any, sockets: Mapping[str, Path], passphrase: str
) -> tuple[list[str], dict[str, str]]:
    """`up` of all stacks by the Automation API as it comes, in one new process, a thread a
    stack, against a copy of the state. sockets: host id → its Docker engine's local socket."""
    from infra import supply
    from infra.state import Digests

    if os.environ.get("HANOI_BACKEND"):
        raise SystemExit("HANOI_BACKEND is set: only the file backend can be copied")
    copy = directory / "pulumi"
    shutil.rmtree(copy, ignore_errors=True)  # an old copy may say what is no longer so
    shutil.copytree(paths.state() / "pulumi", copy)
    digests, tags = Digests(paths.state()), supply.tags(plan)
    refs = {name: digests.get(f"{name}:{tag}") for name, tag in tags.items()}
    job = {
        "plan": plan,
        "refs": refs,
        "tags": tags,
        "root": str(engine.pulumi.parent.parent),
        "env": engine.env,
        "sockets": {h: str(s) for h, s in sockets.items()},
        "backend": f"file://{copy}",
        "work": str(directory / "work"),
    }
    (directory / "job.pickle").write_bytes(pickle.dumps(job))
    argv = [sys.executable, str(HERE / "rawpulumi.py"), str(directory / "job.pickle")]
    return argv, {"PULUMI_CONFIG_PASSPHRASE": passphrase}


def end_ansible_connections(directory: Path) -> None:
    """Ansible's shared connections are closed, so that its next run starts as ours do."""
    for socket in (directory / "cp").glob("*") if (directory / "cp").is_dir() else ():
        subprocess.run(
            ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "unused"],
            capture_output=True, check=False, timeout=10,
        )  # fmt: skip
