"""A no-op deploy beside what it is made of, and beside other ways to look at the same hosts.

    .venv/bin/python benchmarks/deploy.py [--runs 3] [--json]

Needs the deployed lab, and nothing else at work on it. In one run, medians of wall seconds:
  deploy      `hanoi deploy --no-verify`, whole, as a process
  pulumi      the same stacks by the Automation API alone, in parallel, on a copy of the state
  configure   the toolkit's configure part: look, files, actions and runtime objects
  pyinfra     the same packages, files and units by pyinfra
  ansible     the same by ansible-playbook with ordinary modules
The last two must change nothing, or the run ends: they would not be the same work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infra import containers, engine, inventory, paths, ssh, supply  # noqa: E402
from infra import stack as program  # noqa: E402
from infra.deploy import PASSPHRASE  # noqa: E402
from infra.model import load  # noqa: E402
from infra.plan import plan as make_plan  # noqa: E402
from infra.resources import Plan  # noqa: E402
from infra.secrets import Secrets  # noqa: E402
from infra.state import Digests  # noqa: E402

BIN = Path(sys.executable).parent


def command(*argv: str, env: dict[str, str] | None = None, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def hanoi(*arguments: str) -> None:
    out = json.loads(command(sys.executable, "cli.py", *arguments, "--json", "--quiet"))
    if out["pulumi_changes"] or out["ansible_changes"]:
        raise SystemExit(f"hanoi {arguments[0]} changed something: {out}")


def raw_pulumi(plan: Plan, work: Path) -> None:
    """Runs as a process of its own (--raw), imports included, as a command line would."""
    from concurrent.futures import ThreadPoolExecutor

    from pulumi import automation

    made = engine.ensure()
    tags = supply.tags(plan)
    known = Digests(paths.state()).all()
    refs = {name: known[f"{name}:{tag}"] for name, tag in tags.items()}
    secrets = Secrets.open()
    hosts = [(h.id, h.address) for h in plan.hosts]
    with ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections:

        def up(host_id: str) -> dict[str, int]:
            host = plan.host(host_id)
            stack = automation.create_or_select_stack(
                stack_name=host_id,
                project_name=program.PROJECT,
                program=lambda: program.declare(plan, host, refs, tags),
                opts=automation.LocalWorkspaceOptions(
                    work_dir=tempfile.mkdtemp(dir=work),
                    env_vars={
                        **made.env,
                        "DOCKER_HOST": f"unix://{connections[host_id].forward_docker()}",
                        "PULUMI_CONFIG_PASSPHRASE": secrets.value(PASSPHRASE.id, "password"),
                        "PULUMI_BACKEND_URL": f"file://{work / 'pulumi'}",
                    },
                    pulumi_command=automation.PulumiCommand(str(made.root)),
                ),
            )
            return dict(stack.up().summary.resource_changes or {})

        with ThreadPoolExecutor() as pool:
            for changes in pool.map(up, connections):
                if set(changes) != {"same"}:
                    raise SystemExit(f"raw pulumi changed something: {changes}")


def wanted(plan: Plan, work: Path) -> dict[str, dict]:
    """Every host's packages, units and files, with the contents in files of our own."""
    secrets = Secrets.open()
    found = {}
    for host in plan.hosts:
        described = inventory.desired(plan, host.id, secrets.resolve)
        names = [f["path"] for f in described["files"]]
        contents = inventory.content(plan, host.id, names, secrets.resolve)
        for file in described["files"]:
            local = work / host.id / file["path"].lstrip("/")
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_text(contents[file["path"]])
            file["local"] = str(local)
        found[host.id] = {**described, "address": host.address}
    return found


def mode(file: dict) -> str:
    value = file["mode"]
    return value if isinstance(value, str) else f"{value:04o}"


def ansible(plan: Plan, hosts: dict[str, dict], work: Path) -> Callable[[], None]:
    options = " ".join(
        f"-o IdentityFile={ssh.identity()} -o UserKnownHostsFile={ssh.known_hosts()}".split()
    )
    common = {
        "ansible_user": plan.ssh_user,
        "ansible_become": True,
        "ansible_ssh_common_args": options,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    listed = {
        h: {
            "ansible_host": d["address"],
            "packages": d["packages"],
            "units": [u["name"] for u in d["units"]],
            "rendered": [{**f, "mode": mode(f)} for f in d["files"]],
        }
        for h, d in hosts.items()
    }
    (work / "hosts.json").write_text(json.dumps({"all": {"hosts": listed, "vars": common}}))
    tasks = [
        {"ansible.builtin.apt": {"name": "{{ packages }}"}},
        {
            "ansible.builtin.copy": {
                "src": "{{ item.local }}",
                "dest": "{{ item.path }}",
                "mode": "{{ item.mode }}",
                "owner": "{{ item.owner }}",
                "group": "{{ item.group }}",
            },
            "loop": "{{ rendered }}",
            "no_log": True,
        },
        {
            "ansible.builtin.systemd_service": {"name": "{{ item }}", "enabled": True},
            "loop": "{{ units }}",
        },
    ]
    play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (work / "play.yml").write_text(json.dumps(play))
    env = {"ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}

    def run() -> None:
        out = command(
            str(BIN / "ansible-playbook"), "-i", str(work / "hosts.json"), str(work / "play.yml"),
            env=env,
        )  # fmt: skip
        if out.count("changed=0") != len(hosts):
            raise SystemExit(f"ansible changed something:\n{out[-1500:]}")

    return run


PYINFRA = """
import json
from pyinfra import host
from pyinfra.operations import apt, files, systemd

wanted = json.load(open({data!r}))[host.name]
apt.packages(packages=wanted["packages"], _sudo=True)
for f in wanted["files"]:
    files.put(src=f["local"], dest=f["path"], mode=f["mode"], user=f["owner"], group=f["group"],
              create_remote_dir=False, _sudo=True)
for unit in wanted["units"]:
    systemd.service(service=unit["name"], enabled=True, running=None, _sudo=True)
"""


def pyinfra(plan: Plan, hosts: dict[str, dict], work: Path) -> Callable[[], None]:
    data = {
        h: {**d, "files": [{**f, "mode": mode(f)} for f in d["files"]]} for h, d in hosts.items()
    }
    (work / "wanted.json").write_text(json.dumps(data))
    (work / "deploy.py").write_text(PYINFRA.format(data=str(work / "wanted.json")))
    entries = [
        (
            h,
            {
                "ssh_hostname": d["address"],
                "ssh_user": plan.ssh_user,
                "ssh_key": str(ssh.identity()),
                "ssh_known_hosts_file": str(ssh.known_hosts()),
            },
        )
        for h, d in hosts.items()
    ]
    (work / "inventory.py").write_text(f"hosts = {entries!r}\n")

    def run() -> None:
        command(str(BIN / "pyinfra"), "-y", "inventory.py", "deploy.py", cwd=work)

    return run


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--json", action="store_true")
    options.add_argument("--raw", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    plan = make_plan(load(paths.sites()))
    if chosen.raw:
        raw_pulumi(plan, chosen.raw)
        return
    work = Path(tempfile.mkdtemp(prefix="hanoi-benchmark-", dir="/dev/shm"))
    try:
        hosts = wanted(plan, work)
        shutil.copytree(paths.state() / "pulumi", work / "pulumi")
        raw = [sys.executable, str(Path(__file__)), "--raw", str(work)]
        ways: dict[str, Callable[[], object]] = {
            "deploy": lambda: hanoi("deploy", "--no-verify"),
            "pulumi": lambda: command(*raw),
            "configure": lambda: hanoi("configure"),
            "pyinfra": pyinfra(plan, hosts, work),
            "ansible": ansible(plan, hosts, work),
        }
        hanoi("deploy", "--no-verify")  # connections warm, nothing left to do
        seconds = {
            name: statistics.median(timed(way) for _ in range(chosen.runs))
            for name, way in ways.items()
        }
    finally:
        shutil.rmtree(work)
    if chosen.json:
        print(json.dumps(seconds, indent=2))
        return
    for name, value in seconds.items():
        print(f"{name:10} {value:7.1f} s")
    print(f"deploy / pulumi      {seconds['deploy'] / seconds['pulumi']:.2f}  (aim: at most 3)")
    print(f"pyinfra / configure  {seconds['pyinfra'] / seconds['configure']:.2f}  (aim: above 1)")


if __name__ == "__main__":
    assert containers.CHANGING  # the module that deploy uses; imported for its gRPC setting
    main()
