#!/usr/bin/python3
"""Work done once: asked whether it is done already, done if not, asked again.

A deploy that is killed leaves the work it began running inside the container. The next one waits
for that and asks again: the same work twice at once would get in its own way.
"""

from __future__ import annotations

import base64
import json
import subprocess

DOCUMENTATION = "module: one_off\nshort_description: work done once inside a container\n"

LONGEST = 3600  # seconds
SHOWN = 600
LOCKS = "/dev/shm"  # a container's own, writable whatever its user, gone when it stops
BUSY = 75  # EX_TEMPFAIL of sysexits.h; no one-off ends with it


def inside(container, argv):
    """Runs argv in the container: exit code and the last lines it said."""
    done = subprocess.run(
        ["docker", "exec", container, *argv],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=LONGEST,
    )
    return done.returncode, " | ".join((done.stdout + done.stderr).strip().splitlines()[-6:])[
        -SHOWN:
    ]


def carry_out(work):
    """Returns (changed, problem)."""
    container, lock = work["container"], "{}/hanoi-{}".format(LOCKS, work["id"])
    while inside(container, work["probe"])[0]:
        code, said = inside(container, ["flock", "-n", "-E", str(BUSY), lock, *work["argv"]])
        if code == BUSY:
            inside(container, ["flock", lock, "true"])
            continue
        if code:
            return False, "%s ended with %d: %s" % (work["id"], code, said)
        code, said = inside(container, work["probe"])
        if code:
            return True, "{} ran, but its probe still says no: {}".format(work["id"], said)
        return True, ""
    return False, ""


def main():
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule({"work": {"type": "str", "required": True}})
    work = json.loads(base64.b64decode(module.params["work"]))
    try:
        changed, problem = carry_out(work)
    except subprocess.TimeoutExpired:
        changed, problem = True, "%s took longer than %d s" % (work["id"], LONGEST)
    if problem:
        module.fail_json(msg=problem)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
