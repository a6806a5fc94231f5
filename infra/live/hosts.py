"""What a deploy would do on one host besides containers: packages, logins, files, services,
and the actions that follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.facts import Look
from infra.live import diffs
from infra.live.known import Known
from infra.report.content import Change, Operation, Property
from infra.resources import Action, File, HostPlan

WHY = {
    "missing": "it is not there",
    "content": "its content differs",
    "mode": "its mode differs",
    "owner": "its owner differs",
}


def questions(host: HostPlan, seen: Look) -> dict[str, Any]:
    """What to ask onhost/current.py for, so that the differences can be shown."""
    differing = {f.path for f in seen.files}
    files = [f for f in host.parts.files if f.path in differing]
    return {
        "files": [f.path for f in files],
        "closed": [f.path for f in files if diffs.closed(f)],
        "users": list(seen.users),
        "units": list(seen.units),
        "limit": diffs.LIMIT,
    }


@dataclass(frozen=True)
class HostChanges:
    """The changes of one host, from its look and what onhost/current.py said of it."""

    host: HostPlan
    look: Look
    current: dict[str, Any]
    secrets: Known

    def all(self) -> list[Change]:
        """In the deploy's order."""
        return [*self._packages(), *self._logins(), *self._files(), *self._units()]

    def actions(self, new: Iterable[str] = ()) -> list[Change]:
        """What is reloaded or restarted. new: containers that start anew in this deploy and so
        read what is there then."""
        due = set(self.look.due)
        differing = {f.path for f in self.look.files}
        asked = {a for f in self.host.parts.files if f.path in differing for a in f.actions}
        running = {c.name for c in self.look.containers if c.state == "running"} - set(new)
        return [
            self._action(a, "a changed file" if a.id in asked else "left from an earlier change")
            for a in self.host.parts.actions
            if a.id in due | asked and (a.container is None or a.container in running)
        ]

    def removed(self) -> list[Change]:
        """Files that go at the end of a deploy."""
        why = "nothing plans it any more"
        return [self._change("file", path, "delete", why=why) for path in self.look.gone]

    def _change(self, kind: str, name: str, operation: Operation, **more: Any) -> Change:
        return Change(kind, name, operation, self.host.id, self.host.site, **more)

    def _packages(self) -> list[Change]:
        return [
            self._change("package", p, "create", why="it is not installed")
            for p in self.look.packages
        ]

    def _logins(self) -> list[Change]:
        planned = {u.name: u for u in self.host.parts.users}
        found = []
        for name in self.look.users:
            live, user = self.current["users"].get(name), planned[name]
            if live is None:
                found.append(self._change("login", name, "create", why="it is not there"))
                continue
            lacking = sorted(set(user.groups) - set(live["groups"]))
            properties = [Property("groups", None, ", ".join(lacking))] if lacking else []
            if live["shell"] != user.shell:
                properties.append(Property("shell", live["shell"], user.shell))
            found.append(self._change("login", name, "update", properties=tuple(properties)))
        return found

    def _files(self) -> list[Change]:
        planned = {f.path: f for f in self.host.parts.files}
        return [self._file(planned[d.path], d.why) for d in self.look.files]

    def _file(self, file: File, why: str) -> Change:
        live = self.current["files"].get(file.path, {})
        new = live.get("kind") in (None, "absent")
        properties, diff = diffs.differences(
            file, live, self.secrets.resolve, self.secrets.hider(), live_first=True
        )
        made = [i for i in file.secrets if i in self.secrets.pending]
        reason = WHY[why]
        if made:
            reason += f"; {', '.join(made)} is generated first"
        if diffs.closed(file):
            reason += f" ({diffs.secrets_of(file)})"
        return self._change(
            "file",
            file.path,
            "create" if new else "update",
            why=reason,
            properties=properties,
            # A new file's whole text is in the plan; a diff of it would say nothing more.
            diff="" if new else diff,
        )

    def _units(self) -> list[Change]:
        planned = {u.name: u for u in self.host.parts.units}
        found = []
        for name in self.look.units:
            live, unit = self.current["units"].get(name, {}), planned[name]
            enabled = "masked" if unit.masked else "enabled" if unit.enabled else "disabled"
            active = "active" if unit.active and not unit.masked else "inactive"
            pairs = (
                ("at start-up", live.get("UnitFileState") or "not there", enabled),
                ("now", live.get("ActiveState") or "not there", active),
            )
            properties = tuple(Property(n, a, b) for n, a, b in pairs if a != b)
            found.append(self._change("service", name, "update", properties=properties))
        return found

    def _action(self, action: Action, why: str) -> Change:
        kind = "container" if action.container else "service"
        because = f"{why} (action {action.id})"
        return self._change(kind, action.subject, action.effect, why=because)
