"""Make what a lab consists of: its network, and one container with its volume per host."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from typing import cast

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from infra import paths
from infra.errors import Exit, error
from infra.lab import container as config
from infra.lab import machine
from infra.lab import network as net
from infra.lab.container import LABEL, LABEL_ID
from infra.lab.machine import Progress
from infra.lab.network import LabHost

_APT_CONF = ('Binary::apt::APT::Keep-Downloaded-Packages "true";',)


@dataclass(frozen=True)
class Maker:
    """Makes hosts of one lab. state: the operator's state directory; public: the lab's key."""

    engine: docker.DockerClient
    lab: str
    state: Path
    image: str
    network: Network
    public: str
    progress: Progress

    def ensure(self, host: LabHost, found: Container | None) -> bool:
        """Make and start a host where needed; true when it had never run before."""
        if found is None:
            self.progress(f"{host.id}: making the host")
            found = self._create(host)
        if found.status == "running":
            return False
        fresh = bool(found.status == "created")
        if fresh:  # also when an earlier command was interrupted before the first start
            found.put_archive("/", first_files(self.public))
        self.progress(f"{host.id}: starting")
        found.start()
        return fresh

    @cached_property
    def _machine(self) -> config.Machine:
        privileged = machine.allows_privileged(self.engine, self.image, {LABEL: self.lab})
        return config.Machine(machine.cgroup_version(), privileged)

    def _create(self, host: LabHost) -> Container:
        volume = config.volume_name(self.lab, host.id)
        with contextlib.suppress(NotFound):  # of a host that someone removed by hand
            self.engine.volumes.get(volume).remove(force=True)
        self.engine.volumes.create(volume, labels={LABEL: self.lab, LABEL_ID: host.id})
        body = config.host_config(
            lab=self.lab,
            host_id=host.id,
            address=host.address,
            state=str(self.state.resolve()),
            image=self.image,
            network=cast(str, self.network.name),
            apt_cache=str(_apt_cache(self.engine, host.id)),
            machine=self._machine,
        )
        name = config.container_name(self.lab, host.id)
        # The stubs leave this call untyped.
        made = self.engine.api.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
        return self.engine.containers.get(made["Id"])


def ensure_network(
    engine: docker.DockerClient, hosts: Sequence[LabHost], name: str, progress: Progress
) -> Network:
    addresses = [host.address for host in hosts]
    subnet = net.subnet(addresses)
    for found in engine.networks.list(filters={"label": f"{LABEL}={name}"}):
        pool = found.attrs["IPAM"]["Config"][0]
        current = IPv4Network(pool["Subnet"])
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
        (cast(str, found.name), pool["Subnet"])
        for found in engine.networks.list()
        for pool in found.attrs["IPAM"]["Config"] or []
    ]


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


def first_files(public: str) -> bytes:
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
