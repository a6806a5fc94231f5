"""What the engine is asked to run for one lab host: pure, as the Engine API's JSON.

Source: Docker Engine API 1.41, ContainerCreate. Built here rather than by the SDK's helper,
which has no way to say `systempaths=unconfined` (empty MaskedPaths and ReadonlyPaths).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LABEL = "hanoi.lab"
LABEL_ID = "hanoi.lab.id"
LABEL_ADDRESS = "hanoi.lab.address"
LABEL_STATE = "hanoi.lab.state"

STOP_SECONDS = 120  # the nested services' own stop timeouts (60 s at most) fit into it
_INIT = "/sbin/hanoi-lab-init"
_TMPFS = {
    "/run": "rw,nosuid,nodev,exec,mode=755",
    "/run/lock": "rw,nosuid,nodev,noexec,mode=1777",
    "/tmp": "rw,nosuid,nodev,exec,mode=1777",
}


@dataclass(frozen=True)
class Machine:
    """What the engine's machine allows: its cgroup version (1 or 2), and --privileged."""

    cgroup: int
    privileged: bool


def container_name(lab: str, host_id: str) -> str:
    return f"{lab}-{host_id}"


def volume_name(lab: str, host_id: str) -> str:
    return f"{lab}-{host_id}-docker"


def host_config(
    *,
    lab: str,
    host_id: str,
    address: str,
    state: str,
    image: str,
    network: str,
    apt_cache: str,
    machine: Machine,
) -> dict[str, Any]:
    """The body of ContainerCreate for one host. No memory or CPU limit: the machine is shared."""
    return {
        "Image": image,
        "Hostname": host_id,
        "Entrypoint": [_INIT],
        # Trixie's systemd refuses cgroup v1 unless told so; it reads its own arguments for it.
        "Cmd": ["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"] if machine.cgroup == 1 else [],
        "Env": ["container=docker"],
        "StopSignal": "SIGRTMIN+3",
        "StopTimeout": STOP_SECONDS,
        "Labels": {
            LABEL: lab,
            LABEL_ID: host_id,
            LABEL_ADDRESS: address,
            LABEL_STATE: state,
        },
        "HostConfig": _host_section(volume_name(lab, host_id), apt_cache, network, machine),
        "NetworkingConfig": {
            "EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}
        },
    }


def _host_section(volume: str, apt_cache: str, network: str, machine: Machine) -> dict[str, Any]:
    binds = [f"{volume}:/var/lib/docker:rw"]
    if apt_cache:
        binds.append(f"{apt_cache}:/var/cache/apt/archives:rw")
    section: dict[str, Any] = {
        "Binds": binds,
        "NetworkMode": network,
        "CgroupnsMode": "private",
        "Tmpfs": _TMPFS,
        "RestartPolicy": {"Name": "no"},
    }
    return section | _rights(machine.privileged)


def _rights(privileged: bool) -> dict[str, Any]:
    """All a host with an engine of its own needs; the same by name where privileged is refused.

    The engine refuses --privileged where the machine itself lacks a capability, usually
    SYS_RESOURCE.
    """
    if privileged:
        return {"Privileged": True}
    return {
        "CapAdd": ["ALL"],
        "CapDrop": ["SYS_RESOURCE"],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],
    }
