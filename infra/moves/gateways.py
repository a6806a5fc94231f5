"""All gateways told at once where users go and who waits, without a restart of anything.

Users wait for this twice in a move, so it does not go through Ansible: one short program a host
puts the maps in place as files, as a deploy would, and gives the running HAProxy the same
content over its own administration socket (HAProxy 3.0 management guide: prepare, add, commit
map; a map is replaced as a whole, in one moment).
"""

from __future__ import annotations

from collections.abc import Mapping

from infra import ssh
from infra.errors import HanoiError, Problem
from infra.resources import Plan
from infra.services import gateway, proxy
from infra.services.tls import directory
from infra.ssh import Connection

PROGRAM = r"""
import json, os, subprocess
base, maps = payload["base"], payload["maps"]

def ask(command):
    argv = ["docker", "exec", "-i", payload["container"], *payload["speak"]]
    done = subprocess.run(argv, input=command + "\n", capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise SystemExit("the gateway does not answer: " + done.stderr.strip()[-200:])
    return done.stdout.strip()

def tell(name, lines):
    there = "%s/%s" % (payload["config"], name)
    said = ask("prepare map " + there)
    if not said.startswith("New version created: "):
        raise SystemExit("prepare map %s: %s" % (name, said))
    version = said.rsplit(" ", 1)[1]
    body = "\n".join(lines)
    if lines:
        said = ask("add map @%s %s <<\n%s\n" % (version, there, body))
        if said:
            raise SystemExit("add map %s: %s" % (name, said))
    said = ask("commit map @%s %s" % (version, there))
    if said:
        raise SystemExit("commit map %s: %s" % (name, said))

changed = []
for name, text in maps.items():
    path = "%s/%s" % (base, name)
    with open(path) as file:
        if file.read() != text:
            changed.append(name)
            new = path + ".new"
            with open(new, "w") as file:
                file.write(text)
                os.fchmod(file.fileno(), payload["mode"])
            os.rename(new, path)
    tell(name, text.splitlines())
print(json.dumps(changed))
"""


def tell(plan: Plan, connections: Mapping[str, Connection]) -> None:
    """Bring the maps of every gateway to the plan. Raises HanoiError HN-T009."""
    payloads = {}
    for host in plan.hosts:
        if any(c.name == gateway.NAME for c in host.parts.containers):
            files = {f.path: f for f in host.parts.files}
            base = directory(gateway.NAME)
            payloads[host.id] = {
                "base": base,
                "config": proxy.CONFIG,
                "container": gateway.NAME,
                "speak": list(gateway.SPEAK),
                "mode": files[f"{base}/{gateway.MAPS[0]}"].mode,
                "maps": {name: files[f"{base}/{name}"].content for name in gateway.MAPS},
            }

    def one(connection: Connection) -> None:
        try:
            connection.python(PROGRAM, payloads[connection.host_id], 60)
        except HanoiError as failure:
            raise _not_told(connection.host_id, failure.problems[0]) from failure

    ssh.on_each({h: connections[h] for h in payloads}, one)


def _not_told(host: str, problem: Problem) -> HanoiError:
    return HanoiError(
        Problem(
            f"gateway on {host}",
            "HN-T009",
            f"it was not told where users go now: {problem.what}",
            "a site whose gateway is lost cannot take part; see `hanoi status`, then run the same"
            " command again",
        )
    )
