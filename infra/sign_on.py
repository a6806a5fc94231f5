"""`hanoi sign-on user …`: who may sign on, and for which unit.

Users are rows of sign-on's own database, not of the description: they come and go daily, and their
passwords are nobody's business. What is asked runs in one of the instances; a password travels
over the connection's input only.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from infra import ssh
from infra.errors import Exit, HanoiError, error
from infra.model.schema import Model
from infra.resources import HostPlan, Plan
from infra.services import sign_on


def put(model: Model, plan: Plan, unit: str, who: tuple[str, str, str], password: str) -> None:
    """Add a user, or give one another name, address, unit and password; sessions end.

    who: login, name, e-mail address. Raises HN-N001 (no such unit), HN-N002, HN-N003.
    """
    known = {u.id: u for u in model.units}
    if unit not in known or known[unit].closed:
        raise error(
            "HN-N001",
            f"unit {unit}",
            "the unit is closed" if unit in known else "there is no such unit",
            "name the id of an open unit; `ls sites/units` shows them",
            Exit.USAGE,
        )
    if "\n" in password:
        raise _refused("a password is one line")
    _asked(plan, ("user", "put", unit, *who), password + "\n")


def remove(plan: Plan, login: str) -> None:
    """Remove a user, and end the user's sessions. Raises HN-N002, HN-N003 (no such user)."""
    _asked(plan, ("user", "remove", login))


def users(plan: Plan) -> list[dict[str, str]]:
    """Every user's login, unit, name and mail, by unit. Raises HN-N002, HN-N003."""
    return list(json.loads(_asked(plan, ("user", "list"))))


def _asked(plan: Plan, arguments: Sequence[str], line: str = "") -> str:
    """What the first instance that can be reached answers."""
    argv = ("docker", "exec", "-i", sign_on.NAME, *sign_on.SCRIPT, *arguments)
    unreachable: HanoiError | None = None
    for host in _hosts(plan):
        try:
            with ssh.connected([(host.id, host.address)], plan.ssh_user, plan.ssh_port) as found:
                done = found[host.id].run(shlex.join(argv), input=line.encode())
        except HanoiError as failure:
            unreachable = failure
            continue
        if done.rc:
            told = done.stderr.strip().splitlines()
            raise _refused(told[-1][:300] if told else f"it ended with {done.rc}")
        return done.text
    assert unreachable, "there is a host, and it was asked"
    raise unreachable


def _hosts(plan: Plan) -> tuple[HostPlan, ...]:
    found = plan.running(sign_on.NAME)
    if not found:
        raise error(
            "HN-N002",
            "sign-on",
            f"it does not run in the wave {plan.through}",
            "deploy a wave whose platform: has sign-on, or name it with --through",
            Exit.USAGE,
        )
    return found


def _refused(why: str) -> HanoiError:
    return error(
        "HN-N003",
        "sign-on",
        f"it refused: {why}",
        "docs/sign-on.md says what a login and a password must be; where the database did not"
        " answer, run the same command again",
    )
