"""Hosts that answer as they should, for tests of what reads them; nothing is contacted.

The engine's JSON is written down here by hand, as Docker gives it: what is compared must not
come from the code that compares.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

from infra import facts, runtime, supply
from infra.errors import Exit, HanoiError, Problem
from infra.live import onhost
from infra.model import load
from infra.model.schema import Model
from infra.plan import plan as make_plan
from infra.resources import Container, HostPlan, Plan
from infra.stack import spec

SAMPLE = Path(__file__).resolve().parents[2] / "sites"
MIB = 2**20


def sample() -> tuple[Model, Plan]:
    model = load(SAMPLE)
    return model, make_plan(model)


def engine_id(name: str) -> str:
    return name.encode().hex().ljust(64, "0")[:64]


def facts_of(host: HostPlan, plan: Plan) -> dict[str, Any]:
    """The look at a host where everything is as planned."""
    tags = supply.tags(plan)
    return {
        "bare": False,
        "identity": {"machine_id": f"machine-{host.id}", "engine_id": f"engine-{host.id}"},
        "engine": "up",
        "drift": {"packages": [], "users": [], "files": [], "units": []},
        "gone": [],
        "pending": [],
        "containers": [
            {
                "name": c.name,
                "id": engine_id(host.id + c.name),
                "spec": spec(plan, c, tags[c.image]),
                "state": "running",
                "health": "healthy",
                "image": f"sha256:{engine_id(c.image)}",
                "started": 1000.0,
                "restarts": 0,
            }
            for c in host.parts.containers
        ],
        "volumes": sorted(v.name for v in host.parts.volumes),
        "networks": [
            {"name": n.name, "id": engine_id(n.name), "managed": True} for n in host.parts.networks
        ],
    }


def bare_facts(host: HostPlan) -> dict[str, Any]:
    """The look at a host with Debian and nothing else."""
    parts = host.parts
    return {
        "bare": True,
        "identity": {"machine_id": f"machine-{host.id}", "engine_id": None},
        "engine": "absent",
        "drift": {
            "packages": list(parts.packages),
            "users": [u.name for u in parts.users],
            "files": [{"path": f.path, "why": "missing"} for f in parts.files],
            "units": [u.name for u in parts.units if u.name != "ssh.service"],
        },
        "gone": [],
        "pending": [],
        "containers": [],
        "volumes": [],
        "networks": [],
    }


def inspect(host: HostPlan, plan: Plan, c: Container) -> dict[str, Any]:
    """A container as Docker 26 tells it."""
    network = host.parts.networks[0].name
    ports: dict[str, list[dict[str, str]]] = {}
    for p in c.ports:
        binding = {"HostIp": p.address, "HostPort": str(p.host_port)}
        ports.setdefault(f"{p.container_port}/tcp", []).append(binding)
    return {
        "Id": engine_id(host.id + c.name),
        "Name": f"/{c.name}",
        "Image": f"sha256:{engine_id(c.image)}",
        "RestartCount": 0,
        "State": {"Status": "running", "Health": {"Status": "healthy"}},
        "Config": {
            "User": c.user,
            "Env": ["PATH=/usr/bin", *(f"{k}={v}" for k, v in c.environment)],
            "Entrypoint": None,
            "Cmd": list(c.command),
            "StopSignal": c.stop_signal,
            "StopTimeout": c.stop_timeout,
            "Healthcheck": {"Test": list(c.health.test)} if c.health else {},
            "Labels": {
                "hanoi.managed": "true",
                "hanoi.spec": spec(plan, c, supply.tags(plan)[c.image]),
            },
        },
        "HostConfig": {
            "Memory": c.memory, "MemorySwap": c.memory, "ShmSize": c.shm, "NanoCpus": 0,
            "CpuQuota": 0, "CpuShares": 0, "CpusetCpus": "", "PidsLimit": None,
            "RestartPolicy": {"Name": "unless-stopped"}, "CapDrop": ["ALL"], "CapAdd": None,
            "Privileged": False, "ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges"],
            "PidMode": "", "Devices": [], "Tmpfs": dict.fromkeys(c.tmpfs, "rw"),
            "PortBindings": ports, "ExtraHosts": [f"{n}:{ip}" for n, ip in c.hosts],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": str(plan.log_max_size),
                                                          "max-file": str(plan.log_files)}},
        },
        "Mounts": [
            {
                "Type": m.kind,
                "Name": m.source if m.kind == "volume" else "",
                "Source": m.source,
                "Destination": m.target,
                "RW": not m.read_only,
            }
            for m in c.mounts
        ],
        "NetworkSettings": {"Networks": {network: {"IPAMConfig": {"IPv4Address": c.address}}}},
    }  # fmt: skip


def engine(host: HostPlan, plan: Plan) -> dict[str, Any]:
    tags, address = supply.tags(plan), supply.registry_address(plan)
    used = sorted({c.image for c in host.parts.containers})
    return {
        "containers": [inspect(host, plan, c) for c in host.parts.containers],
        "networks": [
            *({"Name": n, "IPAM": {"Config": []}} for n in ("bridge", "host", "none")),
            *(
                {
                    "Name": n.name,
                    "IPAM": {"Config": [{"Subnet": n.subnet, "Gateway": n.gateway}]},
                    "Containers": {c.name: {"Name": c.name} for c in host.parts.containers},
                }
                for n in host.parts.networks
            ),
        ],
        "volumes": [{"Name": v.name} for v in host.parts.volumes],
        "images": [
            {
                "Id": f"sha256:{engine_id(i)}",
                "RepoTags": [f"hanoi/{i}:{tags[i]}", f"{address}/hanoi/{i}:{tags[i]}"],
                "RepoDigests": [],
            }
            for i in used
        ],
        "environment": {f"sha256:{engine_id(i)}": ["PATH=/usr/bin"] for i in used},
        "info": {},
        "events": [],
    }


def accept(*expressions: dict[str, Any]) -> dict[str, Any]:
    return rule(*expressions, {"accept": None})


def rule(*expressions: dict[str, Any]) -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "hanoi", "chain": "x", "expr": [*expressions]}}


def port_rule(port: int, sources: list[str], protocol: str = "tcp") -> dict[str, Any]:
    def prefix(source: str) -> Any:
        address, _, length = source.partition("/")
        return address if length == "32" else {"prefix": {"addr": address, "len": int(length)}}

    return accept(
        {"match": {"left": {"payload": {"protocol": "ip", "field": "saddr"}},
                   "right": {"set": [prefix(s) for s in sources]}}},
        {"match": {"left": {"payload": {"protocol": protocol, "field": "dport"}}, "right": port}},
    )  # fmt: skip


def network(host: HostPlan) -> dict[str, Any]:
    head = accept({"match": {"left": {"meta": {"key": "iifname"}}, "right": "lo"}})
    openings: dict[tuple[int, str], list[str]] = {}
    for o in host.parts.openings:
        openings.setdefault((o.port, o.protocol), []).extend(o.sources)
    listening = {22} | {p.host_port for c in host.parts.containers for p in c.ports}
    return {
        "rules": [
            {"table": {"family": "ip", "name": "nat"}},
            {"table": {"family": "inet", "name": "hanoi"}},
            head,
            *(port_rule(p, sorted(set(s)), proto) for (p, proto), s in openings.items()),
            rule({"counter": "dropped"}, {"drop": None}),
        ],
        "listening": [
            {"protocol": "tcp", "address": "0.0.0.0", "port": p, "program": "x", "pid": 1}
            for p in sorted(listening)
        ],
    }


def system(host: HostPlan) -> dict[str, Any]:
    texts = {f.path: f.content for f in host.parts.files}
    lines = texts["/etc/sysctl.d/60-hanoi.conf"].splitlines()
    settings = dict(x.lstrip("-").split(" = ") for x in lines if " = " in x)
    sshd = texts["/etc/ssh/sshd_config.d/10-hanoi.conf"].partition("Match User")[0].splitlines()
    return {
        "container": True,
        "failed": [],
        "services": [],
        "settings": settings,
        "synchronised": True,
        "links": {"/etc/localtime": "/usr/share/zoneinfo/Asia/Ho_Chi_Minh"},
        "sshd": {
            x.split(" ", 1)[0].lower(): x.split(" ", 1)[1]
            for x in sshd
            if " " in x and not x.startswith("#")
        },
    }


def accounts(host: HostPlan) -> dict[str, Any]:
    users = host.parts.users
    return {
        "logins": [
            {"name": "root", "uid": 0, "shell": "/bin/bash", "home": "/root"},
            *({"name": u.name, "uid": 1000, "shell": u.shell, "home": "/home"} for u in users),
        ],
        "groups": {
            "docker": [u.name for u in users if "docker" in u.groups],
            "adm": [u.name for u in users if "adm" in u.groups],
            "root": ["root"],
        },
        "passwords": [],
        "keys": [],
        "changed": {"/etc/passwd": 1.0, "/etc/shadow": 1.0, "/etc/group": 1.0},
    }


def database(plan: Plan, leads: bool = True) -> dict[str, Any]:
    own = ("postgres", "replicator", "rewinder")
    roles = [{"name": r.name, "super": False, "login": True} for r in plan.common.roles]
    return {
        "leads": leads,
        "roles": [*roles, *({"name": n, "super": n == "postgres", "login": True} for n in own)],
        "members": [],
        "databases": ["postgres", *(d.name for d in plan.common.databases)],
        "settings": [],
        "role_settings": [],
        "rules": [],
    }


def survey(host: HostPlan, plan: Plan, leads: bool = False) -> dict[str, Any]:
    """All answers of a host where everything is as planned."""
    return {
        "current": {"files": {}, "users": {}, "units": {}},
        "directories": {"since": 500.0, "files": []},
        "accounts": accounts(host),
        "system": system(host),
        "network": network(host),
        "packages": {"held": [], "installed": list(host.parts.packages), "history": []},
        "engine": engine(host, plan),
        "names": {c.name: True for c in host.parts.containers},
        "memory": {c.name: c.memory for c in host.parts.containers},
        "underway": None,
    }


class Fake:
    """A connection to a host of which everything is known. answers may be changed by a test;
    asked: the names of modules that were put to it."""

    def __init__(self, host: HostPlan, plan: Plan) -> None:
        self.host_id, self.address, self.user = host.id, host.address, plan.ssh_user
        self.facts = facts_of(host, plan)
        self.answers = copy.deepcopy(survey(host, plan))
        self.inside: dict[str, Any] = {"leader": False, "why": "", "differs": [], "oneoffs": []}
        self.asked: list[str] = []
        self.payloads: list[Any] = []
        self.down = False
        self.behind = 0.0  # seconds

    def python(self, source: str, payload: Any, timeout: float = 0) -> Any:
        self.payloads.append(payload)
        if source == facts._program():
            return self.facts
        if source == runtime.program():
            return self.inside
        assert source == onhost._MAIN, "a program that no test knows"
        self.asked += payload["modules"]
        # The clock is read when it is asked for: a busy machine is no host that goes wrong.
        self.answers["system"]["clock"] = time.time() - self.behind
        return {m: {"seen": self.answers.get(m)} for m in payload["modules"]}

    def run(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a look runs no script on a host")

    def close(self) -> None:
        pass


def connecting(fakes: dict[str, Fake]) -> Any:
    """A stand-in for ssh.connect."""

    def connect(hosts: Any, *_: Any, **__: Any) -> dict[str, Fake]:
        [(host_id, address)] = hosts
        if fakes[host_id].down:
            problem = Problem(
                f"{host_id} ({address})", "HN-C001", "the host cannot be reached", "start it"
            )
            raise HanoiError(problem, Exit.UNREACHABLE)
        return {host_id: fakes[host_id]}

    return connect
