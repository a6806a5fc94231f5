"""From a plan to three sites that match it: host → images → containers → runtime → verify.

Each step is safe to repeat: it looks first and does what differs. A run that was killed is
continued by the next one; nothing is remembered that cannot be found out again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from infra import facts, images, inventory, paths, runner, ssh
from infra import stack as program
from infra.containers import Changes, Images, Stacks
from infra.errors import Exit, HanoiError, Problem, error
from infra.resources import Container, HostPlan, Password, Plan, SitePlan
from infra.services import registry
from infra.state import Digests, Identities, Journal, Lock

if TYPE_CHECKING:
    from infra.engine import Engine
    from infra.facts import Look
    from infra.progress import Progress
    from infra.secrets import Secrets
    from infra.ssh import Connection

PASSPHRASE = Password("pulumi/passphrase")
GATE_SECONDS = 180  # a member that takes longer than this to be healthy again is a failure


@dataclass
class Outcome:
    """What a run changed. Counts are resources (containers) and tasks (hosts, runtime)."""

    containers: dict[str, dict[str, int]] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    runtime: dict[str, int] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    verified: dict[str, int] | None = None
    seconds: float = 0.0

    @property
    def container_changes(self) -> int:
        return sum(Changes(site, operations).total for site, operations in self.containers.items())

    @property
    def host_changes(self) -> int:
        return sum(sum(part.values()) for part in (self.hosts, self.actions, self.runtime))

    def summary(self) -> str:
        """What an operator reads at the end."""
        lines = [
            f"containers: {self.container_changes} Pulumi changes",
            f"hosts and runtime: {self.host_changes} Ansible changes",
        ]
        if self.images:
            lines.append(f"images built and pushed: {', '.join(self.images)}")
        if self.verified:
            counts = ", ".join(f"{n} {name}" for name, n in sorted(self.verified.items()))
            lines.append(f"compliance: {counts}")
        return "\n".join([*lines, f"{self.seconds:.0f} s"])

    def as_json(self) -> str:
        counts = {
            "pulumi_changes": self.container_changes,
            "ansible_changes": self.host_changes,
        }
        return json.dumps({**counts, **asdict(self)}, indent=2, sort_keys=True)


class Deployment:
    """One run against the chosen sites, with connections open and the lock held."""

    def __init__(
        self,
        plan: Plan,
        sites: Sequence[SitePlan],
        secrets: Secrets,
        connections: dict[str, Connection],
        say: Progress,
    ) -> None:
        self.plan = plan
        self.sites = tuple(sites)
        self.secrets = secrets
        self.connections = connections
        self.say = say
        self.state = paths.state()
        self.identities = Identities(self.state)
        self.digests = Digests(self.state)
        self.journal = Journal(self.state)
        self.outcome = Outcome()
        self.looks: dict[str, Look] = {}

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        return tuple(h for s in self.sites for h in s.hosts)

    def look(self) -> None:
        """One batch of facts per host; an engine that is not the expected one stops the run."""
        wanted = {
            h.id: inventory.desired(self.plan, h.id, self.secrets.resolve) for h in self.hosts
        }
        self.looks = facts.look(self.connections, wanted)
        for host_id, seen in self.looks.items():
            self.identities.check(host_id, seen.machine_id, seen.engine_id)

    def remember_identities(self) -> None:
        for host_id, seen in self.looks.items():
            self.identities.record(host_id, seen.machine_id, seen.engine_id)

    def configure_hosts(self) -> None:
        """Users, packages, files and host services, in parallel on all hosts that differ."""
        self.outcome.hosts = runner.configure_host(
            self.plan, self.connections, self.secrets, self.looks, self.say
        )
        if any(self.outcome.hosts.values()) or any(
            s.engine_id is None for s in self.looks.values()
        ):
            self.look()

    def run_actions(self) -> None:
        self.outcome.actions = runner.run_actions(
            self.plan, self.connections, self.secrets, self.looks, self.say
        )

    def apply_runtime(self) -> None:
        self.outcome.runtime = runner.apply_runtime(
            self.plan, self.connections, self.secrets, self.say
        )


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
    hub = next((s for s in run.sites if plan.hub in {h.id for h in s.hosts}), None)
    own = {registry.IMAGE: wanted[registry.IMAGE]} if registry.IMAGE in wanted else {}
    others = [s for s in specs(plan) if s.name != registry.IMAGE]
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
    hub: SitePlan,
    missing: Sequence[images.ImageSpec],
    wanted: Mapping[str, str],
) -> None:
    import docker

    plan = run.plan
    connection = run.connections[plan.hub]

    def root(script: str) -> None:
        done = connection.run(script, root=True, timeout=1800)
        if done.rc:
            raise error(
                "HN-I010",
                f"host {plan.hub}",
                f"the base image could not be made: {done.stderr[-1500:]}",
                "check that the host reaches its Debian mirror, then run again",
            )

    client = docker.DockerClient(base_url=f"unix://{connection.forward_docker()}", timeout=900)
    with contextlib.closing(client):
        own = [s for s in specs(plan) if s.name == registry.IMAGE]
        ids = images.ensure(client, root, [*own, *missing], paths.cache(), run.say)
        for spec in own:
            run.digests.put(f"{spec.name}:{wanted[spec.name]}", ids[spec.name])
        if missing:
            _start_registry(run, stacks, hub, ids)
            pushed = images.publish(client, registry_address(plan), missing, run.say)
            for spec in missing:
                ref = f"{registry_address(plan)}/hanoi/{spec.name}@{pushed[spec.name]}"
                run.digests.put(f"{spec.name}:{wanted[spec.name]}", ref)
                run.outcome.images.append(spec.name)


def _start_registry(run: Deployment, stacks: Stacks, hub: SitePlan, ids: Mapping[str, str]) -> None:
    """The registry's container alone, before anything can be pushed to it."""
    seen = run.looks[run.plan.hub].containers
    host = run.plan.host(run.plan.hub)
    mine = host.container(registry.NAME)
    tag = tags(run.plan)[registry.IMAGE]
    if any(
        c.name == mine.name and c.state == "running" and c.spec == program.spec(run.plan, mine, tag)
        for c in seen
    ):
        return
    run.say(f"{host.id}: starting the registry")
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


def bring_up_containers(run: Deployment, stacks: Stacks, refs: Images) -> None:
    """Containers to the plan: sites in parallel, but voting members one site at a time.

    A site is done by itself, behind the members' gates, when a voting member that runs there
    would be replaced. What an interrupted run left beside Pulumi's state is removed first.
    """
    left = run.journal.containers()
    changed = frozenset(
        s.id for s in run.sites if any(_differs(run.looks[h.id], left.get(h.id)) for h in s.hosts)
    )
    if run.journal.interrupted():
        stacks.release(run.sites, refs)
        changed = frozenset(s.id for s in run.sites)
        _remove_orphans(run, stacks, refs)
    alone = [s for s in run.sites if _votes_change(run, s, refs)]
    together = [s for s in run.sites if s not in alone]
    done: list[Changes] = []
    if together:
        done += stacks.up(together, refs, refresh=changed)
        wait_for_gates(run, together if any(c.total for c in done) else [])
    for site in alone:
        run.say(f"{site.id}: a voting member changes here; the other sites wait")
        done += stacks.up([site], refs, refresh=changed)
        wait_for_gates(run, [site])
    run.outcome.containers = {c.site: dict(c.operations) for c in done}
    if any(c.total for c in done) or changed:
        run.look()
    run.journal.record_containers(
        {h: {c.name: c.id for c in seen.containers} for h, seen in run.looks.items()}
    )


def _differs(seen: Look, left: Mapping[str, str] | None) -> bool:
    """Whether the host's containers are other ones than the last run left there."""
    return {c.name: c.id for c in seen.containers} != (left or {}) or any(
        c.state != "running" for c in seen.containers
    )


def _votes_change(run: Deployment, site: SitePlan, refs: Images) -> bool:
    """Whether a voting member that runs at the site now would be replaced."""
    for host in site.hosts:
        running = {c.name: c for c in run.looks[host.id].containers}
        for container in host.parts.containers:
            seen = running.get(container.name)
            wanted = program.spec(run.plan, container, refs.tags[container.image])
            if container.votes_in and seen is not None and seen.spec != wanted:
                return True
    return False


def wait_for_gates(run: Deployment, sites: Sequence[SitePlan]) -> None:
    """Wait until every voting member of the sites says its quorum is whole."""
    gates = [(h, c) for s in sites for h in s.hosts for c in h.parts.containers if c.gate]
    if not gates:
        return
    with ThreadPoolExecutor(max_workers=len(gates)) as pool:
        for future in [pool.submit(_wait_for_gate, run, h, c) for h, c in gates]:
            future.result()


def _wait_for_gate(run: Deployment, host: HostPlan, container: Container) -> None:
    import shlex

    run.say(f"{host.id}: waiting for {container.votes_in} to be whole")
    gate = shlex.join(["docker", "exec", container.name, *container.gate])
    script = f"""
        end=$(($(date +%s) + {GATE_SECONDS}))
        until out=$({gate} 2>&1); do
            [ $(date +%s) -lt $end ] || {{ echo "$out" | tail -n 5 >&2; exit 1; }}
            sleep 1
        done"""
    answer = run.connections[host.id].run(script, root=True, timeout=GATE_SECONDS + 30)
    if answer.rc:
        raise error(
            "HN-D023",
            f"host {host.id}",
            f"{container.name} is not healthy after {GATE_SECONDS} s: {answer.stderr[-600:]}",
            f"look at `hanoi logs {host.id} {container.name}`; the other sites were not touched."
            " Then run the same command again.",
        )


def _remove_orphans(run: Deployment, stacks: Stacks, refs: Images) -> None:
    """Containers and networks that a killed run created before Pulumi noted them.

    Data is in named volumes, which are left alone; the next step creates the rest again.
    """
    for site in run.sites:
        known = stacks.known(site, refs)
        for host in site.hosts:
            seen = run.looks[host.id]
            orphans = [
                c for c in seen.containers if c.spec and c.id not in known.get("Container", ())
            ]
            networks = [
                n for n in seen.networks if n.managed and n.id not in known.get("Network", ())
            ]
            for orphan in orphans:
                run.say(f"{host.id}: removing {orphan.name}, left by the interrupted run")
                run.connections[host.id].run(
                    f"docker stop {orphan.id} && docker rm {orphan.id}", root=True, timeout=120
                )
            for network in networks:
                run.connections[host.id].run(
                    f"docker network rm {network.id}", root=True, timeout=60
                )


@contextlib.contextmanager
def opened(
    plan: Plan,
    site_ids: Sequence[str],
    say: Progress,
    command: str,
    *,
    accept_host_keys: bool = False,
) -> Iterator[Deployment]:
    """Connections, secrets and the lock for a run that changes sites.

    Raises HanoiError HN-D001 when another run is under way (with its holder's name).
    """
    from infra.secrets import Secrets

    sites = chosen(plan, site_ids)
    lock = Lock(paths.state(), command)
    with lock.local():
        secrets = Secrets.open(paths.secrets())
        changes = secrets.ensure([PASSPHRASE, *plan.secrets])
        if changes:
            say(f"secrets: {changes}")
        hosts = [(h.id, h.address) for s in sites for h in s.hosts]
        with (
            ssh.connected(
                hosts, plan.ssh_user, plan.ssh_port, bootstrap_user=plan.ssh_bootstrap_user
            ) as connections,
            lock.hold(connections),
        ):
            yield Deployment(plan, sites, secrets, connections, say)


def chosen(plan: Plan, site_ids: Sequence[str]) -> tuple[SitePlan, ...]:
    """The named sites (all of them without names). Raises HanoiError HN-D002."""
    known = {s.id: s for s in plan.sites}
    unknown = [i for i in site_ids if i not in known]
    if unknown:
        raise HanoiError(
            [
                Problem(
                    f"site {i}",
                    "HN-D002",
                    "there is no such site",
                    f"choose from: {', '.join(known)}",
                )
                for i in unknown
            ],
            Exit.USAGE,
        )
    return tuple(known[i] for i in site_ids) if site_ids else plan.sites


@contextlib.contextmanager
def stacks_of(run: Deployment, engine: Engine) -> Iterator[Stacks]:
    with Stacks(
        run.plan,
        engine,
        run.connections,
        run.state,
        run.secrets.value(PASSPHRASE.id, "password"),
        run.say,
    ) as stacks:
        yield stacks


STEPS = ("hosts", "images", "containers", "runtime")


def execute(run: Deployment, engine: Engine | None, steps: Sequence[str] = STEPS) -> Outcome:
    """The chosen steps in their order. engine may be None when no step needs it."""
    run.look()
    run.journal.begin(steps=list(steps), through=run.plan.through, sites=[s.id for s in run.sites])
    if "hosts" in steps:
        if any(c.bare for c in run.connections.values()):
            runner.bootstrap(run.plan, run.connections, run.secrets, run.say)
            run.look()
        run.configure_hosts()
        run.remember_identities()
        run.journal.step("hosts")
    if engine is not None and {"images", "containers"} & set(steps):
        with stacks_of(run, engine) as stacks:
            refs = provide_images(run, stacks)
            run.journal.step("images")
            if "containers" in steps:
                bring_up_containers(run, stacks, refs)
                run.journal.step("containers")
    if "hosts" in steps or "runtime" in steps:
        run.run_actions()
    if "runtime" in steps:
        run.apply_runtime()
        run.journal.step("runtime")
    run.journal.end()
    run.outcome.seconds = round(run.say.seconds, 1)
    return run.outcome


def verify(run: Deployment) -> bool:
    """The compliance checks of the run's sites; their counts go into the outcome."""
    from infra import verify as compliance

    report = compliance.verify(run.plan, [s.id for s in run.sites], None, None, run.say)
    run.outcome.verified = dict(report.counts)
    if not report.ok:
        run.say(report.text())
    return bool(report.ok)


def named_for_removal(plan: Plan, site_ids: Sequence[str], volumes: bool) -> list[str]:
    """What `destroy` would remove, by name, for the question asked before it."""
    named = []
    for site in chosen(plan, site_ids):
        for host in site.hosts:
            named += [f"{host.id}: container {c.name}" for c in host.parts.containers]
            named += [f"{host.id}: network {n.name}" for n in host.parts.networks]
            if volumes:
                named += [f"{host.id}: volume {v.name}, with its data" for v in host.parts.volumes]
    return named


def destroy(run: Deployment, engine: Engine, volumes: bool) -> Outcome:
    """Remove the sites' containers and networks, and with `volumes` their data."""
    run.look()
    wanted = tags(run.plan)
    refs = Images({n: f"sha256:{'0' * 64}" for n in wanted}, wanted)
    with stacks_of(run, engine) as stacks:
        if run.journal.interrupted():
            stacks.release(run.sites, refs)
        done = stacks.destroy(run.sites, refs)
    run.outcome.containers = {c.site: dict(c.operations) for c in done}
    if volumes:
        for host in run.hosts:
            names = " ".join(v.name for v in host.parts.volumes)
            run.connections[host.id].run(f"docker volume rm -f {names}", root=True, timeout=120)
    run.journal.record_containers({h.id: {} for h in run.hosts})
    run.outcome.seconds = round(run.say.seconds, 1)
    return run.outcome


def accept_host_keys(plan: Plan, site_ids: Sequence[str]) -> list[str]:
    """Record the keys of hosts seen for the first time; returns a line for each to be compared."""
    hosts = [(h.id, h.address) for s in chosen(plan, site_ids) for h in s.hosts]
    return ssh.accept_host_keys(hosts, plan.ssh_port)


def forget_identities(plan: Plan, host_ids: Sequence[str]) -> None:
    """The hosts were rebuilt on purpose: their next identity is taken as theirs."""
    identities = Identities(paths.state())
    for host_id in host_ids:
        identities.forget(plan.host(host_id).id)
