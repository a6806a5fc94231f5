#!/usr/bin/python3
"""Run the journalled actions among those given; each is struck off only when it succeeded.

An action of a container is moot, and struck off, while the container does not run or when it
has been started since the change. A member of a quorum must pass its gate afterwards.
"""

from __future__ import annotations

import base64
import calendar
import fcntl
import json
import os
import re
import subprocess
import time

DOCUMENTATION = "module: host_actions\nshort_description: what follows changed files\n"

GATE_SECONDS = 180
SHOWN = 600


class Failed(Exception):
    """args: what the operator must know."""


def run_pending(actions, gates, journal):
    """actions: id, argv, container, in order; gates: container → argv of `docker exec`.

    Returns the ids that ran. Raises Failed at the first that does not work. What a killed
    deploy had started here goes on by itself: it is waited for, not done twice.
    """
    if not os.path.isdir(journal):
        return []
    handle = os.open(journal, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return run_locked(actions, gates, journal)
    finally:
        os.close(handle)


def run_locked(actions, gates, journal):
    done, touched = [], []
    for action in actions:
        record = os.path.join(journal, action["id"])
        if not os.path.exists(record):
            continue
        container = action["container"]
        if container and moot(container, os.stat(record).st_mtime):
            os.unlink(record)
            continue
        stamp = os.stat(record).st_mtime_ns
        execute(action)
        # A change made while the action ran stays on record.
        if os.stat(record).st_mtime_ns == stamp:
            os.unlink(record)
        done.append(action["id"])
        if container and container not in touched:
            touched.append(container)
    for container in touched:
        if container in gates:
            wait_for(container, gates[container])
    return done


def execute(action):
    try:
        ran = subprocess.run(
            action["argv"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Failed("action {}: {}".format(action["id"], failure.__class__.__name__)) from None
    if ran.returncode:
        text = " | ".join((ran.stderr + ran.stdout).strip().splitlines()[-6:])[:SHOWN]
        raise Failed("action %s ended with %d: %s" % (action["id"], ran.returncode, text))


def moot(container, since):
    """Whether the container does not run, or was started after `since` (host's clock)."""
    argv = ["docker", "inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", container]
    seen = subprocess.run(argv, capture_output=True, text=True, check=False)
    if seen.returncode:
        if "no such" in seen.stderr.lower():
            return True
        raise Failed(f"the Docker engine gives no answer about {container}")
    running, _, started = seen.stdout.strip().partition(" ")
    return running != "true" or seconds(started) > since


def seconds(stamp):
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z$", stamp)
    if not match:
        return 0.0
    return calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S")) + float(match[2] or 0)


def wait_for(container, gate):
    """Until the gate passes inside the container."""
    end = time.monotonic() + GATE_SECONDS
    argv = ["docker", "exec", container, *gate]
    while True:
        seen = subprocess.run(argv, capture_output=True, text=True, check=False)
        if seen.returncode == 0:
            return
        if time.monotonic() > end:
            text = " | ".join((seen.stderr + seen.stdout).strip().splitlines()[-4:])[:SHOWN]
            raise Failed("%s is not healthy after %d s: %s" % (container, GATE_SECONDS, text))
        time.sleep(1)


def main():
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        {
            "work": {"type": "str", "required": True},  # {"actions", "gates"}, JSON in base64
            "journal": {"type": "str", "required": True},
        }
    )
    work = json.loads(base64.b64decode(module.params["work"]))
    try:
        done = run_pending(work["actions"], work["gates"], module.params["journal"])
    except Failed as failure:
        module.fail_json(msg=str(failure))
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
