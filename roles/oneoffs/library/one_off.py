#!/usr/bin/python3
"""Work done once: asked whether it is done already, done if not, asked again."""

from __future__ import annotations

import base64
import json
import subprocess

DOCUMENTATION = "module: one_off\nshort_description: work done once inside a container\n"

LONGEST = 3600  # seconds
SHOWN = 600


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
    if inside(work["container"], work["probe"])[0] == 0:
        return False, ""
    code, said = inside(work["container"], work["argv"])
    if code:
        return False, "%s ended with %d: %s" % (work["id"], code, said)
    code, said = inside(work["container"], work["probe"])
    if code:
        return True, "{} ran, but its probe still says no: {}".format(work["id"], said)
    return True, ""


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
