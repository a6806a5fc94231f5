"""Secrets: in files of their users, and nowhere else."""

from __future__ import annotations

import json
import re

from infra.verify.checks import control, gate, look

pytestmark = [gate("infrastructure", "database", "gateway", "personnel")]
pytestmark += [gate("sign-on", "online-services", "documents")]

TELLING = re.compile(r"(PASSW|SECRET|TOKEN|PRIVATE|CREDENTIAL|_KEY$)", re.I)


@control("SEC-01", "own requirement")
def test_private_keys(host) -> None:
    """No private key can be read by everybody.

    Break: `chmod 0644` on a key.
    """
    command = (
        "find /etc /root /home /var/lib/hanoi /usr/local -xdev -type f -size -64k -perm /004"
        " -exec grep -lIE 'BEGIN ([A-Z]+ )?PRIVATE KEY' {} +"
    )
    found = host.run(command.replace("%", "%%")).stdout.split()
    assert not found, f"readable by all: {', '.join(found)}"


@control("SEC-02", "own requirement")
def test_environment_names(host) -> None:
    """No container has a secret among its environment's names."""
    found = []
    for container in _inspected(host):
        for entry in container["Config"]["Env"] or []:
            name, _, value = entry.partition("=")
            if value and TELLING.search(name):
                found.append(f"{container['Name'].lstrip('/')}: {name}")
    assert not found, f"in the environment: {', '.join(found)}"


@control("SEC-03", "own requirement")
def test_no_secret_in_inspect(host, vault) -> None:
    """What the engine tells about a container holds no secret of ours.

    The values are compared on the operator's machine and never shown.
    """
    text = json.dumps(_inspected(host))
    leaked = [name for name, value in vault.values.items() if value in text]
    assert not leaked, f"secrets in `docker inspect`: {', '.join(leaked)}"


@control("SEC-04", "own requirement")
def test_no_secret_in_processes(host, vault) -> None:
    """No process has a secret of ours in its arguments."""
    text = look(host, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; true")
    leaked = [name for name, value in vault.values.items() if value in text]
    assert not leaked, f"secrets in the process list: {', '.join(leaked)}"


@control("SEC-05", "own requirement")
def test_no_secret_in_logs(host, vault) -> None:
    """The journal and the containers' logs of the last hour hold no secret of ours."""
    names = look(host, "docker ps --all --format '{{.Names}}'").split()
    logs = "; ".join(
        ["journalctl -q --since=-1h -o cat | tail -c 2000000"]
        + [f"docker logs --since 1h {name} 2>&1 | tail -c 200000" for name in names]
    )
    text = look(host, f"{logs}; true")
    leaked = [name for name, value in vault.values.items() if value in text]
    assert not leaked, f"secrets in logs: {', '.join(leaked)}"


def _inspected(host) -> list[dict]:
    names = look(host, "docker ps --all --quiet").split()
    return list(json.loads(look(host, f"docker inspect {' '.join(names)}"))) if names else []
