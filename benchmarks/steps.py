"""Started by the benchmark in a process of its own: a no-op deploy that says where its time goes.

Runs `hanoi deploy --no-verify --json --quiet` with a stop-watch around its parts and prints one
JSON object: the parts' seconds in the order they began, and the deploy's own answer.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGAN = time.monotonic()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

parts: dict[str, float] = {}
_guard = threading.Lock()


def timed(owner: Any, name: str, label: str) -> None:
    """Replace owner.name by the same, timed. Parts must not contain one another, except those
    whose label starts with a dot (a part of the part before it)."""
    inner: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(inner)
    def outer(*args: Any, **named: Any) -> Any:
        start = time.monotonic()
        try:
            return inner(*args, **named)
        finally:
            with _guard:
                parts[label] = parts.get(label, 0.0) + time.monotonic() - start

    setattr(owner, name, outer)


def main() -> int:
    import cli
    from infra import (
        configure,
        containers,
        deploy,
        engine,
        model,
        plan,
        rollout,
        runtime,
        ssh,
        supply,
    )
    from infra.secrets import Secrets
    from infra.state import Journal, Lock

    parts["imports"] = time.monotonic() - BEGAN
    timed(model, "load", "model: load")
    timed(plan, "plan", "plan")
    timed(engine, "ensure", "engine: ensure")
    timed(Lock, "acquire", "lock: local")
    timed(Secrets, "open", "secrets: open")
    timed(Secrets, "ensure", "secrets: ensure")
    timed(ssh.open, "connect", "ssh: connect")
    timed(Lock, "hold", "lock: on the hosts")
    timed(deploy.Deployment, "look", "look at the hosts (with resolving secrets)")
    timed(deploy.facts, "look", ". of it: the hosts' answers")
    timed(configure, "configure_host", "configure: hosts")
    timed(supply, "provide_images", "images: tags and digests")
    timed(rollout, "bring_up_containers", "containers")
    timed(containers.Stacks, "up", ". of it: Stacks.up")
    timed(containers.Stacks, "_stack", ". stack select, forward, import pulumi (sum of threads)")
    _time_pulumi()
    timed(configure, "run_actions", "configure: actions")
    timed(runtime, "apply_runtime", "runtime: look")
    timed(Journal, "step", "journal")
    timed(Lock, "release", "lock: release")
    timed(ssh.Connection, "close", "ssh: close")
    out = io.StringIO()
    sys.argv = ["hanoi", "deploy", "--no-verify", "--json", "--quiet"]
    code: Any = 0
    with contextlib.redirect_stdout(out):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    parts["whole, in the process"] = time.monotonic() - BEGAN
    print(json.dumps({"parts": parts, "answer": json.loads(out.getvalue() or "{}")}))
    return int(code or 0)


def _time_pulumi() -> None:
    """Each command of Pulumi by its first word, summed over the threads."""
    from infra import containers

    made = containers.Stacks._command

    def command(self: Any) -> Any:
        found = made(self)
        inner = found.run

        def run(args: list[str], *more: Any, **named: Any) -> Any:
            start = time.monotonic()
            try:
                return inner(args, *more, **named)
            finally:
                label = f". pulumi {' '.join(args[:2] if args[0] == 'stack' else args[:1])}"
                with _guard:
                    key = f"{label} (sum of threads)"
                    parts[key] = parts.get(key, 0.0) + time.monotonic() - start

        found.run = run
        return found

    containers.Stacks._command = command  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
