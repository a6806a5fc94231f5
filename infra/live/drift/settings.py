"""Settings of a planned container that are others than those it was made with.

Each group of settings is a detector. The engine's spelling of what stack.py states is written
down here once more, on purpose: a look derived from the same code would agree with its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from infra.live.drift.registry import Drifted, Find, Seen, detector, stamp
from infra.report.content import Property
from infra.resources import Container

Inspect = dict[str, Any]
Pairs = Callable[[Seen, Container, Inspect], Iterator[tuple[str, Any, Any]]]
MADE_ANEW = (
    "a deploy does not see it; remove the container (docker rm -f {name}, one member of a quorum"
    " at a time) and run hanoi deploy, which makes it anew"
)


def _limits(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    host = c["HostConfig"]
    yield "memory", _size(planned.memory), _size(host["Memory"])
    yield "memory and swap", _size(planned.memory), _size(host["MemorySwap"])
    yield "shared memory", _size(planned.shm), _size(host["ShmSize"])
    for name, key in (("cpus", "NanoCpus"), ("cpu quota", "CpuQuota"), ("cpu set", "CpusetCpus")):
        yield name, "none", host.get(key) or "none"
    yield "cpu shares", "none", host.get("CpuShares") or "none"
    limit = host.get("PidsLimit")
    yield "processes", "none", limit if limit and limit > 0 else "none"


def _restart(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    yield "restart policy", "unless-stopped", c["HostConfig"]["RestartPolicy"]["Name"] or "no"
    yield "stop signal", planned.stop_signal, c["Config"].get("StopSignal") or "SIGTERM"
    yield "stop timeout", planned.stop_timeout, c["Config"].get("StopTimeout") or 10


def _environment(seen: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    """Values of variables nobody planned are not told: they may be passwords."""
    of_image = seen.answers["engine"]["environment"].get(c["Image"], [])
    wanted = dict(v.partition("=")[::2] for v in of_image) | dict(planned.environment)
    live = dict(v.partition("=")[::2] for v in c["Config"].get("Env") or [])
    for name in sorted({*wanted, *live}):
        if name not in wanted:
            yield name, None, "(set)"
        elif live.get(name) != wanted[name]:
            yield name, wanted[name], None if name not in live else "(another value)"


def _program(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    command = [*(c["Config"].get("Entrypoint") or []), *(c["Config"].get("Cmd") or [])]
    same = command[-len(planned.command) :] == list(planned.command)
    yield "command", " ".join(planned.command), " ".join(planned.command) if same else "(another)"
    yield "user", planned.user, c["Config"]["User"] or "root"
    check = (c["Config"].get("Healthcheck") or {}).get("Test") or []
    if planned.health:
        yield (
            "health check",
            "as planned",
            "as planned"
            if check == list(planned.health.test)
            else ("(another)" if check else "none"),
        )


def _rights(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    host = c["HostConfig"]
    yield (
        "capabilities dropped",
        "ALL",
        ", ".join(host["CapDrop"] or []).replace("CAP_", "") or "none",
    )
    yield "capabilities added", "none", ", ".join(host["CapAdd"] or []) or "none"
    yield "privileged", "no", "yes" if host["Privileged"] else "no"
    yield "root file system", "read-only", "read-only" if host["ReadonlyRootfs"] else "writable"
    options = {o.removesuffix(":true") for o in host["SecurityOpt"] or []}
    yield "no-new-privileges", "yes", "yes" if "no-new-privileges" in options else "no"
    for name, key in (("process namespace", "PidMode"), ("devices", "Devices")):
        yield name, "none", str(host.get(key) or "none")


def _mounts(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    wanted = {m.target: _mount(m.source, m.read_only) for m in planned.mounts}
    live = {
        m["Destination"]: _mount(m["Name"] if m["Type"] == "volume" else m["Source"], not m["RW"])
        for m in c["Mounts"]
        if m["Type"] in ("volume", "bind")
    }
    for target in sorted({*wanted, *live}):
        yield f"at {target}", wanted.get(target), live.get(target)
    tmpfs = sorted(c["HostConfig"].get("Tmpfs") or {})
    yield "in memory", ", ".join(sorted(planned.tmpfs)), ", ".join(tmpfs)


def _published(_: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    wanted = {f"{p.address}:{p.host_port}": str(p.container_port) for p in planned.ports}
    bindings = c["HostConfig"].get("PortBindings") or {}
    live = {
        f"{b['HostIp'] or '0.0.0.0'}:{b['HostPort']}": inside.partition("/")[0]
        for inside, many in bindings.items()
        for b in many or []
    }
    for outside in sorted({*wanted, *live}):
        yield f"port {outside}", wanted.get(outside), live.get(outside)


def _networks(seen: Seen, planned: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    mine = seen.host.parts.networks[0].name
    live = {
        name: (n.get("IPAMConfig") or {}).get("IPv4Address") or n.get("IPAddress") or "there"
        for name, n in (c["NetworkSettings"].get("Networks") or {}).items()
    }
    for name in sorted({mine, *live}):
        yield f"network {name}", planned.address if name == mine else None, live.get(name)
    hosts = sorted(f"{name}:{ip}" for name, ip in planned.hosts)
    yield "hosts", ", ".join(hosts), ", ".join(sorted(c["HostConfig"].get("ExtraHosts") or []))


def _logs(seen: Seen, _: Container, c: Inspect) -> Iterator[tuple[str, Any, Any]]:
    log = c["HostConfig"]["LogConfig"]
    config = log.get("Config") or {}
    yield "log driver", "json-file", log["Type"]
    yield "log size", str(seen.plan.log_max_size), config.get("max-size", "none")
    yield "log files", str(seen.plan.log_files), config.get("max-file", "none")


GROUPS: tuple[tuple[str, str, Pairs, tuple[str, ...], bool], ...] = (
    ("container-limits", "its limits are others", _limits, ("update", "create"), False),
    ("container-restart", "it stops or starts otherwise", _restart, ("update", "create"), False),
    ("container-environment", "its environment is another", _environment, ("create",), True),
    ("container-program", "it runs something else", _program, ("create",), True),
    ("container-rights", "it has other rights", _rights, ("create",), True),
    ("container-mounts", "it has other mounts", _mounts, ("create",), True),
    ("container-ports", "it publishes other ports", _published, ("create",), True),
    ("container-network", "it is on other networks", _networks, ("connect", "create"), True),
    ("container-logs", "its logs have other limits", _logs, ("create",), False),
)


def _finder(what: str, pairs: Pairs, actions: tuple[str, ...], danger: bool) -> Find:
    def find(seen: Seen) -> Iterator[Drifted]:
        there = {c["Name"].lstrip("/"): c for c in seen.answers["engine"]["containers"]}
        for planned in seen.host.parts.containers:
            live = there.get(planned.name)
            if live is None:
                continue
            found = tuple(
                Property(name, _text(before), _text(after))
                for name, before, after in pairs(seen, planned, live)
                if _text(before) != _text(after)
            )
            if found:
                yield Drifted(
                    "container",
                    planned.name,
                    "update",
                    f"{what}: " + "; ".join(_told(p) for p in found[:4]),
                    remedy=MADE_ANEW.format(name=planned.name),
                    danger=danger,
                    properties=found,
                    words=(planned.name,),
                    when=stamp(seen.answers["engine"]["events"], planned.name, *actions),
                )

    find.__doc__ = f"A planned container: {what}."
    return find


def _told(p: Property) -> str:
    return f"{p.name} {p.after or 'none'} instead of {p.before or 'none'}"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _size(number: int) -> str:
    return f"{number / 2**20:g} MiB"


def _mount(source: str, read_only: bool) -> str:
    return f"{source}{' (read-only)' if read_only else ''}"


for _id, _what, _pairs, _actions, _danger in GROUPS:
    detector(_id, needs="engine", danger=_danger)(_finder(_what, _pairs, _actions, _danger))
