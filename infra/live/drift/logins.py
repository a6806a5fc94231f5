"""Who can log in, become root or use the engine."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property


@detector("login-unknown", needs="accounts", danger=True)
def unknown(seen: Seen) -> Iterator[Drifted]:
    """A login that nobody planned."""
    planned = {u.name for u in seen.host.parts.users} | {"root"}
    for login in seen.answers["accounts"]["logins"]:
        if login["name"] not in planned:
            zero = ", with root's number 0" if login["uid"] == 0 else ""
            yield Drifted(
                "login",
                login["name"],
                "create",
                f"a login beside the plan (number {login['uid']}, {login['shell']}){zero}",
                remedy=f"remove it by hand (userdel {login['name']}), or describe the operator",
                danger=True,
                words=(login["name"],),
            )


@detector("login-planned", needs="accounts")
def planned(seen: Seen) -> Iterator[Drifted]:
    """A planned login that is gone, or has another shell or fewer groups."""
    there = {x["name"]: x for x in seen.answers["accounts"]["logins"]}
    for user in seen.host.parts.users:
        if user.name not in seen.look.users:
            continue
        live = there.get(user.name)
        properties = (
            (Property("shell", user.shell, live["shell"]),)
            if live and live["shell"] != user.shell
            else ()
        )
        yield Drifted(
            "login",
            user.name,
            "update" if live else "delete",
            "its shell or groups are others" if live else "it is gone, or has no shell",
            properties=properties,
            words=(user.name,),
            when=seen.answers["accounts"]["changed"]["/etc/passwd"] if not live else None,
        )


@detector("group-member", needs="accounts", danger=True)
def members(seen: Seen) -> Iterator[Drifted]:
    """Somebody in a group that is as good as root whom nobody put there."""
    planned = {(g, u.name) for u in seen.host.parts.users for g in u.groups}
    for group, names in seen.answers["accounts"]["groups"].items():
        for name in names:
            if name == "root" or (group, name) in planned:
                continue
            yield Drifted(
                "login",
                name,
                "update",
                f"in group {group} beside the plan",
                remedy=f"take it out by hand (gpasswd -d {name} {group})",
                danger=True,
                properties=(Property("group", None, group),),
                words=(name,),
                when=seen.answers["accounts"]["changed"]["/etc/group"],
            )


@detector("password", needs="accounts", danger=True)
def passwords(seen: Seen) -> Iterator[Drifted]:
    """A login with a password; planned ones have keys only."""
    for name in seen.answers["accounts"]["passwords"]:
        yield Drifted(
            "login",
            name,
            "update",
            "it has a password",
            remedy=f"lock it by hand (passwd -l {name})",
            danger=True,
            words=(name,),
            when=seen.answers["accounts"]["changed"]["/etc/shadow"],
        )


@detector("own-keys", needs="accounts", danger=True)
def own_keys(seen: Seen) -> Iterator[Drifted]:
    """SSH keys in a home directory, where no planned key is."""
    for entry in seen.answers["accounts"]["keys"]:
        if entry["changed"] > seen.since:
            yield Drifted(
                "file",
                entry["path"],
                "create",
                f"{entry['keys']} SSH keys in a home directory (sshd does not read them there)",
                remedy=f"remove it by hand (rm {entry['path']}); keys belong in the description",
                words=(entry["path"], "authorized_keys"),
                when=entry["changed"],
            )
