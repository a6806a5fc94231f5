"""Containers brought to the plan without ever risking a quorum."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from infra import ssh
from infra import stack as program
from infra.containers import Changes, Images, Stacks
from infra.errors import Exit, HanoiError, Problem, error
from infra.resources import Container, HostPlan

if TYPE_CHECKING:
    from infra.deploy import Deployment
    from infra.facts import Look
    from infra.state import Left

HEALTH_SECONDS = 90  # above the longest start period of a container's health check
GATE_SECONDS = 180  # a member that takes longer than this to be healthy again is a failure


def bring_up_containers(run: Deployment, stacks: Stacks, refs: Images) -> None:
    """Containers to the plan: hosts in parallel, but voting members one host at a time.

    A host is done by itself, behind the members' gates, when a voting member that runs there
    would be replaced. What an interrupted run left beside Pulumi's state is removed first.
    """
    left = run.left.containers()
    ids = frozenset(h.id for h in run.hosts)
    unsettled = [h for h in run.hosts if h.id in run.left.unsettled()]
    if unsettled:
        stacks.release(unsettled, refs)
        _remove_orphans(run, stacks, unsettled, refs)
    changed = frozenset(
        h.id for h in run.hosts if h in unsettled or differs(run.looks[h.id], left.get(h.id))
    )
    run.left.begin(ids)
    voters = {h.id: _changing_voters(run, h, refs) for h in run.hosts}
    together = [h for h in run.hosts if not voters[h.id]]
    alone = [h for h in run.hosts if voters[h.id]]
    done: list[Changes] = []
    if together:
        done += stacks.up(together, refs, refresh=changed)
        wait_for_gates(run, together if any(c.total for c in done) else [], alone)
    while alone:
        host = _next_to_change(run, alone, voters)
        alone.remove(host)
        done += stacks.up([host], refs, refresh=changed)
        wait_for_gates(run, [host], alone)
    run.outcome.containers = {c.host: dict(c.operations) for c in done}
    if any(c.total for c in done) or changed:
        run.look()
    run.left.settle(
        ids, {h: {c.name: c.id for c in seen.containers} for h, seen in run.looks.items()}
    )


def refuse_foreign(hosts: Sequence[HostPlan], looks: Mapping[str, Look], left: Left) -> None:
    """Refuse hosts whose engine holds our containers while this state knows nothing of them.

    That is another operator's work, or a lost state: Pulumi would take the host for empty.
    Raises HanoiError HN-D024.
    """
    known = {*left.containers(), *left.unsettled()}
    problems = [
        Problem(
            f"host {host.id}",
            "HN-D024",
            "its engine runs containers of the toolkit that this state knows nothing of",
            "use the state they were deployed with (HANOI_STATE, HANOI_BACKEND); docs/errors.md"
            " (HN-D024) says what to do when it is lost",
        )
        for host in hosts
        if host.id not in known and any(c.spec for c in looks[host.id].containers)
    ]
    if problems:
        raise HanoiError(problems, Exit.REFUSED)


def _next_to_change(
    run: Deployment, hosts: Sequence[HostPlan], voters: Mapping[str, Sequence[Container]]
) -> HostPlan:
    """The host whose voting members are changed next: one with a member that is away or ill at
    once, as no other may be spared before and to change it may be the cure; else the first, when
    the quorums of its members are whole.

    While a quorum is not whole the hosts are looked at again: a stop that a killed run asked for
    may end only now.
    """
    end = time.monotonic() + GATE_SECONDS
    told = False
    while True:
        first = next((h for h in hosts if _ill(run, h)), hosts[0])
        if not told:
            run.say(f"{first.id}: a voting member changes here; the other hosts wait")
            told = True
        ill = _ill(run, first)
        well = [c for c in voters[first.id] if c.gate and c.votes_in not in ill]
        closed = next(((c, why) for c in well if (why := _gate(run, first, c, 10))), None)
        if not closed:
            return first
        if time.monotonic() > end:
            raise _not_whole(first, *closed)
        run.look()


def _ill(run: Deployment, host: HostPlan) -> set[str]:
    """The quorums whose member on the host is away or not well, by the last look."""
    well = {
        c.name
        for c in run.looks[host.id].containers
        if c.state == "running" and c.health in (None, "healthy")
    }
    members = (c for c in host.parts.containers if c.votes_in)
    return {str(c.votes_in) for c in members if c.name not in well}


def differs(seen: Look, left: Mapping[str, str] | None) -> bool:
    """Whether the host's containers are other ones than the last run left there."""
    return {c.name: c.id for c in seen.containers} != (left or {}) or any(
        c.state != "running" for c in seen.containers
    )


def _changing_voters(run: Deployment, host: HostPlan, refs: Images) -> list[Container]:
    """The voting members on the host that are there now and would be replaced."""
    there = {c.name: c for c in run.looks[host.id].containers}
    return [
        container
        for container in host.parts.containers
        if container.votes_in
        and container.name in there
        and there[container.name].spec
        != program.spec(run.plan, container, refs.tags[container.image])
    ]


def wait_for_gates(
    run: Deployment, hosts: Sequence[HostPlan], later: Sequence[HostPlan] = ()
) -> None:
    """Wait until every voting member on the hosts says its quorum is whole.

    A quorum with a member that is ill on a host whose turn comes later cannot be whole yet.
    """
    still_ill = {quorum for h in later for quorum in _ill(run, h)}
    gates = [
        (h, c) for h in hosts for c in h.parts.containers if c.gate and c.votes_in not in still_ill
    ]
    if not gates:
        return
    with ThreadPoolExecutor(max_workers=len(gates)) as pool:
        for future in [pool.submit(_wait_for_gate, run, h, c) for h, c in gates]:
            future.result()


def wait_for_health(run: Deployment) -> None:
    """Wait until no container of the toolkit is still starting, on all hosts at once.

    One that turns out ill is not waited for: `verify` and `status` name it.
    """
    starting = "docker ps -q --filter label=hanoi.managed=true --filter health=starting"
    script = f"""
        end=$(($(date +%s) + {HEALTH_SECONDS}))
        while [ -n "$({starting})" ] && [ $(date +%s) -lt $end ]; do sleep 1; done"""
    run.say("all hosts: waiting for containers that are starting")
    ssh.on_each(run.connections, lambda c: c.run(script, timeout=HEALTH_SECONDS + 30))


def _wait_for_gate(run: Deployment, host: HostPlan, container: Container) -> None:
    run.say(f"{host.id}: waiting for {container.votes_in} to be whole")
    if why := _gate(run, host, container, GATE_SECONDS):
        raise _not_whole(host, container, why)


def _gate(run: Deployment, host: HostPlan, container: Container, seconds: int) -> str:
    """Why the gate did not open within the seconds, or "" when it did."""
    gate = shlex.join(["docker", "exec", container.name, *container.gate])
    script = f"""
        end=$(($(date +%s) + {seconds}))
        until out=$({gate} 2>&1); do
            [ $(date +%s) -lt $end ] || {{ echo "$out" | tail -n 5 >&2; exit 1; }}
            sleep 1
        done"""
    answer = run.connections[host.id].run(script, root=True, timeout=seconds + 30)
    return (answer.stderr[-600:] or "it does not say why") if answer.rc else ""


def _not_whole(host: HostPlan, container: Container, why: str) -> HanoiError:
    return error(
        "HN-D023",
        f"host {host.id}",
        f"{container.name} is not healthy after {GATE_SECONDS} s: {why}",
        f"look at `hanoi logs {host.id} {container.name}`; the other sites were not touched."
        " Then run the same command again.",
    )


def _remove_orphans(
    run: Deployment, stacks: Stacks, hosts: Sequence[HostPlan], refs: Images
) -> None:
    """Containers and networks that a killed run created before Pulumi noted them.

    Data is in named volumes, which are left alone; the next step creates the rest again.
    """
    removed = False
    for host in hosts:
        known = stacks.known(host, refs)
        seen = run.looks[host.id]
        connection = run.connections[host.id]
        for orphan in seen.containers:
            if orphan.spec and orphan.id not in known.get("Container", ()):
                run.say(f"{host.id}: removing {orphan.name}, left by the interrupted run")
                connection.run(f"docker stop {orphan.id}; docker rm -f {orphan.id}", timeout=120)
                removed = True
        for network in seen.networks:
            if network.managed and network.id not in known.get("Network", ()):
                connection.run(f"docker network rm {network.id}")
                removed = True
    if removed:
        run.look()
