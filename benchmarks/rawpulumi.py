"""Started by the benchmark in a process of its own: raw `pulumi up`, and nothing else.

Argument: a pickled job (see rivals.raw_pulumi). The passphrase comes in the environment. Prints
JSON: what changed, and the seconds of the commands `pulumi up` alone (from the first one's start
to the last one's end), without Python's imports and `stack select`.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from pulumi import automation

from infra import stack as program

SAME = {"same"}


def main() -> int:
    job = pickle.loads(Path(sys.argv[1]).read_bytes())
    logging.getLogger("pulumi").setLevel(logging.ERROR)
    spans: list[tuple[float, float]] = []
    command = _Timed(job["root"], spans)
    hosts = job["plan"].hosts
    with ThreadPoolExecutor(len(hosts)) as pool:
        changes = list(pool.map(lambda host: _up(job, host, command), hosts))
    moved = {k: n for done in changes for k, n in done.items() if k not in SAME and n}
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    print(json.dumps({"changed": moved, "resources": changes, "command_seconds": seconds}))
    return 1 if moved else 0


class _Timed(automation.PulumiCommand):
    def __init__(self, root: str, spans: list[tuple[float, float]]):
        super().__init__(root=root, skip_version_check=True)
        self._spans = spans

    def run(self, args: list[str], *more: Any, **named: Any) -> Any:
        start, is_up = time.monotonic(), args[0] == "up"  # the call puts options before it
        try:
            return super().run(args, *more, **named)
        finally:
            if is_up:
                self._spans.append((start, time.monotonic()))


def _up(job: dict[str, Any], host: Any, command: automation.PulumiCommand) -> dict[str, int]:
    work = Path(job["work"]) / host.id
    work.mkdir(parents=True, exist_ok=True)
    workspace = automation.LocalWorkspace(
        program=lambda: program.declare(job["plan"], host, job["refs"], job["tags"]),
        work_dir=str(work),
        pulumi_command=command,
        env_vars={
            **job["env"],
            "DOCKER_HOST": f"unix://{job['sockets'][host.id]}",
            "PULUMI_CONFIG_PASSPHRASE": os.environ["PULUMI_CONFIG_PASSPHRASE"],
            "PULUMI_BACKEND_URL": job["backend"],
        },
        project_settings=automation.ProjectSettings(
            name=program.PROJECT,
            runtime="python",
            backend=automation.ProjectBackend(url=job["backend"]),
        ),
    )
    stack = automation.Stack.select(host.id, workspace)
    summary = stack.up(color="never", suppress_progress=True).summary
    return dict(summary.resource_changes or {})


if __name__ == "__main__":
    sys.exit(main())
