"""Plan → the wanted state of each host, and Ansible's inventory.

Projections of the plan: nothing here decides. What a host must look like travels as digests;
contents follow only for the files that differ.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infra.resources import SECRET, File, Plan

if TYPE_CHECKING:
    from infra.ssh import Connection

Resolve = Callable[[str], str]


def desired(plan: Plan, host_id: str, resolve: Resolve) -> dict[str, Any]:
    """The wanted state of one host, ready for JSON: packages, users, units, actions, and files
    as digests of their content with the secrets in it (never the content itself).

    resolve: a reference ("secret://…#…") → the secret.
    """
    parts = plan.host(host_id).parts
    return {
        "packages": list(parts.packages),
        "users": [{**asdict(u), "groups": list(u.groups)} for u in parts.users],
        "units": [asdict(u) for u in parts.units],
        "files": [_described(f, resolve) for f in parts.files],
        "actions": [
            {"id": a.id, "argv": list(a.argv), "container": a.container} for a in parts.actions
        ],
    }


def _described(file: File, resolve: Resolve) -> dict[str, Any]:
    content = _resolved(file, resolve).encode()
    return {
        "path": file.path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "mode": f"{file.mode:04o}",
        "owner": file.owner,
        "group": file.group,
        "validate": list(file.validate),
        "actions": list(file.actions),
    }


def _resolved(file: File, resolve: Resolve) -> str:
    """The content with each reference replaced by what `resolve` gives for it."""
    return SECRET.sub(lambda match: resolve(match[0]), file.content)


def content(plan: Plan, host_id: str, files: Collection[str], resolve: Resolve) -> dict[str, str]:
    """Path → content with secrets, for the named files of the host."""
    found = plan.host(host_id).parts.files
    return {f.path: _resolved(f, resolve) for f in found if f.path in files}


def with_secrets(plan: Plan, host_id: str) -> frozenset[str]:
    """Paths of the host's files whose content holds a secret other than a public key."""
    files = plan.host(host_id).parts.files
    return frozenset(
        f.path for f in files if any(part in f.content for part in ("#password", "#key"))
    )


def inventory(
    connections: Mapping[str, Connection],
    variables: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Any]:
    """Ansible's inventory of the hosts that have variables, over the connections that are open.

    variables: host id → what its playbook needs, under the one name `hanoi`. groups: group →
    host ids. Whatever is not a plain name must be encoded (see encoded()).
    """
    hosts = {}
    for host_id, values in variables.items():
        connection = connections[host_id]
        hosts[host_id] = {
            "ansible_host": connection.address,
            "ansible_port": connection.port,
            "ansible_user": connection.user,
            "ansible_ssh_control_path": str(connection.control_path),
            "ansible_ssh_args": " ".join(_quoted(o) for o in connection.options()),
            "ansible_become": connection.user != "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "hanoi": dict(values),
        }
    children = {name: {"hosts": dict.fromkeys(ids)} for name, ids in (groups or {}).items()}
    return {"all": {"hosts": hosts, "children": children}}


def encoded(value: Any) -> str:
    """JSON in base64, "" for nothing: Ansible would take a "{{" in a value for a template."""
    return base64.b64encode(json.dumps(value).encode()).decode() if value else ""


def _quoted(option: str) -> str:
    """One word for the shell-like splitting that Ansible does with ssh_args."""
    return "'" + option.replace("'", "'\\''") + "'" if any(c in option for c in " \"'") else option
