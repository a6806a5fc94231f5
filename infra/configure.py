"""What a deploy does on hosts besides containers: look, and let Ansible do what differs.

A host where nothing differs is in no play; when that is so everywhere, Ansible is not started.
All functions return host → number of things changed, for every host they were given.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infra import inventory, runner
from infra.inventory import encoded
from infra.resources import Action, Container, Plan
from infra.runner import Say, Step
from infra.ssh import Connection

if TYPE_CHECKING:
    from infra.facts import Look
    from infra.secrets import Secrets

JOURNAL = "/var/lib/hanoi/pending"


def bootstrap(
    plan: Plan, connections: dict[str, Connection], secrets: Secrets, progress: Say
) -> dict[str, int]:
    """Make the toolkit's own user on hosts reached as the bootstrap user.

    connections: those of bare hosts are replaced in place by connections as plan.ssh_user.
    """
    bare = {h: c for h, c in connections.items() if c.bare}
    changed = dict.fromkeys(connections, 0)
    if not bare:
        return changed
    key = secrets.resolve("secret://ssh/deploy#public").strip()
    variables = {h: {"user": plan.ssh_user, "key": key} for h in bare}
    steps = {
        h: {
            "python": Step("first contact: Python and sudo"),
            "user": Step(f"first contact: user {plan.ssh_user}"),
        }
        for h in bare
    }
    result = runner.run("bootstrap.yml", inventory.inventory(bare, variables), steps, progress)
    runner.raise_for(result.failed)
    for host_id, old in bare.items():
        connections[host_id] = Connection(host_id, old.address, plan.ssh_user, old.port)
    return changed | result.changed


def configure_host(
    plan: Plan,
    connections: Mapping[str, Connection],
    secrets: Secrets,
    looks: Mapping[str, Look],
    progress: Say,
) -> dict[str, int]:
    """Packages, users, files, units and host actions, on the hosts whose look differs.

    Raises HanoiError HN-A003 to HN-A005. A rejected file leaves all files of its host as they
    were; what other hosts got stays.
    """
    changed = dict.fromkeys(looks, 0)
    variables, steps = {}, {}
    for host_id, look in looks.items():
        host_actions = [a for a in plan.host(host_id).parts.actions if not a.container]
        due = [a for a in host_actions if a.id in look.due]
        if look.drifted or due:
            variables[host_id] = _host_variables(plan, secrets, look, host_actions)
            steps[host_id] = _host_steps(look, len(due))
    if variables:
        result = runner.run(
            "host.yml", inventory.inventory(connections, variables), steps, progress
        )
        # Groups and sshd's settings count from the next login on.
        for host_id in variables:
            seen = looks[host_id]
            if seen.users or seen.packages or any("/ssh" in f.path for f in seen.files):
                log_in_anew(connections[host_id])
        runner.raise_for(result.failed)
        changed |= result.changed
    return changed


def _host_variables(
    plan: Plan, secrets: Secrets, look: Look, host_actions: list[Action]
) -> dict[str, Any]:
    """Only what differs on the host; files with their contents."""
    wanted = inventory.desired(plan, look.host, secrets.resolve)
    paths = {f.path for f in look.files}
    contents = inventory.content(plan, look.host, paths, secrets.resolve)
    secret = inventory.with_secrets(plan, look.host)
    files = [
        {**f, "content": contents[f["path"]], "secret": f["path"] in secret}
        for f in wanted["files"]
        if f["path"] in paths
    ]
    return {
        "journal": JOURNAL,
        "packages": list(look.packages),
        "users": [u for u in wanted["users"] if u["name"] in look.users],
        "files": encoded(files),
        "units": [u for u in wanted["units"] if u["name"] in look.units],
        "actions": encoded({"actions": [asdict(a) for a in host_actions], "gates": {}}),
    }


def _host_steps(look: Look, due: int) -> dict[str, Step]:
    steps = {}
    for task, items, verb in (
        ("packages", look.packages, "installing"),
        ("users", look.users, "setting"),
        ("files", look.files, "replacing"),
        ("units", look.units, "setting"),
    ):
        if items:
            steps[task] = Step(f"{task}: {verb} {len(items)}", len(items))
    if look.files or due:
        steps["actions"] = Step("services: reloading what has changed")
    return steps


def remove_files(
    connections: Mapping[str, Connection], looks: Mapping[str, Look], progress: Say
) -> dict[str, int]:
    """Take away the files that left the plan, when nothing reads them any more.

    Raises HanoiError HN-A003, HN-A004.
    """
    changed = dict.fromkeys(looks, 0)
    gone = {h: list(seen.gone) for h, seen in looks.items() if seen.gone}
    if gone:
        steps = {
            h: {"files that left": Step(f"files: removing {len(paths)} that left", len(paths))}
            for h, paths in gone.items()
        }
        variables = {h: {"journal": JOURNAL, "gone": paths} for h, paths in gone.items()}
        result = runner.run(
            "gone.yml", inventory.inventory(connections, variables), steps, progress
        )
        runner.raise_for(result.failed)
        changed |= result.changed
    return changed


def run_actions(
    plan: Plan,
    connections: Mapping[str, Connection],
    secrets: Secrets,
    looks: Mapping[str, Look],
    progress: Say,
) -> dict[str, int]:
    """Container actions that are due; those of voting members host by host behind their gates.

    Raises HanoiError HN-A003; after a member that does not pass its gate, no other is touched.
    """
    changed = dict.fromkeys(looks, 0)
    variables: dict[str, dict[str, str]] = {}
    groups: dict[str, list[str]] = {"others": [], "voters": []}
    steps = {}
    for host_id, look in looks.items():
        _forget_moot(connections[host_id], look)
        containers = {c.name: c for c in plan.host(host_id).parts.containers}
        due = [
            a
            for a in plan.host(host_id).parts.actions
            if a.container in containers and a.id in look.due
        ]
        voting = [a for a in due if containers[str(a.container)].votes_in]
        other = [a for a in due if a not in voting]
        if not due:
            continue
        variables[host_id] = {
            "journal": JOURNAL,
            "others": _work(other, containers),
            "voters": _work(voting, containers),
        }
        steps[host_id] = {"actions": Step("containers: " + ", ".join(a.id for a in due))}
        groups["others"] += [host_id] * bool(other)
        groups["voters"] += [host_id] * bool(voting)
    if variables:
        hosts = inventory.inventory(connections, variables, groups)
        result = runner.run("actions.yml", hosts, steps, progress)
        runner.raise_for(result.failed)
        changed |= result.changed
    return changed


def _work(actions: list[Action], containers: Mapping[str, Container]) -> str:
    gates = {str(a.container): containers[str(a.container)].gate for a in actions}
    return encoded(
        {"actions": [asdict(a) for a in actions], "gates": {c: g for c, g in gates.items() if g}}
        if actions
        else None
    )


def _forget_moot(connection: Connection, look: Look) -> None:
    """Take pending actions off the host whose container has been started since the change."""
    if moot := [p.id for p in look.pending if p.moot]:
        connection.run("rm -f " + shlex.join(f"{JOURNAL}/{action}" for action in moot))


def log_in_anew(connection: Connection) -> None:
    """Let the next use of the host open a new shared connection; sessions that are open in the
    old one (the deploy's lock) go on."""
    base = connection.argv()
    subprocess.run([base[0], "-O", "stop", *base[1:]], capture_output=True, check=False, timeout=10)
