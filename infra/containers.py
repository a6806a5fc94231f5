"""Containers of the sites, by Pulumi's Automation API: one stack a host, inline.

State is Pulumi's own: a file backend under paths.state(), or HANOI_BACKEND (postgres://…,
s3://…) for a team. The deploy lock (infra/state.py) is held by the caller, so a lock that
Pulumi left behind is stale by definition and is taken away before a run.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from infra import stack as program
from infra.errors import HanoiError, Problem
from infra.pulumi_events import Events, Previewed, Steps
from infra.resources import HostPlan, Plan

if TYPE_CHECKING:
    from pulumi import automation

    from infra.engine import Engine
    from infra.ssh import Connection

Say = Callable[[str], None]
T = TypeVar("T")

# gRPC, which Pulumi brings, otherwise runs handlers of its own in every process that is
# forked later (Ansible's), and they fail there: the descriptors they expect are closed.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# Operations that Pulumi counts and that change something at a site.
CHANGING = ("create", "update", "replace", "delete", "create-replacement", "delete-replaced")


@dataclass(frozen=True)
class Images:
    """refs: image name → what to pull; tags: image name → content tag."""

    refs: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Changes:
    """What one stack did: operation → number of resources, "same" included."""

    host: str
    operations: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(n for name, n in self.operations.items() if name in CHANGING)


def backend_url(state: Path) -> str:
    """Where Pulumi's state is: HANOI_BACKEND, else files below the operator's state."""
    return os.environ.get("HANOI_BACKEND") or f"file://{state / 'pulumi'}"


class Stacks:
    """The hosts' stacks, ready to be brought up. Use as a context manager."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        connections: Mapping[str, Connection],
        state: Path,
        passphrase: str,
        say: Say,
        backend: str | None = None,
    ) -> None:
        """backend: where Pulumi's state is, if not where the operator's is."""
        self._plan = plan
        self._engine = engine
        self._connections = connections
        self._state = state
        self._passphrase = passphrase
        self._say = say
        self._backend = backend
        self._work = Path()

    def __enter__(self) -> Stacks:
        # Fixed, so that what a killed run left is swept away by the next; the lock is held.
        self._work = self._state / "work"
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True, mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def up(
        self,
        hosts: Sequence[HostPlan],
        images: Images,
        *,
        refresh: frozenset[str] = frozenset(),
        only: Callable[[str], bool] | None = None,
    ) -> tuple[Changes, ...]:
        """Bring the hosts' stacks to the plan, in parallel.

        refresh: hosts whose state is read from the engines first. only: narrows the run to
        resource names for which it is true (and what they need).
        Raises HanoiError HN-D020 with Pulumi's own diagnosis for each host that failed.
        """

        def bring_up(host: HostPlan) -> Changes:
            stack = self._stack(host, images)
            extra: dict[str, Any] = {}
            if only is not None:
                extra["target"] = self._targets(host, only)
            if host.id in refresh:
                self._say(f"{host.id}: reading the engine's state")
                stack.refresh(on_output=_nothing, clear_pending_creates=True, **_quiet())
            events = Events(host.id, self._say)
            stack.up(on_event=events, on_output=_nothing, **_quiet(), **extra)
            return Changes(host.id, events.counts)

        return self._parallel(hosts, bring_up, "up")

    def preview(
        self, hosts: Sequence[HostPlan], images: Images, *, refresh: frozenset[str] = frozenset()
    ) -> tuple[Previewed, ...]:
        """What `up` would do, in parallel. Refreshing writes the state: give a copy of it.

        Raises HanoiError HN-D020 with Pulumi's own diagnosis for each host that failed.
        """

        def look_ahead(host: HostPlan) -> Previewed:
            stack = self._stack(host, images)
            if host.id in refresh:
                stack.refresh(on_output=_nothing, clear_pending_creates=True, **_quiet())
            steps = Steps()
            stack.preview(on_event=steps, on_output=_nothing, **_quiet())
            return steps.previewed(host.id)

        return self._parallel(hosts, look_ahead, "preview")

    def destroy(self, hosts: Sequence[HostPlan], images: Images) -> tuple[Changes, ...]:
        """Remove the hosts' containers, networks and images; volumes stay on the hosts."""

        def take_down(host: HostPlan) -> Changes:
            events = Events(host.id, self._say)
            self._stack(host, images).destroy(on_event=events, on_output=_nothing, **_quiet())
            return Changes(host.id, events.counts)

        return self._parallel(hosts, take_down, "destroy")

    def known(self, host: HostPlan, images: Images) -> dict[str, set[str]]:
        """Resource type's last word ("Container", "Network") → engine ids in Pulumi's state."""
        exported = self._stack(host, images).export_stack().deployment or {}
        ids: dict[str, set[str]] = {}
        for resource in exported.get("resources", []):
            kind = resource["type"].rsplit(":", 1)[-1]
            ids.setdefault(kind, set()).add(resource.get("id", ""))
        return ids

    def exported(self, host: HostPlan, images: Images) -> automation.Deployment | None:
        """The stack's state as Pulumi exports it; None where there is no stack. Makes none."""
        from pulumi import automation

        try:
            return self._stack(host, images, create=False).export_stack()
        except automation.StackNotFoundError:
            return None

    def imported(self, host: HostPlan, images: Images, state: automation.Deployment) -> None:
        """Put an exported state into the backend."""
        self._stack(host, images).import_stack(state)

    def release(self, hosts: Sequence[HostPlan], images: Images) -> None:
        """Take away locks that a killed run left in Pulumi's backend."""
        for host in hosts:
            self._stack(host, images).cancel()

    def _parallel(
        self, hosts: Sequence[HostPlan], work: Callable[[HostPlan], T], verb: str
    ) -> tuple[T, ...]:
        problems: list[Problem] = []
        done: list[T] = []
        with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
            futures = {host: pool.submit(work, host) for host in hosts}
        for host, future in futures.items():
            try:
                done.append(future.result())
            except Exception as failure:  # Pulumi's own errors, whatever their class
                problems.append(_problem(host.id, verb, failure))
        if problems:
            raise HanoiError(problems)
        return tuple(done)

    def _stack(self, host: HostPlan, images: Images, *, create: bool = True) -> automation.Stack:
        """The host's stack; its provider finds the engine through DOCKER_HOST."""
        from pulumi import automation

        logging.getLogger("pulumi").setLevel(logging.ERROR)
        work = self._work / host.id
        work.mkdir(exist_ok=True)
        url = self._backend or backend_url(self._state)
        if url.startswith("file://"):
            Path(url[7:]).mkdir(parents=True, exist_ok=True, mode=0o700)
        workspace = automation.LocalWorkspace(
            program=lambda: program.declare(self._plan, host, images.refs, images.tags),
            work_dir=str(work),
            pulumi_command=self._command(),
            env_vars={
                **self._engine.env,
                "DOCKER_HOST": f"unix://{self._connections[host.id].forward_docker()}",
                "PULUMI_CONFIG_PASSPHRASE": self._passphrase,
                "PULUMI_BACKEND_URL": url,
            },
            project_settings=automation.ProjectSettings(
                name=program.PROJECT,
                runtime="python",
                backend=automation.ProjectBackend(url=url),
            ),
        )
        return _terse_stack(host.id, workspace, create)

    def _command(self) -> automation.PulumiCommand:
        from pulumi import automation

        return automation.PulumiCommand(
            root=str(self._engine.pulumi.parent.parent), skip_version_check=True
        )

    def _targets(self, host: HostPlan, only: Callable[[str], bool]) -> list[str]:
        urn = f"urn:pulumi:{host.id}::{program.PROJECT}::docker:index/"
        kinds = {
            "network:Network": [f"network/{n.name}" for n in host.parts.networks],
            "volume:Volume": [f"volume/{v.name}" for v in host.parts.volumes],
            "container:Container": [f"container/{c.name}" for c in host.parts.containers],
        }
        return [
            f"{urn}{kind}::{name}" for kind, names in kinds.items() for name in names if only(name)
        ]


def _terse_stack(name: str, workspace: automation.LocalWorkspace, create: bool) -> automation.Stack:
    """A stack that leaves out what `up` and `refresh` ask afterwards: outputs (twice) and
    history, three runs of the command line for a stack that has no outputs. What was done is
    known from the events."""
    from pulumi import automation
    from pulumi.automation._stack import StackInitMode  # no public name leads to a subclass

    class Terse(automation.Stack):
        def outputs(self) -> automation.OutputMap:
            return {}

        def info(self, show_secrets: bool | None = None) -> automation.UpdateSummary:
            now = datetime.now(UTC)
            return automation.UpdateSummary("update", now, "", {}, {}, "succeeded", now)

    mode = StackInitMode.CREATE_OR_SELECT if create else StackInitMode.SELECT
    return Terse(name, workspace, mode)


def _nothing(_: str) -> None:
    """Pulumi's own console lines are not shown; its events are."""


def _quiet() -> dict[str, Any]:
    return {"suppress_progress": True, "color": "never"}


def _problem(host_id: str, verb: str, failure: Exception) -> Problem:
    """Pulumi's diagnosis without its command line and decoration."""
    text = str(failure)
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line.startswith(("error:", "* ", "Error:"))] or lines[-8:]
    return Problem(
        f"host {host_id}",
        "HN-D020",
        f"pulumi {verb} failed: " + " | ".join(dict.fromkeys(told))[:1500],
        "The site serves what it served before. Mend the cause and run the same command again;"
        " it continues where it stopped.",
    )
