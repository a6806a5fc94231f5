"""What a deploy changes on one host, thing by thing, in the order in which it goes about it.

The rules are those of configure.py, rollout.py and stack.py: a file that differs is replaced and
its actions follow; a container is replaced when its label would be another; an action of a
container that the same run creates or replaces is moot; nothing but containers, networks and
containers' configuration is ever removed (what else leaves the plan is left.py's).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from infra.diff.certificates import Reissued
from infra.diff.common import because, restarting
from infra.diff.owners import Owners
from infra.diff.side import Side
from infra.diff.values import properties, unified
from infra.report.content import Change, Property
from infra.resources import (
    Action,
    Container,
    File,
    HostPlan,
    Opening,
    Parts,
    is_configuration,
)
from infra.services import postgres
from infra.stack import spec

_BARE = Parts()


def changes(before: Side, after: Side, owners: Owners, reissued: Reissued) -> Iterator[Change]:
    """Everything that happens on the hosts that the later plan has."""
    assert before.plan and after.plan
    old_hosts = {h.id: h for h in before.plan.hosts}
    for host in after.plan.hosts:
        old = old_hosts.get(host.id)
        if old == host and not reissued.ids and _same_labels(before, after):
            continue
        yield from _HostChanges(before, after, old, host, owners, reissued).all()


def _same_labels(before: Side, after: Side) -> bool:
    old, new = before.plan, after.plan
    return (
        old is not None
        and new is not None
        and before.tags == after.tags
        and (old.log_max_size, old.log_files) == (new.log_max_size, new.log_files)
    )


class _HostChanges:
    """One host before (None: it is new) and after."""

    def __init__(
        self,
        before: Side,
        after: Side,
        old: HostPlan | None,
        new: HostPlan,
        owners: Owners,
        reissued: Reissued,
    ) -> None:
        self.before, self.after = before, after
        self.old, self.new = old, new
        self.had = old.parts if old else _BARE
        self.parts = new.parts
        self.owners = owners
        self.reissued = reissued
        self.touched: dict[str, None] = {}  # ids of actions that are due

    def all(self) -> Iterator[Change]:
        yield from self._packages()
        yield from self._logins()
        yield from self._files()
        yield from self._services()
        yield from self._openings()
        yield from self._networks()
        yield from self._volumes()
        yield from self._containers()
        yield from self._gone_files()

    def _change(self, kind: str, name: str, operation: str, **more: object) -> Change:
        return Change(kind, name, operation, self.new.id, self.new.site, **more)  # type: ignore[arg-type]

    def _packages(self) -> Iterator[Change]:
        for name in self.parts.packages:
            if name not in self.had.packages:
                yield self._change("package", name, "create")

    def _logins(self) -> Iterator[Change]:
        """A deploy adds groups and sets the shell; it takes no group away."""
        known = {u.name: u for u in self.had.users}
        for user in self.parts.users:
            old = known.get(user.name)
            if old is None:
                made = properties(None, user, ("name",))
                yield self._change("login", user.name, "create", properties=made)
            elif old.shell != user.shell or set(user.groups) - set(old.groups):
                yield self._change(
                    "login", user.name, "update", properties=properties(old, user, ("system",))
                )

    def _files(self) -> Iterator[Change]:
        known = {f.path: f for f in self.had.files}
        for file in self.parts.files:
            old = known.get(file.path)
            change = self._new_file(file) if old is None else self._changed_file(old, file)
            if change:
                self.touched |= dict.fromkeys(file.actions)
                yield change

    def _new_file(self, file: File) -> Change:
        units, apps = self.owners.file(file.path)
        shown = properties(None, _attributes(file))
        text = unified("", file.content)
        return self._change(
            "file", file.path, "create", properties=shown, diff=text, units=units, applications=apps
        )

    def _changed_file(self, old: File, file: File) -> Change | None:
        anew = self.reissued.held_by(file)
        same = (old.content, old.mode, old.owner, old.group) == (
            file.content, file.mode, file.owner, file.group,
        )  # fmt: skip
        if same and not anew:
            return None
        why = f"the certificate {', '.join(anew)} is issued anew" if anew else ""
        units, apps = self.owners.file(file.path)
        return self._change(
            "file",
            file.path,
            "update",
            why=why,
            properties=properties(_attributes(old), _attributes(file)),
            diff=unified(old.content, file.content),
            units=units,
            applications=apps,
        )

    def _gone_files(self) -> Iterator[Change]:
        kept = {f.path for f in self.parts.files}
        for path in (f.path for f in self.had.files if f.path not in kept):
            if is_configuration(path):
                units, apps = self.owners.file(path)
                yield self._change("file", path, "delete", units=units, applications=apps)

    def _services(self) -> Iterator[Change]:
        """systemd units in another state, and those that follow a changed file."""
        found: dict[str, Change] = {}
        known = {u.name: u for u in self.had.units}
        for unit in self.parts.units:
            if (old := known.get(unit.name)) != unit:
                operation = "create" if old is None else "update"
                found[unit.name] = self._change(
                    "service", unit.name, operation, properties=properties(old, unit, ("name",))
                )
        for action in self.parts.actions:
            if action.container is None and action.id in self.touched:
                name = action.subject
                entry = found.get(name) or self._change("service", name, action.effect)
                if entry.operation != "create":
                    entry = replace(entry, operation=action.effect, why=self._because(action))
                found[name] = entry
        yield from found.values()

    def _because(self, action: Action) -> str:
        return f"{action.id}: a file that it reads changes"

    def _openings(self) -> Iterator[Change]:
        old, new = joined(self.had.openings), joined(self.parts.openings)
        for name in dict.fromkeys((*old, *new)):
            was, now = old.get(name), new.get(name)
            if was == now:
                continue
            operation = "create" if was is None else "delete" if now is None else "update"
            shown = properties(was, now)
            yield self._change("opening", name, operation, properties=shown)

    def _networks(self) -> Iterator[Change]:
        yield from self._engine("network", self.had.networks, self.parts.networks)

    def _volumes(self) -> Iterator[Change]:
        """Volumes are never deleted: one that leaves the plan stays (left.py)."""
        for change in self._engine("volume", self.had.volumes, self.parts.volumes):
            if change.operation == "create":
                yield change

    def _engine(
        self, kind: str, old: tuple[object, ...], new: tuple[object, ...]
    ) -> Iterator[Change]:
        before = {str(getattr(n, "name")): n for n in old}  # noqa: B009
        after = {str(getattr(n, "name")): n for n in new}  # noqa: B009
        for name in dict.fromkeys((*before, *after)):
            was, now = before.get(name), after.get(name)
            moved = bool(was and now and self._moved())
            if was == now and not moved:
                continue
            operation = "create" if was is None else "delete" if now is None else "replace"
            why = "its host stands at another site" if moved and was == now else ""
            shown = properties(was, now, ("name",))
            yield self._change(kind, name, operation, why=why, properties=shown)

    def _moved(self) -> bool:
        return self.old is not None and self.old.site != self.new.site

    def _containers(self) -> Iterator[Change]:
        before = {c.name: c for c in self.had.containers}
        after = {c.name: c for c in self.parts.containers}
        settled = set()
        for name in dict.fromkeys((*before, *after)):
            was, now = before.get(name), after.get(name)
            units, apps = self.owners.container(name)
            shown = self._container_properties(was, now)
            if was is None or now is None:
                operation = "create" if was is None else "delete"
            elif shown or self._moved() or self._other_label(was, now):
                operation = "replace"
            else:
                continue
            settled.add(name)
            why = self._why(shown) if operation == "replace" else ""
            yield self._change(
                "container", name, operation, why=why, properties=shown, units=units,
                applications=apps,
            )  # fmt: skip
        yield from self._container_actions(set(before) & set(after) - settled)

    def _container_actions(self, standing: set[str]) -> Iterator[Change]:
        """Restarts and reloads of the containers that the run leaves standing."""
        found: dict[str, Change] = {}
        for action in self.parts.actions:
            name = action.container
            if name is None or name not in standing or action.id not in self.touched:
                continue
            operation = action.effect
            if name in found and operation == "reload":
                continue
            units, apps = self.owners.container(name)
            found[name] = self._change(
                "container", name, operation, why=self._because(action), units=units,
                applications=apps,
            )  # fmt: skip
        if postgres.NAME in standing and (names := self._restarting()):
            found[postgres.NAME] = self._change(
                "container", postgres.NAME, "restart", why=because(names)
            )
        yield from found.values()

    def _restarting(self) -> tuple[str, ...]:
        assert self.before.plan and self.after.plan
        return restarting(self.before.plan, self.after.plan)

    def _other_label(self, was: Container, now: Container) -> bool:
        """Whether the label that the container carries would be another (infra/stack.py)."""
        assert self.before.plan and self.after.plan
        if not (self.before.tags and self.after.tags):
            return spec(self.before.plan, was, "") != spec(self.after.plan, now, "")
        return spec(self.before.plan, was, self.before.tags[was.image]) != spec(
            self.after.plan, now, self.after.tags[now.image]
        )

    def _container_properties(
        self, was: Container | None, now: Container | None
    ) -> tuple[Property, ...]:
        """Of the container itself, then its image's content and its log's limits."""
        assert self.before.plan and self.after.plan
        found = properties(was, now, ("name",))
        if was is None or now is None:
            return tuple(p for p in found if p.name in _TOLD)
        old, new = self.before.plan, self.after.plan
        tag = (self.before.tags.get(was.image), self.after.tags.get(now.image))
        if all(tag) and tag[0] != tag[1]:
            found += (Property("image content", *tag),)
        limits = [f"{p.log_files} files of {p.log_max_size // 2**10} KiB" for p in (old, new)]
        if limits[0] != limits[1]:
            found += (Property("log limits", limits[0], limits[1]),)
        return found

    def _why(self, shown: tuple[Property, ...]) -> str:
        if not shown:
            moved = self._moved()
            return "its host stands at another site" if moved else "its description changes"
        names = [p.name for p in shown]
        if names == ["image content"]:
            return "its image changes"
        return f"{', '.join(names[:3])} change{'s' if len(names) == 1 else ''}"


# Of a container that comes or goes only what a reviewer weighs; the rest is in its module.
_TOLD = frozenset({"image", "user", "memory", "ports", "mounts", "votes in"})


def _attributes(file: File) -> dict[str, object]:
    return {"mode": file.mode, "owner": file.owner, "group": file.group}


def joined(openings: tuple[Opening, ...]) -> dict[str, dict[str, object]]:
    """ "tcp/443" → sources and reason: those with the same port together, as the firewall does."""
    found: dict[str, tuple[set[str], dict[str, None]]] = {}
    for o in openings:
        sources, reasons = found.setdefault(f"{o.protocol}/{o.port}", (set(), {}))
        sources.update(o.sources)
        reasons[o.reason] = None
    return {
        name: {"sources": tuple(sorted(sources)), "reason": "; ".join(reasons)}
        for name, (sources, reasons) in found.items()
        if sources
    }
