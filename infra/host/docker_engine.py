"""Docker engine: Debian's own, reachable by its local socket only.

live-restore lets containers run on while the engine restarts, so a restart is the safe way to
make any setting take effect (log options, the proxy and the driver are not read on reload).
The reload before it matters once: it switches live-restore on in an engine that has been
started without it.

userland-proxy stays on. Without it a container that talks to a published port of its own
host (Patroni to etcd by the host's address) needs the kernel's br_netfilter, or the answer
comes back from an address that was never asked; not every kernel has it. The price is one
small process a published port; connections from other hosts do not pass through it.
"""

from __future__ import annotations

import json

from infra.resources import Action, File, Network, Parts, Unit
from infra.services import HostContext, on_host

SETTINGS = "/etc/docker/daemon.json"
SERVICE = "docker.service"
NETWORK = "hanoi"  # the one bridge network of the toolkit's containers on a host


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    logs = context.model.ministry.logs
    settings = {
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {
            "max-size": str(logs.container_max_size),
            "max-file": str(logs.container_files),
        },
        "storage-driver": "overlay2",
        "userland-proxy": True,
        "shutdown-timeout": 75,  # above the longest stop timeout of a container
    }
    restart = f"systemctl reload-or-restart {SERVICE} && systemctl restart {SERVICE}"
    return Parts(
        # With iptables and the client, which Debian only recommends.
        packages=("docker.io", "docker-cli", "iptables"),
        files=(
            File(
                SETTINGS,
                json.dumps(settings, indent=2) + "\n",
                validate=("/usr/sbin/dockerd", "--validate", "--config-file", "{}"),
                actions=("docker",),
            ),
        ),
        units=(Unit(SERVICE), Unit("docker.socket")),
        actions=(Action("docker", ("/bin/sh", "-c", restart)),),
        networks=(Network(NETWORK, str(context.container_network), context.container_address(1)),),
    )
