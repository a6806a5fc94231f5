"""From a plan to three sites that match it: host → images → containers → runtime → verify.

Each step is safe to repeat: it looks first and does what differs. A run that was killed is
continued by the next one; nothing is remembered that cannot be found out again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from infra import configure, facts, inventory, paths, rollout, runtime, ssh, supply
from infra.containers import Changes, Images, Stacks
from infra.errors import Exit, HanoiError, Problem
from infra.resources import HostPlan, Password, Plan, SitePlan
from infra.roadmap import entry
from infra.state import Digests, HomeRecord, Identities, Journal, Left, Lock, Waves

if TYPE_CHECKING:
    from infra.engine import Engine
    from infra.facts import Look
    from infra.progress import Progress
    from infra.secrets import Secrets
    from infra.ssh import Connection

PASSPHRASE = Password("pulumi/passphrase")


@dataclass
class Outcome:
    """What a run changed. Counts are resources (containers) and tasks (hosts, runtime)."""

    containers: dict[str, dict[str, int]] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    runtime: dict[str, int] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    verified: dict[str, int] | None = None
    failed_checks: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def container_changes(self) -> int:
        return sum(Changes(host, counts).total for host, counts in self.containers.items())

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
            lines.append(f"images brought to the registry: {', '.join(self.images)}")
        if self.verified:
            counts = ", ".join(f"{n} {name}" for name, n in sorted(self.verified.items()))
            lines.append(f"compliance: {counts}")
        lines += self.failed_checks
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
        lock: Lock,
        say: Progress,
    ) -> None:
        self.plan = plan
        self.sites = tuple(sites)
        self.secrets = secrets
        self.connections = connections
        self.lock = lock
        self.say = say
        self.state = paths.state()
        self.identities = Identities(self.state)
        self.digests = Digests(self.state)
        self.journal = Journal(self.state)
        self.left = Left(self.state)
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
            self.identities.check(host_id, seen.machine_id or "", seen.engine_id or "")

    def remember_identities(self) -> None:
        for host_id, seen in self.looks.items():
            self.identities.record(host_id, seen.machine_id or "", seen.engine_id or "")

    def configure_hosts(self) -> None:
        """Users, packages, files and host services, in parallel on all hosts that differ."""
        self.outcome.hosts = configure.configure_host(
            self.plan, self.connections, self.secrets, self.looks, self.say
        )
        if any(self.outcome.hosts.values()) or any(
            s.engine_id is None for s in self.looks.values()
        ):
            self.look()

    def remove_files(self) -> None:
        """What left the plan goes last, when no container has it mounted any more."""
        gone = configure.remove_files(self.connections, self.looks, self.say)
        for host_id, count in gone.items():
            self.outcome.hosts[host_id] = self.outcome.hosts.get(host_id, 0) + count

    def run_actions(self) -> None:
        self.outcome.actions = configure.run_actions(
            self.plan, self.connections, self.secrets, self.looks, self.say
        )

    def settle_homes(self) -> None:
        """Note where units' data has been made: at the sites once all of them are here."""
        whole = {h.id for h in self.plan.hosts if not h.own} <= set(self.connections)
        common = self.plan.common.data if whole else ()
        own = [d for h in self.hosts if h.own for d in h.parts.data]
        HomeRecord(self.state).settle((*common, *own))

    def apply_runtime(self) -> None:
        self.outcome.runtime = runtime.apply_runtime(
            self.plan, self.connections, self.secrets, self.say
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
    hosts = [(h.id, h.address) for s in sites for h in s.hosts]
    with Lock(f"hanoi {command}") as lock:
        secrets = Secrets.open(paths.secrets())
        changes = secrets.ensure([PASSPHRASE, *plan.secrets])
        if changes.generated or changes.reissued:
            say(f"secrets: {len(changes.generated)} generated, {len(changes.reissued)} reissued")
        if changes.notice:
            say(changes.notice)
        with ssh.connected(
            hosts, plan.ssh_user, plan.ssh_port, bootstrap_user=plan.ssh_bootstrap_user
        ) as connections:
            lock.hold(connections)
            yield Deployment(plan, sites, secrets, connections, lock, say)


def chosen(plan: Plan, site_ids: Sequence[str]) -> tuple[SitePlan, ...]:
    """The named sites (all of them without names). Raises HanoiError HN-P002."""
    known = {s.id: s for s in plan.sites}
    unknown = [i for i in site_ids if i not in known]
    if unknown:
        raise HanoiError(
            [
                Problem(
                    f"site {i}",
                    "HN-P002",
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


def execute(
    run: Deployment, engine: Engine | None, steps: Sequence[str] = STEPS, despite: str = ""
) -> Outcome:
    """The chosen steps in their order. engine may be None when no step needs it; despite: why
    gates of earlier waves that do not pass are passed by (infra.roadmap.entry).
    """
    brings = bool({"containers", "runtime"} & set(steps))  # something of a wave, not hosts alone
    whole = set(steps) >= set(STEPS)
    if brings:
        entry.enter(run.plan, run.state, despite, run.say)
    run.look()
    if run.journal.interrupted():
        # It may have put the user into groups after these shared connections were opened.
        for connection in run.connections.values():
            configure.log_in_anew(connection)
    run.journal.begin(f"hanoi {' '.join(steps)}", run.plan.through)

    if {"images", "containers"} & set(steps):
        rollout.refuse_foreign(run.hosts, run.looks, run.left)

    def reached(step: str) -> None:
        run.lock.check()
        for site in run.sites:
            run.journal.step(site.id, step)

    if "hosts" in steps:
        _bootstrap(run)
        run.configure_hosts()
        run.remember_identities()
        reached("hosts")
    if engine is not None and {"images", "containers"} & set(steps):
        with stacks_of(run, engine) as stacks:
            refs = supply.provide_images(run, stacks)
            reached("images")
            if "containers" in steps:
                rollout.bring_up_containers(run, stacks, refs)
                reached("containers")
    if "hosts" in steps or "runtime" in steps:
        run.run_actions()
    if "runtime" in steps:
        run.apply_runtime()
        run.settle_homes()
        reached("runtime")
    if whole:
        run.remove_files()
    if run.outcome.container_changes or run.outcome.host_changes:
        rollout.wait_for_health(run)
    run.journal.end()
    if brings:
        changed = bool(run.outcome.container_changes or run.outcome.host_changes)
        waves = [w.id for w in run.plan.waves]
        everywhere = whole and len(run.hosts) == len(run.plan.hosts)
        Waves(run.state).finish(waves, changed=changed, whole=everywhere)
    run.outcome.seconds = round(run.say.seconds, 1)
    return run.outcome


def _bootstrap(run: Deployment) -> None:
    """Hosts that only let the bootstrap user in get the deploy user; then log in as that one."""
    if any(c.bare for c in run.connections.values()):
        configure.bootstrap(run.plan, run.connections, run.secrets, run.say)
        run.look()


def verify(run: Deployment) -> bool:
    """The compliance checks of the run's sites; their counts go into the outcome."""
    from infra import verify as compliance

    report = compliance.verify(run.plan, [s.id for s in run.sites], None, None, run.say)
    run.outcome.verified = dict(report.counts)
    run.outcome.failed_checks = [str(check) for check in report.failed]
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
    wanted = supply.tags(run.plan)
    refs = Images({n: f"sha256:{'0' * 64}" for n in wanted}, wanted)
    with stacks_of(run, engine) as stacks:
        if run.left.unsettled():
            stacks.release(run.hosts, refs)
        done = stacks.destroy(run.hosts, refs)
    run.outcome.containers = {c.host: dict(c.operations) for c in done}
    if volumes:
        for host in run.hosts:
            names = " ".join(v.name for v in host.parts.volumes)
            run.connections[host.id].run(f"docker volume rm -f {names}", root=True, timeout=120)
    run.left.settle(frozenset(h.id for h in run.hosts), {h.id: {} for h in run.hosts})
    if len(run.hosts) == len(run.plan.hosts):
        Waves(run.state).clear()
    run.outcome.seconds = round(run.say.seconds, 1)
    return run.outcome


def new_host_keys(plan: Plan, site_ids: Sequence[str]) -> tuple[ssh.HostKey, ...]:
    """The keys of hosts seen for the first time, to be compared before they are recorded."""
    hosts = [(h.id, h.address) for s in chosen(plan, site_ids) for h in s.hosts]
    return tuple(k for k in ssh.learn_host_keys(hosts, plan.ssh_port) if not k.known)


def forget_identities(plan: Plan, host_ids: Sequence[str]) -> None:
    """The hosts were rebuilt on purpose: their next identity is taken as theirs."""
    identities = Identities(paths.state())
    for host_id in host_ids:
        host = plan.host(host_id)
        identities.forget(host.id)
        ssh.forget_host_keys(host.address, plan.ssh_port)
