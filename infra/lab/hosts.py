"""Bring the lab up, look at it, take it down. Everything is found by label, never by guess."""

from __future__ import annotations

import fcntl
import io
import os
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from infra import paths
from infra.errors import Exit, error
from infra.lab import container as config
from infra.lab import keys, machine, recipe
from infra.lab import network as net
from infra.lab.container import LABEL, LABEL_ADDRESS, LABEL_ID, LABEL_STATE
from infra.lab.machine import Progress, engine_errors
from infra.lab.network import LabHost

DEFAULT = "hanoi-lab"
_BOOT_SECONDS = 180
_APT_CONF = ('Binary::apt::APT::Keep-Downloaded-Packages "true";',)


@dataclass(frozen=True)
class HostStatus:
    """A host as it is: running, answering SSH, and since when (ISO 8601, empty when down)."""

    id: str
    address: str
    running: bool
    ssh: bool
    since: str


def up(
    hosts: Sequence[LabHost], state: Path, progress: Progress, name: str = DEFAULT
) -> None:
    """Bring up every host, bare and answering SSH as root with state/ssh/identity.

    May be repeated: what is there stays as it is, what is missing or stopped comes up.
    Errors: HN-L001 to HN-L012 (docs/errors.md).
    """
    net.check_name(name)
    net.check_hosts(hosts)
    with _exclusive(name):
        engine = machine.ensure_engine(progress)
        image = recipe.ensure_image(engine, progress)
        with engine_errors("lab"):
            _check_existing(engine, hosts, state, name)
            public = keys.ensure_identity(state, name)
            lab_network = _ensure_network(engine, hosts, name, progress)
            fresh = [
                host.id
                for host in hosts
                if _ensure_host(engine, host, state, name, image, lab_network, public, progress)
            ]
            _wait(engine, hosts, state, name, fresh, progress)


def down(state: Path, name: str = DEFAULT) -> None:
    """Remove the lab: hosts, volumes, network, its keys under state/ssh. The image cache stays."""
    net.check_name(name)
    with _exclusive(name):
        engine = machine.client()
        label = {"label": f"{LABEL}={name}"}
        with engine_errors("lab"):
            for host in engine.containers.list(all=True, filters=label, ignore_removed=True):
                _remove(host)
            for volume in engine.volumes.list(filters=label):
                volume.remove(force=True)
            for found in engine.networks.list(filters=label):
                found.remove()
        keys.forget(state, name)


def status(name: str = DEFAULT) -> list[HostStatus]:
    """Every host of the lab by id; empty when there is none. HN-L003 without an engine."""
    engine = machine.client()
    with engine_errors("lab"):
        return sorted((_status(c) for c in containers(engine, name)), key=lambda s: s.id)


def ssh_command(host: LabHost, state: Path, user: str = "root") -> list[str]:
    """The ssh call that logs in to a host; the host's key must be the recorded one."""
    options = (
        f"UserKnownHostsFile={keys.known_hosts_file(state)}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "ConnectTimeout=10",
    )
    call = ["ssh", "-F", "none", "-i", str(keys.identity_file(state))]
    for option in options:
        call += ["-o", option]
    return [*call, f"{user}@{host.address}"]


def reset(host_id: str, name: str = DEFAULT, progress: Progress = lambda text: None) -> None:
    """Replace a host by a fresh bare one: same id and address, new SSH host key, no data."""
    engine = machine.client()
    with engine_errors("lab"):
        old = find(engine, host_id, name)
        host = LabHost(host_id, old.labels[LABEL_ADDRESS])
        state = Path(old.labels[LABEL_STATE])
        with _exclusive(name):
            _remove(old)
        up([host], state, progress, name)


def containers(engine: docker.DockerClient, name: str) -> list[Container]:
    """The lab's host containers, running or not."""
    filters = {"label": [f"{LABEL}={net.check_name(name)}", LABEL_ID]}
    return list(engine.containers.list(all=True, filters=filters, ignore_removed=True))


def find(engine: docker.DockerClient, host_id: str, name: str) -> Container:
    """One host's container; HN-L008 when the lab has no such host."""
    known = {c.labels[LABEL_ID]: c for c in containers(engine, name)}
    if host_id in known:
        return known[host_id]
    there = ", ".join(sorted(known)) or "none"
    raise error(
        "HN-L008",
        f"lab {name}",
        f"there is no host {host_id!r} (there: {there})",
        "Name one of them, or run `hanoi lab up` first.",
        Exit.USAGE,
    )


@contextmanager
def _exclusive(name: str) -> Iterator[None]:
    """One command at a time changes a lab; the kernel frees the lock of a killed one."""
    directory = paths.cache() / "lab"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise error(
                "HN-L009",
                f"lab {name}",
                "another command is changing this lab",
                "Wait until it ends, then repeat.",
                Exit.REFUSED,
            ) from None
        yield


def _check_existing(
    engine: docker.DockerClient, hosts: Sequence[LabHost], state: Path, name: str
) -> None:
    """Refuse what would break a lab that is there: HN-L007 address, HN-L011 lost identity."""
    existing = {c.labels[LABEL_ID]: c for c in containers(engine, name)}
    for host in hosts:
        found = existing.get(host.id)
        if found and found.labels[LABEL_ADDRESS] != host.address:
            raise error(
                "HN-L007",
                f"lab host {host.id}",
                f"it has the address {found.labels[LABEL_ADDRESS]}, the model says {host.address}",
                "Run `hanoi lab down`, then `hanoi lab up`; a lab host's data goes with it.",
                Exit.REFUSED,
            )
    if existing and not keys.identity_file(state).exists():
        raise error(
            "HN-L011",
            str(keys.identity_file(state)),
            "the lab's hosts are there, but the key to them is not",
            "Use the state directory the lab was made with, or run `hanoi lab down` and "
            "`hanoi lab up`.",
            Exit.REFUSED,
        )


def _ensure_network(
    engine: docker.DockerClient, hosts: Sequence[LabHost], name: str, progress: Progress
) -> Network:
    addresses = [host.address for host in hosts]
    subnet = net.subnet(addresses)
    for found in engine.networks.list(filters={"label": f"{LABEL}={name}"}):
        pool = found.attrs["IPAM"]["Config"][0]
        current = net.IPv4Network(pool["Subnet"])
        if subnet.subnet_of(current) and pool.get("Gateway") not in addresses:
            return found
        raise error(
            "HN-L007",
            "lab network",
            f"the lab's network is {current} with the gateway {pool.get('Gateway')}, "
            f"which does not suit the model's addresses",
            "Run `hanoi lab down`, then `hanoi lab up`; the lab hosts' data goes with it.",
            Exit.REFUSED,
        )
    net.check_free(subnet, _engine_subnets(engine), net.routes())
    progress(f"making the network {subnet}")
    pool = IPAMPool(subnet=str(subnet), gateway=net.gateway(subnet, addresses))
    return engine.networks.create(
        name,
        driver="bridge",
        ipam=IPAMConfig(pool_configs=[pool]),
        options={"com.docker.network.driver.mtu": str(net.uplink_mtu())},
        labels={LABEL: name},
    )


def _engine_subnets(engine: docker.DockerClient) -> list[tuple[str, str]]:
    return [
        (found.name, pool["Subnet"])
        for found in engine.networks.list()
        for pool in found.attrs["IPAM"]["Config"] or []
    ]


def _ensure_host(
    engine: docker.DockerClient,
    host: LabHost,
    state: Path,
    name: str,
    image: str,
    lab_network: Network,
    public: str,
    progress: Progress,
) -> bool:
    """Make and start a host where needed; true when it had never run before."""
    found = next((c for c in containers(engine, name) if c.labels[LABEL_ID] == host.id), None)
    if found is None:
        progress(f"{host.id}: making the host")
        found = _create(engine, host, state, name, image, lab_network)
    if found.status == "running":
        return False
    fresh = found.status == "created"
    if fresh:  # also when an earlier command was interrupted before the first start
        found.put_archive("/", _first_files(public))
    progress(f"{host.id}: starting")
    found.start()
    return fresh


def _create(
    engine: docker.DockerClient,
    host: LabHost,
    state: Path,
    name: str,
    image: str,
    lab_network: Network,
) -> Container:
    volume = config.volume_name(name, host.id)
    try:
        engine.volumes.get(volume).remove(force=True)  # of a host that someone removed by hand
    except NotFound:
        pass
    engine.volumes.create(volume, labels={LABEL: name, LABEL_ID: host.id})
    body = config.host_config(
        lab=name,
        host_id=host.id,
        address=host.address,
        state=str(state.resolve()),
        image=image,
        network=lab_network.name,
        apt_cache=str(_apt_cache(engine, host.id)),
        machine=config.Machine(
            machine.cgroup_version(), machine.allows_privileged(engine, image, {LABEL: name})
        ),
    )
    made = engine.api.create_container_from_config(body, config.container_name(name, host.id))
    return engine.containers.get(made["Id"])


def _apt_cache(engine: docker.DockerClient, host_id: str) -> Path:
    """A directory for downloaded packages, kept between labs, that no other host mounts."""
    mounted = {
        mount.get("Source")
        for found in engine.containers.list(all=True, filters={"label": LABEL_ID})
        for mount in found.attrs["Mounts"]
    }
    base = (paths.cache() / "lab" / "apt").resolve()
    candidates = [base / host_id, *(base / f"{host_id}.{n}" for n in range(2, 100))]
    directory = next(d for d in candidates if str(d) not in mounted)
    (directory / "partial").mkdir(parents=True, exist_ok=True)
    return directory


def _first_files(public: str) -> bytes:
    """What a host gets before its first start, as a tar archive for its root directory."""
    settings = [*_APT_CONF, *machine.apt_settings()]
    proxies = machine.proxies(os.environ)
    files: dict[str, tuple[str | bytes, int]] = {
        "root/.ssh/authorized_keys": (public + "\n", 0o600),
        "etc/apt/apt.conf.d/90hanoi-lab": ("\n".join(settings) + "\n", 0o644),
        "etc/hanoi-lab/resolv.conf": (
            "".join(f"nameserver {server}\n" for server in machine.name_servers()),
            0o644,
        ),
        "etc/hanoi-lab/first-boot": ("", 0o644),
    }
    if proxies:
        lines = "".join(f'{key}="{value}"\n' for key, value in proxies.items())
        files["etc/environment"] = (lines, 0o644)
    for file, content in machine.extra_certificates().items():
        files[f"usr/local/share/ca-certificates/{file}"] = (content, 0o644)
    return _archive(files, {"root/.ssh": 0o700, "etc/hanoi-lab": 0o755})


def _archive(files: dict[str, tuple[str | bytes, int]], directories: dict[str, int]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, mode in directories.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for path, (content, mode) in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _wait(
    engine: docker.DockerClient,
    hosts: Sequence[LabHost],
    state: Path,
    name: str,
    fresh: Sequence[str],
    progress: Progress,
) -> None:
    """Wait for systemd, then record the host's key, then see SSH answer; HN-L006 on time-out."""
    end = time.monotonic() + _BOOT_SECONDS
    for host in hosts:
        found = find(engine, host.id, name)
        progress(f"{host.id}: waiting for systemd")
        _until(lambda c=found: _booted(c), end, host, "systemd did not come up")
        keys.remember(state, name, host.address, host.id, _host_keys(found))
        progress(f"{host.id}: waiting for SSH at {host.address}")
        if host.id in fresh:
            _until(lambda h=host: _logs_in(h, state), end, host, "SSH did not let root in")
        else:  # the toolkit may have closed root's login since
            _until(lambda h=host: answers_ssh(h.address), end, host, "SSH did not answer")
        progress(f"{host.id}: ready")


def _until(done: Any, end: float, host: LabHost, what: str) -> None:
    while not done():
        if time.monotonic() > end:
            raise error(
                "HN-L006",
                f"lab host {host.id}",
                f"{what} within {_BOOT_SECONDS} s",
                "Run `hanoi lab up` again; if it stays, `hanoi lab down` and `hanoi lab up`.",
            )
        time.sleep(0.3)


def _booted(found: Container) -> bool:
    found.reload()
    if found.status != "running":
        raise error(
            "HN-L006",
            f"lab host {found.labels[LABEL_ID]}",
            f"it ended while starting ({machine.last_line(found.logs(tail=5).decode())})",
            "Run `hanoi lab up` again; if it stays, `hanoi lab down` and `hanoi lab up`.",
        )
    answer = found.exec_run(["systemctl", "is-system-running"])
    return answer.output.decode(errors="replace").strip() in ("running", "degraded")


def _host_keys(found: Container) -> list[str]:
    """The host's public keys, read by the engine from inside: nothing is trusted on the wire."""
    answer = found.exec_run(["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"])
    return [line for line in answer.output.decode().splitlines() if line.strip()]


def _logs_in(host: LabHost, state: Path) -> bool:
    call = [*ssh_command(host, state)[:-1], "-o", "BatchMode=yes", f"root@{host.address}", "true"]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        raise error(
            "HN-L003",
            "ssh",
            "the OpenSSH client is not installed on this machine",
            "Install it: apt-get install openssh-client",
            Exit.ENVIRONMENT,
        ) from None
    return done.returncode == 0


def answers_ssh(address: str, seconds: float = 3) -> bool:
    """Whether an SSH server greets at the address."""
    try:
        with socket.create_connection((address, 22), timeout=seconds) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _status(found: Container) -> HostStatus:
    running = found.status == "running"
    address = found.labels[LABEL_ADDRESS]
    return HostStatus(
        id=found.labels[LABEL_ID],
        address=address,
        running=running,
        ssh=running and answers_ssh(address),
        since=found.attrs["State"]["StartedAt"] if running else "",
    )


def _remove(found: Container) -> None:
    found.remove(force=True, v=True)
