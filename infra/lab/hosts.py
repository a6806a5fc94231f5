"""Bring the lab up, look at it, take it down. Everything is found by label, never by guess."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import docker
from docker.models.containers import Container

from infra import paths
from infra.errors import Exit, error
from infra.lab import keys, machine, recipe
from infra.lab import network as net
from infra.lab.container import LABEL, LABEL_ADDRESS, LABEL_ID, LABEL_STATE, volume_name
from infra.lab.machine import Progress, engine_errors
from infra.lab.making import Maker, ensure_network
from infra.lab.network import LabHost

DEFAULT = "hanoi-lab"
_BOOT_SECONDS = 180
# The package cache may be deleted at any time; a host must not lose apt by it.
_MEND_APT = (
    "cd /; d=/var/cache/apt/archives; [ -d $d/partial ] || mkdir -p $d/partial 2>/dev/null || "
    "{ umount $d && mkdir -p $d/partial; }"
)


@dataclass(frozen=True)
class HostStatus:
    """A host as it is: running, answering SSH, and since when (ISO 8601, empty when down)."""

    id: str
    address: str
    running: bool
    ssh: bool
    since: str


def up(hosts: Sequence[LabHost], state: Path, progress: Progress, name: str = DEFAULT) -> None:
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
            network = ensure_network(engine, hosts, name, progress)
            maker = Maker(engine, name, state, image, network, public, progress)
            there = {c.labels[LABEL_ID]: c for c in containers(engine, name)}
            fresh = [host.id for host in hosts if maker.ensure(host, there.get(host.id))]
            _wait(engine, hosts, state, name, fresh, progress)


def down(state: Path, name: str = DEFAULT) -> None:
    """Remove the lab: hosts, volumes, network, its keys under state/ssh. The image cache stays."""
    net.check_name(name)
    with _exclusive(name):
        engine = machine.client()
        label: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={name}"}
        with engine_errors("lab"):
            hosts = engine.containers.list(all=True, filters=label, ignore_removed=True)
            with ThreadPoolExecutor() as pool:
                list(pool.map(_remove, hosts))
            for volume in engine.volumes.list(filters=label):
                volume.remove(force=True)
            for found in engine.networks.list(filters=label):
                found.remove()
        keys.forget(state, name)
        _lock_file(name).unlink(missing_ok=True)


def remove(host_id: str, state: Path, name: str = DEFAULT) -> None:
    """Remove one host with its data and what is known of its key; the others stay. HN-L008."""
    with _exclusive(name), engine_errors("lab"):
        engine = machine.client()
        found = find(engine, host_id, name)
        _remove(found)
        engine.volumes.get(volume_name(name, host_id)).remove(force=True)
        keys.remember(state, name, found.labels[LABEL_ADDRESS], host_id, ())


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
    filters: dict[str, str | list[str] | bool] = {
        "label": [f"{LABEL}={net.check_name(name)}", LABEL_ID]
    }
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
    file = _lock_file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.fstat(lock.fileno()).st_nlink > 0  # else a `down` has just removed it
        except BlockingIOError:
            free = False
        if not free:
            raise error(
                "HN-L009",
                f"lab {name}",
                "another command is changing this lab",
                "Wait until it ends, then repeat.",
                Exit.REFUSED,
            )
        yield


def _lock_file(name: str) -> Path:
    return paths.cache() / "lab" / f"{name}.lock"


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
        _until(partial(_booted, found), end, host, "systemd did not come up")
        found.exec_run(["sh", "-c", _MEND_APT])
        keys.remember(state, name, host.address, host.id, _host_keys(found))
        progress(f"{host.id}: waiting for SSH at {host.address}")
        if host.id in fresh:
            _until(partial(_logs_in, host, state), end, host, "SSH did not let root in")
        else:  # the toolkit may have closed root's login since
            _until(partial(answers_ssh, host.address), end, host, "SSH did not answer")
        progress(f"{host.id}: ready")


def _until(done: Callable[[], bool], end: float, host: LabHost, what: str) -> None:
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
    state = cast(bytes, answer.output).decode(errors="replace").strip()
    return state in ("running", "degraded")


def _host_keys(found: Container) -> list[str]:
    """The host's public keys, read by the engine from inside: nothing is trusted on the wire."""
    answer = found.exec_run(["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"])
    return [line for line in cast(bytes, answer.output).decode().splitlines() if line.strip()]


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
