"""Every image of a plan in the hub's registry, pinned by digest."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from infra import images, paths
from infra import stack as program
from infra.containers import Images, Stacks
from infra.errors import Exit, error
from infra.resources import HostPlan, Plan
from infra.services import registry

if TYPE_CHECKING:
    from infra.deploy import Deployment


def specs(plan: Plan) -> list[images.ImageSpec]:
    return [images.ImageSpec(name, uid) for name, uid in plan.images]


def tags(plan: Plan) -> dict[str, str]:
    """Image name → content tag."""
    return {s.name: images.tag(s) for s in specs(plan)}


def registry_address(plan: Plan) -> str:
    return f"{plan.host(plan.hub).address}:{registry.PORT}"


def provide_images(run: Deployment, stacks: Stacks) -> Images:
    """Every image of the plan in the hub's registry; references by digest.

    A content tag whose digest is known needs no look. On a fresh hub the registry's own
    image is built there first and its container started, then the others are pushed to it.
    Raises HanoiError HN-D021 when an image is unknown and the hub is not among the sites.
    """
    plan = run.plan
    wanted = tags(plan)
    hub = next((h for h in run.hosts if h.id == plan.hub), None)
    own = {registry.NAME: wanted[registry.NAME]} if registry.NAME in wanted else {}
    others = [s for s in specs(plan) if s.name != registry.NAME]
    missing = [s for s in others if run.digests.get(f"{s.name}:{wanted[s.name]}") is None]
    own_known = all(run.digests.get(f"{n}:{t}") for n, t in own.items())
    if missing or not own_known:
        if hub is None:
            raise error(
                "HN-D021",
                f"host {plan.hub}",
                "images are missing and the hub, which builds and keeps them, is not among the"
                " chosen sites",
                "run `hanoi images` first, or deploy without --site",
                Exit.REFUSED,
            )
        _build_and_push(run, stacks, hub, missing, wanted)
    refs = {
        name: run.digests.get(f"{name}:{tag}") or _unknown(name) for name, tag in wanted.items()
    }
    return Images(refs, wanted)


def _build_and_push(
    run: Deployment,
    stacks: Stacks,
    hub: HostPlan,
    missing: Sequence[images.ImageSpec],
    wanted: Mapping[str, str],
) -> None:
    import docker

    plan = run.plan
    connection = run.connections[plan.hub]

    def root(script: str) -> None:
        done = connection.run(script, root=True, timeout=1800)
        if done.rc:
            raise subprocess.CalledProcessError(done.rc, "mmdebstrap", stderr=done.stderr)

    client = docker.DockerClient(base_url=f"unix://{connection.forward_docker()}", timeout=900)
    with contextlib.closing(client):
        own = [s for s in specs(plan) if s.name == registry.NAME]
        ids = images.ensure(client, root, [*own, *missing], paths.cache(), run.say)
        for spec in own:
            run.digests.update({f"{spec.name}:{wanted[spec.name]}": ids[spec.name]})
        if missing:
            _start_registry(run, stacks, hub, ids)
            pushed = images.publish(client, registry_address(plan), missing, run.say)
            for spec in missing:
                ref = f"{registry_address(plan)}/hanoi/{spec.name}@{pushed[spec.name]}"
                run.digests.update({f"{spec.name}:{wanted[spec.name]}": ref})
                run.outcome.images.append(spec.name)


def _start_registry(run: Deployment, stacks: Stacks, hub: HostPlan, ids: Mapping[str, str]) -> None:
    """The registry's container alone, before anything can be pushed to it."""
    seen = run.looks[run.plan.hub].containers
    host = run.plan.host(run.plan.hub)
    mine = host.container(registry.NAME)
    tag = tags(run.plan)[registry.NAME]
    if any(
        c.name == mine.name and c.state == "running" and c.spec == program.spec(run.plan, mine, tag)
        for c in seen
    ):
        return
    run.say(f"{host.id}: starting the registry")
    run.left.begin(frozenset({hub.id}))
    # Images that are not pushed yet are not part of this run; their references are not used.
    refs = {name: ids.get(name, f"sha256:{'0' * 64}") for name, _ in run.plan.images}
    names = {
        f"container/{mine.name}",
        *(f"volume/{m.source}" for m in mine.mounts if m.kind == "volume"),
    }
    stacks.up(
        [hub],
        Images(refs, tags(run.plan)),
        only=lambda name: name in names or name.startswith("network/"),
    )


def _unknown(name: str) -> str:
    raise error(
        "HN-D022",
        f"image {name}",
        "it has no digest although it was pushed",
        "run `hanoi images` and look at its output",
    )
