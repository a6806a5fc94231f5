"""Sees to it that the cluster's first start does not stall; ends as soon as this member has data.

Patroni's members race for the first start by a key in etcd. When etcd's answer to the one that
got it is lost on a busy disk or network, that one does not know, and all wait for it for ever
(issue 527 of Patroni). A claim that nobody has acted on for a while is taken back here, so that
they race again. Nothing is done once any member has begun, or while one is not there.
"""

import json
import sys
import time
from pathlib import Path

from patroni.config import Config
from patroni.dcs import get_dcs

HERE = Path(sys.path[0])
LOOK_SECONDS = 5
STALLED_SECONDS = 30  # six rounds of Patroni's loop_wait: whoever begins says so in the first
IDLE = ("stopped", "uninitialized")


def stalled(cluster, members):
    """Whether the start is claimed and every member waits for another to make it."""
    idle = {m.name for m in cluster.members if (m.data.get("state"), m.data.get("role")) == IDLE}
    return cluster.initialize == "" and cluster.leader is None and idle >= set(members)


def watch(dcs, members, begun, clock=time.monotonic, wait=time.sleep):
    """Until begun() says that this member has data. Any one member may take the claim back, and
    the first does."""
    since = None
    while not begun():
        wait(LOOK_SECONDS)
        if not stalled(dcs.get_cluster(), members):
            since = None
        elif since is None:
            since = clock()
        elif clock() - since > STALLED_SECONDS:
            print("the first start is claimed, and nobody makes it: taken back", flush=True)
            dcs.cancel_initialization()
            since = None


def main():
    config = Config(str(HERE / "patroni.yaml"), validator=None).copy()
    members = json.loads((HERE / "member.json").read_text(encoding="utf-8"))["members"]
    data = Path(config["postgresql"]["data_dir"])
    if config["name"] != min(members) or data.exists():
        return
    config["patronictl"] = True  # to look only, without a place among the members
    while not data.exists():
        try:
            watch(get_dcs(config), members, data.exists)
        except Exception as fault:  # etcd is not there yet, or not for a moment
            print(f"the first start is not watched: {fault}", flush=True)
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
