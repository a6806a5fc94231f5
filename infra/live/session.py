"""Open for reading: connections and secrets without a lock, and nothing is written anywhere."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra import facts, inventory, paths, ssh
from infra.deploy import chosen
from infra.errors import Exit, HanoiError, Problem
from infra.facts import Look
from infra.live import onhost
from infra.live.known import Known
from infra.live.onhost import underway
from infra.resources import HostPlan, Plan, SitePlan
from infra.ssh import Connection
from infra.state import Holder, Identities, Left

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass
class Reading:
    """One look at the chosen sites. problems: what could not be reached or read, each once;
    busy: who is changing the sites meanwhile, in words."""

    plan: Plan
    sites: tuple[SitePlan, ...]
    secrets: Known
    connections: dict[str, Connection]
    say: Say
    state: Path
    looks: dict[str, Look] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    codes: set[Exit] = field(default_factory=set)
    busy: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        """The chosen hosts that answered."""
        return tuple(h for s in self.sites for h in s.hosts if h.id in self.looks)

    @property
    def left(self) -> Left:
        return Left(self.state)

    def each(self, work: Callable[[HostPlan], T]) -> dict[str, T]:
        """Do `work` for every host that answered, in parallel; a host that fails drops out."""
        hosts = self.hosts
        done = _parallel(hosts, work)
        results: dict[str, T] = {}
        for host, result in zip(hosts, done, strict=True):
            if isinstance(result, HanoiError):
                self._failed(host.id, result)
            else:
                results[host.id] = result
        return results

    def failure(self) -> HanoiError | None:
        """What went wrong, every problem once; None when all hosts were looked at."""
        if not self.problems:
            return None
        code = next(iter(self.codes)) if len(self.codes) == 1 else Exit.FAILED
        return HanoiError(dict.fromkeys(self.problems), code)

    def _failed(self, host_id: str, failure: HanoiError) -> None:
        self.looks.pop(host_id, None)
        self.problems += failure.problems
        self.codes.add(failure.exit_code)


@contextlib.contextmanager
def opened(plan: Plan, site_ids: Sequence[str], say: Say) -> Iterator[Reading]:
    """Every chosen host that answers, looked at once. Raises HN-P002, HN-S….

    A host that cannot be reached, or is another than the recorded one, is in `problems`; it
    hides nothing of the others.
    """
    sites = chosen(plan, site_ids)
    reading = Reading(plan, sites, Known.read(plan, paths.secrets()), {}, say, paths.state())
    if holder := underway.holder(str(reading.state / "lock")):
        reading.busy.append(_told(holder, "this machine"))
    hosts = tuple(h for s in sites for h in s.hosts)
    try:
        _connect(reading, hosts)
        _look(reading, hosts)
        yield reading
    finally:
        for connection in reading.connections.values():
            connection.close()


def _connect(reading: Reading, hosts: Sequence[HostPlan]) -> None:
    plan = reading.plan

    def one(host: HostPlan) -> Connection:
        found = ssh.connect(
            [(host.id, host.address)],
            plan.ssh_user,
            plan.ssh_port,
            bootstrap_user=plan.ssh_bootstrap_user,
        )
        return found[host.id]

    for host, result in zip(hosts, _parallel(hosts, one), strict=True):
        if isinstance(result, HanoiError):
            reading._failed(host.id, result)
        else:
            reading.connections[host.id] = result


def _look(reading: Reading, hosts: Sequence[HostPlan]) -> None:
    identities = Identities(reading.state)
    reading.say("looking at the hosts")

    def one(host: HostPlan) -> Look:
        wanted = inventory.desired(reading.plan, host.id, reading.secrets.resolve)
        only = {host.id: reading.connections[host.id]}
        seen = facts.look(only, {host.id: wanted})[host.id]
        identities.check(host.id, seen.machine_id or "", seen.engine_id or "")
        asked = onhost.ask(only[host.id], ("underway",), {})
        if holder := asked.seen.get("underway"):
            reading.busy.append(_told(holder, host.id))
        return seen

    reached = [h for h in hosts if h.id in reading.connections]
    for host, result in zip(reached, _parallel(reached, one), strict=True):
        if isinstance(result, HanoiError):
            reading._failed(host.id, result)
        else:
            reading.looks[host.id] = result


def _told(written: dict[str, object], where: str) -> str:
    names = {f.name for f in dataclasses.fields(Holder)}
    try:
        holder = str(Holder(**{k: v for k, v in written.items() if k in names}))  # type: ignore[arg-type]
    except TypeError:
        holder = "a command whose name is not known"
    return f"{where}: a change is under way: {holder}; what it touches may be told wrongly"


def _parallel(hosts: Sequence[HostPlan], work: Callable[[HostPlan], T]) -> list[T | HanoiError]:
    def kept(host: HostPlan) -> T | HanoiError:
        try:
            return work(host)
        except HanoiError as failure:
            return failure

    pool = ThreadPoolExecutor(max_workers=max(1, len(hosts)))
    try:
        return list(pool.map(kept, hosts))
    finally:
        # Not waited for on Ctrl-C: closing the connections ends what they wait for.
        pool.shutdown(wait=False, cancel_futures=True)
