"""Settings that must agree with each other."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from functools import cache

from infra.model.rules import Broken, View, rule
from infra.model.schema import App


@rule("HN-M070")
def leader_key_outlives_retries(view: View) -> Iterator[Broken]:
    """ttl >= loop_wait + 2 * retry_timeout, else a slow etcd costs a healthy leader its role.

    Source: Patroni documentation, "Dynamic Configuration Settings".
    """
    if view.ministry:
        db = view.ministry.database
        least = db.loop_wait + 2 * db.retry_timeout
        if db.ttl < least:
            what = f"ttl {db.ttl} is less than loop_wait + 2 * retry_timeout = {least}"
            remedy = f"write ttl: {least} or more, or lower the other two"
            yield Broken(view.ministry, ("database", "ttl"), what, remedy)


@rule("HN-M071")
def shared_buffers_leave_room(view: View) -> Iterator[Broken]:
    """PostgreSQL needs memory beside its shared buffers; the container's limit holds both."""
    if view.ministry:
        db = view.ministry.database
        if db.shared_buffers * 2 > db.memory:
            what = "shared_buffers is more than half of the database's memory"
            remedy = "raise memory, or lower shared_buffers; a quarter is usual"
            yield Broken(view.ministry, ("database", "shared_buffers"), what, remedy)


@rule("HN-M072")
def ssh_user_is_not_root(view: View) -> Iterator[Broken]:
    """Root cannot log in once a host is configured."""
    if view.ministry and view.ministry.ssh.user == "root":
        what, remedy = "the user for deploying is root", "name another user, such as hanoi"
        yield Broken(view.ministry, ("ssh", "user"), what, remedy)


@cache
def _no_zone(name: str) -> bool:
    """Whether this machine has time zone data, and none of that name. All names are looked up
    only where the one is not found: that reads hundreds of files."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return bool(zoneinfo.available_timezones())
    return name.startswith(("posix/", "right/"))


@rule("HN-M073")
def time_zone_exists(view: View) -> Iterator[Broken]:
    """Checked where this machine has time zone data; a machine without it cannot tell."""
    if view.ministry and _no_zone(view.ministry.timezone):
        zone = view.ministry.timezone
        remedy = "write a zone such as Asia/Ho_Chi_Minh"
        yield Broken(view.ministry, ("timezone",), f'there is no time zone "{zone}"', remedy)


@rule("HN-M074")
def procedures_add_up(view: View) -> Iterator[Broken]:
    """total is the groups' sum less the stated difference, so a group cannot get lost."""
    if not view.ministry or not view.ministry.procedures:
        return
    procedures = view.ministry.procedures
    counted = sum(g.count for g in procedures.groups)
    if counted - procedures.difference != procedures.total:
        what = (
            f"the groups add up to {counted}; with a difference of {procedures.difference} "
            f"that is not the total of {procedures.total}"
        )
        remedy = f"correct a count, or state difference: {counted - procedures.total} with a note"
        yield Broken(view.ministry, ("procedures", "total"), what, remedy)
    if procedures.difference and not procedures.note:
        what = f"a difference of {procedures.difference} without a note"
        remedy = "add note: with what the source says about it"
        yield Broken(view.ministry, ("procedures", "difference"), what, remedy)


@rule("HN-M080")
def ports_are_unique(view: View) -> Iterator[Broken]:
    """Applications share hosts, so each has a port of its own, and none has that of SSH."""
    taken = {view.ministry.ssh.port: "SSH"} if view.ministry else {}
    for app in view.apps:
        if app.port in taken:
            what = f"the port {app.port} is that of {taken[app.port]}"
            yield Broken(app, ("port",), what, "choose another port")
        elif app.port:
            taken[app.port] = f"the application {app.id}"


@rule("HN-M081")
def deployed_applications_say_how(view: View) -> Iterator[Broken]:
    """Where the toolkit runs an application it must know its port, size and sign of health."""
    for app in view.apps:
        for key in _lacking(app) if app.service else ():
            what = f'the key "{key}" is missing, and the application has a service'
            yield Broken(app, (key,), what, f"add {key}:, or remove service: until it is deployed")


def _lacking(app: App) -> list[str]:
    return [key for key in ("port", "health", "resources") if getattr(app, key) is None]
