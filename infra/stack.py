"""Plan → Docker resources: one Pulumi stack a host, an inline program, nothing else.

The only importer of pulumi_docker. Every attribute that the engine reports is stated, so
that a second `up` changes nothing (docs/engine.md lists them); images are named by digest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from infra.resources import Container, HostPlan, Plan, digest

if TYPE_CHECKING:
    import pulumi_docker

PROJECT = "hanoi"
MANAGED_LABEL = "hanoi.managed"
SPEC_LABEL = "hanoi.spec"


def spec(plan: Plan, container: Container, image_tag: str) -> str:
    """What the container's label says it was made from: its description and its image.

    Another value than the label's means that the container will be replaced.
    """
    return f"{digest(container)}-{image_tag}-{plan.log_max_size}x{plan.log_files}"


def declare(
    plan: Plan, host: HostPlan, image_refs: Mapping[str, str], tags: Mapping[str, str]
) -> None:
    """Declare the host's networks, volumes, images and containers (inside a Pulumi program).

    The engine is the one that DOCKER_HOST names: nothing of the operator's machine gets into
    the state. image_refs: image name → reference to pull (registry@digest); an id
    ("sha256:…") is used as it is, for the registry's own image. tags: image name → content tag.
    """
    import pulumi
    import pulumi_docker as docker

    networks = [
        docker.Network(
            f"network/{n.name}",
            name=n.name,
            driver="bridge",
            ipam_configs=[docker.NetworkIpamConfigArgs(subnet=n.subnet, gateway=n.gateway)],
            labels=_labels(docker.NetworkLabelArgs, host),
        )
        for n in host.parts.networks
    ]
    volumes = {
        v.name: docker.Volume(
            f"volume/{v.name}",
            name=v.name,
            driver="local",
            labels=_labels(docker.VolumeLabelArgs, host),
            opts=pulumi.ResourceOptions(retain_on_delete=True),
        )
        for v in host.parts.volumes
    }
    images = _images(docker, host, image_refs)
    made: dict[str, pulumi_docker.Container] = {}
    for container in _in_order(host.parts.containers):
        label = spec(plan, container, tags[container.image])
        mounted = [volumes[m.source] for m in container.mounts if m.kind == "volume"]
        made[container.name] = docker.Container(
            f"container/{container.name}",
            **_arguments(docker, plan, host, container, label),
            image=images[container.image],
            opts=pulumi.ResourceOptions(
                depends_on=[*networks, *mounted, *(made[n] for n in container.needs)],
                delete_before_replace=True,
            ),
        )


def _images(docker: Any, host: HostPlan, refs: Mapping[str, str]) -> dict[str, Any]:
    images: dict[str, Any] = {}
    for name in sorted({c.image for c in host.parts.containers}):
        if refs[name].startswith("sha256:"):
            images[name] = refs[name]
            continue
        image = docker.RemoteImage(f"image/{name}", name=refs[name], keep_locally=True)
        images[name] = image.image_id
    return images


def _labels(kind: Callable[..., Any], host: HostPlan, **more: str) -> list[Any]:
    labels = {MANAGED_LABEL: "true", "hanoi.site": host.site, "hanoi.host": host.id, **more}
    return [kind(label=name, value=value) for name, value in sorted(labels.items())]


def _arguments(
    docker: Any, plan: Plan, host: HostPlan, c: Container, spec_value: str
) -> dict[str, Any]:
    """Every argument of one container but its image."""
    health = c.health
    return {
        "name": c.name,
        "hostname": c.name,
        "command": list(c.command),
        "user": c.user,
        "envs": sorted(f"{k}={v}" for k, v in c.environment),
        "capabilities": docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        "security_opts": ["no-new-privileges"],
        "read_only": True,
        "init": True,
        "memory": c.memory // 2**20,
        "memory_swap": c.memory // 2**20,
        "shm_size": c.shm // 2**20,
        "restart": "unless-stopped",
        "log_driver": "json-file",
        "log_opts": {"max-size": str(plan.log_max_size), "max-file": str(plan.log_files)},
        "network_mode": "bridge",
        "networks_advanced": [
            docker.ContainerNetworksAdvancedArgs(
                name=host.parts.networks[0].name, ipv4_address=c.address
            )
        ],
        "hosts": [docker.ContainerHostArgs(host=name, ip=ip) for name, ip in c.hosts],
        "ports": [
            docker.ContainerPortArgs(
                internal=p.container_port, external=p.host_port, ip=p.address, protocol="tcp"
            )
            for p in c.ports
        ],
        "mounts": [
            docker.ContainerMountArgs(
                type=m.kind, source=m.source, target=m.target, read_only=m.read_only
            )
            for m in c.mounts
        ],
        "tmpfs": {path: "rw,noexec,nosuid,nodev,mode=1777" for path in c.tmpfs},
        "stop_signal": c.stop_signal,
        "stop_timeout": c.stop_timeout,
        "destroy_grace_seconds": c.stop_timeout,
        "healthcheck": health
        and docker.ContainerHealthcheckArgs(
            tests=list(health.test),
            interval=_duration(health.interval),
            timeout=_duration(health.timeout),
            retries=health.retries,
            start_period=_duration(health.start_period),
        ),
        "labels": _labels(docker.ContainerLabelArgs, host, **{SPEC_LABEL: spec_value}),
        "must_run": True,
        "wait": False,
    }


def _duration(seconds: int) -> str:
    """As Go prints it (90 → "1m30s"): any other spelling is a change at every run."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _in_order(containers: tuple[Container, ...]) -> list[Container]:
    """Containers after those that they need."""
    ordered: list[Container] = []
    waiting = list(containers)
    while waiting:
        ready = [c for c in waiting if all(n in {o.name for o in ordered} for n in c.needs)]
        if not ready:
            raise ValueError(f"containers need each other: {[c.name for c in waiting]}")
        ordered.extend(ready)
        waiting = [c for c in waiting if c not in ready]
    return ordered
