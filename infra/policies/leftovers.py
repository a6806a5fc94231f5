"""What an operator has to take away by hand afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.diff.side import Side
from infra.policies import Danger, policy
from infra.policies.data import hosts_of
from infra.report.content import Change


@policy(
    "login-left-behind",
    severity="note",
    reason="SSH no longer lets the login in and sudo no longer knows it, but its account, home and"
    " processes stay",
    remedy="on each host named: `userdel NAME`, after a look at what it still runs",
)
def login_left_behind(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """Logins that leave the plan."""
    places: dict[str, list[str]] = {}
    now = hosts_of(after.plan)
    for host_id, old in hosts_of(before.plan).items():
        kept = {u.name for u in now[host_id].parts.users} if host_id in now else None
        for user in old.parts.users:
            if kept is not None and user.name not in kept:
                places.setdefault(user.name, []).append(host_id)
    for name, hosts in sorted(places.items()):
        yield Danger(f"login {name}", f"it stays on {', '.join(hosts)}")
