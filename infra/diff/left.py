"""What leaves the plan and stays where it is, because a deploy does not remove it.

A deploy removes containers with their configuration, networks and firewall openings. Volumes and
databases hold data; packages, logins, files elsewhere, services, database roles and secrets are
for an operator to take away.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from infra.diff.owners import Owners
from infra.diff.values import listed
from infra.report.content import EVERYWHERE, DataChange
from infra.resources import HostPlan, Parts, Plan, is_configuration


def behind(before: Plan, after: Plan, owners: Owners) -> Iterator[DataChange]:
    """Everything that the later plan does not have any more and no deploy removes."""
    hosts = {h.id: h for h in after.hosts}
    for old in before.hosts:
        new = hosts.get(old.id)
        if new is None:
            yield from _host(old)
        elif new.parts is not old.parts and new.parts != old.parts:
            yield from _parts(old, new)
    yield from _common(before.common, after.common, owners)
    kept = {s.id for s in after.secrets}
    if gone := [s.id for s in before.secrets if s.id not in kept]:
        yield DataChange(f"secrets in the vault: {listed(gone)}", "left behind")


def _host(host: HostPlan) -> Iterator[DataChange]:
    """Its own Pulumi stack is not looked at any more: nothing on it is stopped."""
    if running := [c.name for c in host.parts.containers]:
        yield DataChange(
            f"containers, still running: {listed(running, 12)}", "left behind", host.id
        )
    for volume in host.parts.volumes:
        yield DataChange(f"volume {volume.name}", "left behind", host.id)
    yield DataChange("everything else on the host", "left behind", host.id)


def _parts(old: HostPlan, new: HostPlan) -> Iterator[DataChange]:
    for name in _gone(old.parts.volumes, new.parts.volumes, lambda v: str(v.name)):
        yield DataChange(f"volume {name}", "left behind", old.id)
    files = _gone(old.parts.files, new.parts.files, lambda f: str(f.path))
    if files := [path for path in files if not is_configuration(path)]:
        yield DataChange(f"files: {listed(_directories(files), 8)}", "left behind", old.id)
    kinds: tuple[tuple[str, list[str]], ...] = (
        ("logins", _gone(old.parts.users, new.parts.users, lambda u: str(u.name))),
        ("services", _gone(old.parts.units, new.parts.units, lambda u: str(u.name))),
        ("packages", _gone(old.parts.packages, new.parts.packages, str)),
    )
    for kind, names in kinds:
        if names:
            yield DataChange(f"{kind}: {listed(names, 8)}", "left behind", old.id)
    for user in new.parts.users:
        was = next((u for u in old.parts.users if u.name == user.name), user)
        if groups := [g for g in was.groups if g not in user.groups]:
            what = f"membership of {user.name} in {listed(groups)}"
            yield DataChange(what, "left behind", old.id)


def _gone(old: tuple[object, ...], new: tuple[object, ...], name: Callable[..., str]) -> list[str]:
    kept = {name(n) for n in new}
    return [name(n) for n in old if name(n) not in kept]


def _directories(paths: list[str]) -> list[str]:
    """Paths, those of one directory as "directory/ (3)"."""
    counted: dict[str, list[str]] = {}
    for path in paths:
        counted.setdefault(posixpath.dirname(path), []).append(path)
    return [f"{d}/ ({len(found)})" if len(found) > 1 else found[0] for d, found in counted.items()]


def _common(old: Parts, new: Parts, owners: Owners) -> Iterator[DataChange]:
    for name in _gone(old.databases, new.databases, lambda d: str(d.name)):
        units, _ = owners.database(name)
        yield DataChange(f"database {name}", "left behind", EVERYWHERE, units)
    for name in _gone(old.roles, new.roles, lambda r: str(r.name)):
        yield DataChange(f"database role {name}", "left behind")
    kept = {d.name: d for d in new.databases}
    for database in old.databases:
        gone = set(database.extensions) - set(kept.get(database.name, database).extensions)
        if gone:
            what = f"extensions of {database.name}: {listed(sorted(gone))}"
            yield DataChange(what, "left behind")
