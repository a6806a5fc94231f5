"""The pytest plugin that runs tests/compliance for one plan (loaded by infra.verify only).

It multiplies checks by hosts and containers, opens the hosts, and writes what happened as one
JSON object a line to the file descriptor named in HANOI_VERIFY_EVENTS.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.resources import HostPlan, Plan
from infra.verify.backend import Unreachable
from infra.verify.checks import Host
from infra.verify.report import NOT_CHECKED
from infra.verify.sessions import Sessions

JOB = "HANOI_VERIFY_JOB"
EVENTS = "HANOI_VERIFY_EVENTS"


@dataclass(frozen=True)
class Job:
    """What one run is about. sites: ids, empty for all; gate: a roadmap gate or None; backend
    and notes: see infra.verify.sessions."""

    plan: Plan
    sites: tuple[str, ...]
    gate: str | None
    backend: str
    notes: Path

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        return tuple(h for h in self.plan.hosts if not self.sites or h.site in self.sites)

    @property
    def whole(self) -> bool:
        return len(self.hosts) == len(self.plan.hosts)


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "control(id, *sources): the check's stable id and the requirement's sources",
        "on(container=None, role=None): only hosts planned to have it",
        "gate(*names): the roadmap's gates the check belongs to",
    ):
        config.addinivalue_line("markers", line)
    job: Job = pickle.loads(Path(os.environ[JOB]).read_bytes())
    config.pluginmanager.register(_Run(job, int(os.environ[EVENTS])), "hanoi-run")


class _Run:
    """Hooks and fixtures of one run."""

    def __init__(self, job: Job, events: int) -> None:
        self.job = job
        self.sessions = Sessions(job.plan, job.notes, job.backend)
        self._events = os.fdopen(events, "w", buffering=1)
        self._open: dict[str, dict[str, Any]] = {}

    # --- which checks ---

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        names = metafunc.fixturenames
        hosts = [h for h in self.job.hosts if _concerns(metafunc.definition, h)]
        if "container" in names:
            cases = [(h.id, c.name) for h in hosts for c in h.parts.containers]
            ids = [f"{h}-{c}" for h, c in cases]
            metafunc.parametrize(
                ("host", "container"), cases or [(None, None)], indirect=["host"], ids=ids or None
            )
        elif "host" in names:
            values = [h.id for h in hosts]
            metafunc.parametrize("host", values or [None], indirect=True, ids=values or None)
        elif "host_id" in names:
            metafunc.parametrize("host_id", [h.id for h in self.job.hosts])

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[Any]) -> None:
        chosen: list[Any] = []
        left: list[Any] = []
        for item in items:
            (chosen if self._wanted(item) else left).append(item)
            item.extra_keyword_matches.add(_control(item))
            item.extra_keyword_matches.update(_gates(item))
        config.hook.pytest_deselected(items=left)
        items[:] = sorted(chosen, key=lambda item: "host_id" not in item.fixturenames)

    def _wanted(self, item: Any) -> bool:
        if self.job.gate is not None and self.job.gate not in _gates(item):
            return False
        if {"host", "host_id"} & set(item.fixturenames):
            mine = _host_of(item)
            # Again, as a parameter may narrow the hosts further.
            return mine is not None and _concerns(item, self.job.plan.host(mine))
        return self.job.whole and any(_concerns(item, h) for h in self.job.hosts)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._say("collected", count=len(session.items))
        checks: dict[str, list[str]] = {h.id: [] for h in self.job.hosts}
        for item in session.items:
            mine = _host_of(item)
            for host_id, nodes in checks.items():
                # A check may also ask a neighbour: only its own notes know.
                if mine in (None, host_id) or "neighbour" in getattr(item, "fixturenames", ()):
                    nodes.append(item.nodeid)
        if session.items:
            self.sessions.start(checks)

    # --- what they use ---

    @pytest.fixture(scope="session")
    def plan(self) -> Plan:
        return self.job.plan

    @pytest.fixture
    def host(self, request: pytest.FixtureRequest) -> Host:
        return self._host(request.param)

    @pytest.fixture
    def target(self, request: pytest.FixtureRequest) -> HostPlan:
        return self.job.plan.host(str(_host_of(request.node)))

    @pytest.fixture
    def neighbour(self, request: pytest.FixtureRequest) -> Host:
        """The next host that answers, in the plan's order; one of a site before a unit's own,
        which the sites let in to little."""
        hosts = list(self.job.plan.hosts)
        start = [h.id for h in hosts].index(str(_host_of(request.node)))
        for host in sorted(hosts[start + 1 :] + hosts[:start], key=lambda h: h.own):
            try:
                return self.sessions.host(host.id)
            except Unreachable:
                continue
        pytest.skip("not checked: no other host answers")

    @pytest.fixture(scope="session")
    def hosts(self) -> dict[str, Host]:
        """Every host of the plan; the check is skipped when one does not answer."""
        return {h.id: self._host(h.id) for h in self.job.plan.hosts}

    @pytest.fixture
    def reach(self, request: pytest.FixtureRequest) -> Any:
        """For the one check that says that a host is unreachable."""
        return lambda: self.sessions.host(str(request.node.callspec.params["host_id"]))

    @pytest.fixture(scope="session")
    def targets(self) -> tuple[HostPlan, ...]:
        return self.job.hosts

    def _host(self, host_id: str) -> Host:
        try:
            return self.sessions.host(host_id)
        except Unreachable:
            pytest.skip(f"{NOT_CHECKED} ({host_id})")

    # --- what happened ---

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.sessions.check = item.nodeid
        self._open[item.nodeid] = {
            "id": _control(item),
            "host": _host_of(item) or "all",
            "title": _title(item),
            "outcome": "passed",
            "detail": "",
            "seconds": 0.0,
            "gates": sorted(_gates(item)),
        }
        result = yield
        self._say("check", **self._open.pop(item.nodeid))
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        check = self._open[report.nodeid]
        check["seconds"] = round(check["seconds"] + report.duration, 3)
        if report.failed:
            check["outcome"], check["detail"] = "failed", _detail(report)
        elif report.skipped and check["outcome"] == "passed":
            check["outcome"], check["detail"] = "skipped", _detail(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._say("broken", detail=f"{report.nodeid}: {str(report.longrepr)[-600:]}")

    def pytest_sessionfinish(self) -> None:
        self.sessions.close()

    def _say(self, event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=self._events)


def _concerns(node: Any, host: HostPlan) -> bool:
    for marker in node.iter_markers("on"):
        name, role = marker.kwargs.get("container"), marker.kwargs.get("role")
        if name and name not in {c.name for c in host.parts.containers}:
            return False
        if role and not _has_role(host, role):
            return False
    return True


# A plan names no roles: what a role brings is a container.
_ROLES = {"database": "postgres", "gateway": "gateway", "applications": "tryton"}


def _has_role(host: HostPlan, role: str) -> bool:
    return _ROLES[role] in {c.name for c in host.parts.containers}


def _host_of(item: Any) -> str | None:
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    return params.get("host") or params.get("host_id")


def _control(item: Any) -> str:
    marker = item.get_closest_marker("control")
    return str(marker.args[0] if marker else item.originalname)


def _gates(item: Any) -> set[str]:
    return {name for marker in item.iter_markers("gate") for name in marker.args}


def _title(item: Any) -> str:
    """The requirement: the docstring's first line, with the container's name where there is one."""
    lines = str(item.function.__doc__ or item.originalname).strip().splitlines()
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    rest = [str(v) for k, v in params.items() if k not in ("host", "host_id", "start")]
    return (f"{', '.join(rest)}: " if rest else "") + lines[0].rstrip(".")


def _detail(report: pytest.TestReport) -> str:
    """Why, in one line, without the check's source."""
    longrepr: Any = report.longrepr
    if isinstance(longrepr, tuple):  # a skip: file, line, reason
        return str(longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(longrepr, "reprcrash", None)
    text = (crash.message if crash else str(longrepr)).strip()
    first = text.splitlines()[0] if text else "it failed without a word"
    return first.removeprefix("AssertionError: ").removeprefix("Failed: ")[:400]
