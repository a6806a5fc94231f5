"""Containers of the sites, by Pulumi's Automation API: one stack a site, inline.

State is Pulumi's own: a file backend under paths.state(), or HANOI_BACKEND (postgres://…,
s3://…) for a team. The deploy lock (infra/state.py) is held by the caller, so a lock that
Pulumi left behind is stale by definition and is taken away before a run.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import stack as program
from infra.errors import HanoiError, Problem
from infra.resources import Plan, SitePlan

if TYPE_CHECKING:
    from pulumi import automation

    from infra.engine import Engine
    from infra.ssh import Connection

Say = Callable[[str], None]

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

    site: str
    operations: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(n for name, n in self.operations.items() if name in CHANGING)


class Stacks:
    """The sites' stacks, ready to be brought up. Use as a context manager."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        connections: Mapping[str, Connection],
        state: Path,
        passphrase: str,
        say: Say,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._connections = connections
        self._state = state
        self._passphrase = passphrase
        self._say = say
        self._work = Path()

    def __enter__(self) -> Stacks:
        self._work = Path(tempfile.mkdtemp(prefix="hanoi-stacks-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def up(
        self,
        sites: Sequence[SitePlan],
        images: Images,
        *,
        refresh: frozenset[str] = frozenset(),
        only: Callable[[str], bool] | None = None,
    ) -> tuple[Changes, ...]:
        """Bring the sites' stacks to the plan, in parallel.

        refresh: sites whose state is read from the engines first. only: narrows the run to
        resource names for which it is true (and what they need).
        Raises HanoiError HN-D020 with Pulumi's own diagnosis for each site that failed.
        """

        def bring_up(site: SitePlan) -> Changes:
            stack = self._stack(site, images)
            extra: dict[str, Any] = {}
            if only is not None:
                extra["target"] = self._targets(stack, site, only)
            if site.id in refresh:
                self._say(f"{site.id}: reading the engine's state")
                stack.refresh(on_output=_nothing, clear_pending_creates=True, **_quiet())
            result = stack.up(on_event=self._report(site), on_output=_nothing, **_quiet(), **extra)
            return Changes(site.id, dict(result.summary.resource_changes or {}))

        return self._parallel(sites, bring_up, "up")

    def destroy(self, sites: Sequence[SitePlan], images: Images) -> tuple[Changes, ...]:
        """Remove the sites' containers, networks and images; volumes stay on the hosts."""

        def take_down(site: SitePlan) -> Changes:
            stack = self._stack(site, images)
            result = stack.destroy(on_event=self._report(site), on_output=_nothing, **_quiet())
            return Changes(site.id, dict(result.summary.resource_changes or {}))

        return self._parallel(sites, take_down, "destroy")

    def known(self, site: SitePlan, images: Images) -> dict[str, set[str]]:
        """Resource type's last word ("Container", "Network") → engine ids in Pulumi's state."""
        exported = self._stack(site, images).export_stack().deployment or {}
        ids: dict[str, set[str]] = {}
        for resource in exported.get("resources", []):
            kind = resource["type"].rsplit(":", 1)[-1]
            ids.setdefault(kind, set()).add(resource.get("id", ""))
        return ids

    def release(self, sites: Sequence[SitePlan], images: Images) -> None:
        """Take away locks that a killed run left in Pulumi's backend."""
        for site in sites:
            self._stack(site, images).cancel()

    def _parallel(
        self, sites: Sequence[SitePlan], work: Callable[[SitePlan], Changes], verb: str
    ) -> tuple[Changes, ...]:
        problems: list[Problem] = []
        done: list[Changes] = []
        with ThreadPoolExecutor(max_workers=max(1, len(sites))) as pool:
            futures = {site: pool.submit(work, site) for site in sites}
        for site, future in futures.items():
            try:
                done.append(future.result())
            except Exception as failure:  # Pulumi's own errors, whatever their class
                problems.append(_problem(site.id, verb, failure))
        if problems:
            raise HanoiError(problems)
        return tuple(done)

    def _stack(self, site: SitePlan, images: Images) -> automation.Stack:
        """The site's stack with its working directory: sockets of the site's engines."""
        from pulumi import automation

        logging.getLogger("pulumi").setLevel(logging.ERROR)
        work = self._work / site.id
        work.mkdir(exist_ok=True)
        for host in site.hosts:
            link = work / program.socket_name(host.id)
            if not link.is_symlink():
                link.symlink_to(self._connections[host.id].forward_docker())
        backend = self._state / "pulumi"
        backend.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = os.environ.get("HANOI_BACKEND") or f"file://{backend}"
        return automation.create_or_select_stack(
            stack_name=site.id,
            project_name=program.PROJECT,
            program=lambda: program.declare(self._plan, site.id, images.refs, images.tags),
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(work),
                pulumi_command=self._command(),
                env_vars={
                    **self._engine.env,
                    "PULUMI_CONFIG_PASSPHRASE": self._passphrase,
                    "PULUMI_BACKEND_URL": url,
                },
                project_settings=automation.ProjectSettings(
                    name=program.PROJECT,
                    runtime="python",
                    backend=automation.ProjectBackend(url=url),
                ),
            ),
        )

    def _command(self) -> automation.PulumiCommand:
        from pulumi import automation

        return automation.PulumiCommand(
            root=str(self._engine.pulumi.parent.parent), skip_version_check=True
        )

    def _targets(
        self, stack: automation.Stack, site: SitePlan, only: Callable[[str], bool]
    ) -> list[str]:
        urn = f"urn:pulumi:{site.id}::{program.PROJECT}::"
        kinds = {
            "network": "network:Network",
            "volume": "volume:Volume",
            "image": "remoteImage:RemoteImage",
            "container": "container:Container",
        }
        targets = []
        for host in site.hosts:
            targets.append(f"{urn}pulumi:providers:docker::{host.id}")
            names = [f"network/{n.name}" for n in host.parts.networks]
            names += [f"volume/{v.name}" for v in host.parts.volumes]
            names += [f"container/{c.name}" for c in host.parts.containers]
            targets += [
                f"{urn}docker:index/{kinds[name.split('/')[0]]}::{host.id}/{name}"
                for name in names
                if only(name)
            ]
        return targets

    def _report(self, site: SitePlan) -> Callable[[automation.EngineEvent], None]:
        def on_event(event: automation.EngineEvent) -> None:
            started = event.resource_pre_event
            if (
                started
                and str(getattr(started.metadata.op, "value", started.metadata.op)) != "same"
            ):
                name = started.metadata.urn.rsplit("::", 1)[-1]
                if "/" in name:
                    op = getattr(started.metadata.op, "value", started.metadata.op)
                    self._say(f"{name.replace('/', ': ', 1).replace('/', ' ')}: {op}")

        return on_event


def _nothing(_: str) -> None:
    """Pulumi's own console lines are not shown; its events are."""


def _quiet() -> dict[str, Any]:
    return {"suppress_progress": True, "color": "never"}


def _problem(site_id: str, verb: str, failure: Exception) -> Problem:
    """Pulumi's diagnosis without its command line and decoration."""
    text = str(failure)
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line.startswith(("error:", "* ", "Error:"))] or lines[-8:]
    return Problem(
        f"site {site_id}",
        "HN-D020",
        f"pulumi {verb} failed: " + " | ".join(dict.fromkeys(told))[:1500],
        "The site serves what it served before. Mend the cause and run the same command again;"
        " it continues where it stopped.",
    )
