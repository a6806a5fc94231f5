"""A deploy that changes nothing, beside raw Pulumi, Ansible and pyinfra, in one run.

    python benchmarks/deploy.py [--runs N] [--json]

Needs three deployed sites with nothing left to do (refused otherwise) and changes nothing on them.
Times are wall clock in seconds of whole commands, each in a new process, taken in turn; the table
has the median. What is compared, and what is fair about it: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import rivals  # noqa: E402
from benchmarks.quiet import alone, others, say, wait_until_quiet  # noqa: E402
from infra import engine, facts, inventory, paths, runtime, ssh, supply  # noqa: E402
from infra import stack as program  # noqa: E402
from infra.deploy import PASSPHRASE  # noqa: E402
from infra.errors import HanoiError  # noqa: E402
from infra.model import load  # noqa: E402
from infra.plan import plan as make_plan  # noqa: E402
from infra.resources import Plan  # noqa: E402
from infra.secrets import Secrets  # noqa: E402
from infra.ssh import Connection  # noqa: E402
from infra.state import Left, Lock  # noqa: E402

HANOI = [sys.executable, str(ROOT / "cli.py")]

DEPLOY = "hanoi deploy --no-verify"
DEPLOY_WARM = "hanoi deploy --no-verify, connections open"
RAW = "raw pulumi up, three stacks"
RAW_COMMAND = "raw pulumi up, the command alone"
CONFIGURE = "hanoi configure"
ANSIBLE = "ansible-playbook"
PYINFRA = "pyinfra"
LOOK = "our look at the hosts alone"
RUNTIME = "our look at roles, databases, one-offs alone"


@dataclass
class Bench:
    """What all measurements share. seconds: row of the table → what each run took."""

    plan: Plan
    secrets: Secrets
    connections: dict[str, Connection]
    directory: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)
    steps: list[dict[str, float]] = field(default_factory=list)

    def note(self, row: str, seconds: float) -> None:
        self.seconds.setdefault(row, []).append(seconds)

    def close_shared(self) -> None:
        """The next command logs in anew; what still runs in the old connections goes on."""
        for connection in self.connections.values():
            base = connection.argv()
            argv = [base[0], "-O", "stop", *base[1:]]
            subprocess.run(argv, capture_output=True, check=False, timeout=10)
        rivals.end_ansible_connections(self.directory)

    def resolve(self, text: str) -> str:
        return str(self.secrets.resolve(text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="of each command (default 3)")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error("--runs: at least 1")
    try:
        with alone():
            result = measure(given.runs)
    except HanoiError as failure:
        raise SystemExit("\n".join(map(str, failure.problems))) from None
    print(json.dumps(result, indent=2) if given.as_json else text(result))
    return 0 if all(ratio["met"] for ratio in result["aims"]) else 1


def measure(runs: int) -> dict[str, Any]:
    plan = make_plan(load(paths.sites()))
    hosts = [(h.id, h.address) for h in plan.hosts]
    wait_until_quiet()
    secrets = Secrets.open(paths.secrets())
    with (
        rivals.private_directory() as directory,
        ssh.connected(hosts, plan.ssh_user, plan.ssh_port) as connections,
    ):
        bench = Bench(plan, secrets, connections, directory)
        refuse_unsettled(bench)
        data, partly = {}, []
        for host_id, connection in connections.items():
            data[host_id], some = rivals.host_data(plan, connection, bench.resolve, directory)
            partly += some
        rivals.write(plan, data, connections, directory)
        refuse_changing_rivals(bench)
        for number in range(runs):
            for one in (deploys, raw, configure, ansible, pyinfra, looks):
                say(f"run {number + 1} of {runs}: {one.__name__}")
                undisturbed(bench, one)
        undisturbed(bench, steps)
        bench.close_shared()
    return report(bench, partly, runs)


# --- Nobody else at work, nothing left to do --------------------------------------------------


def undisturbed(bench: Bench, one: Callable[[Bench], None]) -> None:
    """A measurement during which somebody else began to work is taken again, twice at most."""
    for _ in range(3):
        wait_until_quiet()
        refuse_unsettled(bench)
        before = {row: list(values) for row, values in bench.seconds.items()}
        one(bench)
        if not others():
            return
        bench.seconds = before
    raise SystemExit("somebody else keeps working with the hosts; try again later")


def refuse_unsettled(bench: Bench) -> None:
    """Only a deploy that has nothing to do is measured. Reads; changes nothing."""
    tags, problems, kept = supply.tags(bench.plan), [], Left(paths.state())
    left = kept.containers()
    if kept.unsettled():
        problems.append(f"an interrupted deploy of {', '.join(sorted(kept.unsettled()))}")
    for host_id, seen in _look(bench).items():
        if not seen.clean:
            differs = (*seen.packages, *seen.users, *(f.path for f in seen.files), *seen.units)
            problems.append(f"{host_id}: {', '.join((*differs, *seen.due)) or 'bare'}")
        running = {c.name: c.spec for c in seen.containers if c.state == "running"}
        for container in bench.plan.host(host_id).parts.containers:
            wanted = program.spec(bench.plan, container, tags[container.image])
            if running.get(container.name) != wanted:
                problems.append(f"{host_id}: container {container.name}")
        # Others than Pulumi's state knows: a raw `up` would then make them a second time.
        if left.get(host_id) != {c.name: c.id for c in seen.containers}:
            problems.append(f"{host_id}: containers that the last deploy from here did not leave")
    if problems:
        raise SystemExit("`hanoi deploy` has something to do first:\n  " + "\n  ".join(problems))


def refuse_changing_rivals(bench: Bench) -> None:
    """Neither tool may want to change anything: looked at in their own check modes first."""
    argv, environment = rivals.ansible(bench.directory, "--check")
    _ansible_unchanged(_run(argv, environment, bench.directory))
    argv, environment = rivals.pyinfra(bench.directory, "--dry")
    _pyinfra_unchanged(_run(argv, environment, bench.directory))


# --- The measurements ---------------------------------------------------------------------------


def deploys(bench: Bench) -> None:
    bench.close_shared()
    for row in (DEPLOY, DEPLOY_WARM):
        answer = _timed(bench, row, [*HANOI, "deploy", "--no-verify", "--json", "--quiet"])
        _nothing_done(answer)


def configure(bench: Bench) -> None:
    bench.close_shared()
    _nothing_done(_timed(bench, CONFIGURE, [*HANOI, "configure", "--json", "--quiet"]))


def raw(bench: Bench) -> None:
    """The engines' sockets are forwarded before, so that Pulumi's time has no SSH log-in in it.

    Behind the deploy's lock and a look of its own: with a state that is no longer true, a raw
    `up` would change the sites.
    """
    found = engine.ensure(say)
    passphrase = bench.secrets.value(PASSPHRASE.id, "password")
    with Lock("benchmark of raw pulumi up") as lock:
        lock.hold(bench.connections)
        refuse_unsettled(bench)  # opens the shared connections too
        sockets = {h: c.forward_docker() for h, c in bench.connections.items()}
        argv, environment = rivals.raw_pulumi(
            bench.plan, bench.directory, found, sockets, passphrase
        )
        answer = json.loads(_timed(bench, RAW, argv, environment))
    bench.note(RAW_COMMAND, answer["command_seconds"])


def ansible(bench: Bench) -> None:
    bench.close_shared()
    argv, environment = rivals.ansible(bench.directory)
    _ansible_unchanged(_timed(bench, ANSIBLE, argv, environment))


def pyinfra(bench: Bench) -> None:
    argv, environment = rivals.pyinfra(bench.directory, "-y")
    _pyinfra_unchanged(_timed(bench, PYINFRA, argv, environment))


def looks(bench: Bench) -> None:
    """In this process, over connections that are open."""
    ssh.on_each(bench.connections, lambda c: c.run("true"))
    start = time.monotonic()
    _look(bench)
    bench.note(LOOK, time.monotonic() - start)
    start = time.monotonic()
    runtime.apply_runtime(bench.plan, bench.connections, bench.secrets, lambda _: None)
    bench.note(RUNTIME, time.monotonic() - start)


def steps(bench: Bench) -> None:
    bench.close_shared()
    for _ in range(2):  # without and with open connections
        answer = json.loads(_run([sys.executable, str(ROOT / "benchmarks/steps.py")], {}, ROOT))
        bench.steps.append(answer["parts"])


def _look(bench: Bench) -> dict[str, facts.Look]:
    wanted = {h: inventory.desired(bench.plan, h, bench.resolve) for h in bench.connections}
    return facts.look(bench.connections, wanted)


def _timed(
    bench: Bench, row: str, argv: list[str], environment: dict[str, str] | None = None
) -> str:
    start = time.monotonic()
    out = _run(argv, environment or {}, ROOT if argv[:2] == HANOI else bench.directory)
    bench.note(row, time.monotonic() - start)
    return out


def _run(argv: list[str], environment: dict[str, str], directory: Path) -> str:
    done = subprocess.run(
        argv, cwd=directory, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    if done.returncode:
        told = (done.stdout + done.stderr)[-3000:]
        raise SystemExit(f"{Path(argv[0]).name} failed ({done.returncode}):\n{told}")
    return done.stdout + (done.stderr if "pyinfra" in argv[0] else "")


def _nothing_done(answer: str) -> None:
    counts = json.loads(answer)
    if counts["pulumi_changes"] or counts["ansible_changes"]:
        raise SystemExit(f"our own run changed something:\n{answer}")


def _ansible_unchanged(output: str) -> None:
    changed = [int(n) for n in re.findall(r"\bchanged=(\d+)", output)]
    if not changed or any(changed):
        raise SystemExit(f"ansible-playbook would change something:\n{output[-3000:]}")


def _pyinfra_unchanged(output: str) -> None:
    """--dry names the hosts to be changed after their number; a run ends with its totals:
    hosts, changed, failed, unchanged ("-" for none)."""
    planned = re.findall(r"^ +\S.*\s\d+ \(.*\)", output, re.MULTILINE)
    totals = re.search(r"^ +Grand total +(\S+) +(\S+) +(\S+)", output, re.MULTILINE)
    if totals is None and "Detected changes:" not in output:
        raise SystemExit(f"pyinfra's answer was not understood:\n{output[-3000:]}")
    if planned or (totals and totals.groups()[1:] != ("-", "-")):
        raise SystemExit(f"pyinfra would change something:\n{output[-3000:]}")


# --- The report -----------------------------------------------------------------------------------


def report(bench: Bench, partly: list[str], runs: int) -> dict[str, Any]:
    medians = {row: statistics.median(values) for row, values in bench.seconds.items()}

    def aim(what: str, ours: str, theirs: str, most: float, counts: bool = True) -> dict[str, Any]:
        ratio = medians[ours] / medians[theirs]
        return {"aim": what, "ratio": ratio, "most": most, "met": ratio <= most or not counts}

    parts = bench.plan.hosts[0].parts
    return {
        "runs": runs,
        "hosts": len(bench.plan.hosts),
        "first_host": {
            name: len(getattr(parts, name)) for name in ("packages", "users", "files", "units")
        },
        "partly_asked": partly,
        "load": os.getloadavg()[0],
        "seconds": bench.seconds,
        "medians": medians,
        "aims": [
            aim(f"{DEPLOY} / {RAW}", DEPLOY, RAW, 3),
            aim(f"{CONFIGURE} / {PYINFRA}", CONFIGURE, PYINFRA, 1),
        ],
        "also": [
            aim(f"{DEPLOY} / {RAW_COMMAND}", DEPLOY, RAW_COMMAND, 3, counts=False),
            aim(f"{CONFIGURE} / {ANSIBLE}", CONFIGURE, ANSIBLE, 1, counts=False),
        ],
        "steps": bench.steps,
    }


def text(result: dict[str, Any]) -> str:
    counts = ", ".join(f"{n} {name}" for name, n in result["first_host"].items())
    lines = [
        f"{result['hosts']} hosts; the first one has {counts}",
        "",
        "| nothing to change | median s | runs |",
        "|---|---:|---|",
    ]
    for row, values in result["seconds"].items():
        each = ", ".join(f"{v:.2f}" for v in values)
        lines.append(f"| {row} | {result['medians'][row]:.2f} | {each} |")
    lines.append("")
    for ratio in result["aims"]:
        met = "met" if ratio["met"] else "MISSED"
        lines.append(f"{ratio['aim']}: {ratio['ratio']:.2f} (aim: at most {ratio['most']}): {met}")
    lines += [f"{ratio['aim']}: {ratio['ratio']:.2f}" for ratio in result["also"]]
    if result["partly_asked"]:
        lines.append("of Ansible and pyinfra only in part: " + ", ".join(result["partly_asked"]))
    if result["steps"]:
        cold, warm = result["steps"]
        lines += ["", "| our deploy, part | s | s, connections open |", "|---|---:|---:|"]
        lines += [f"| {part} | {s:.2f} | {warm.get(part, 0.0):.2f} |" for part, s in cold.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
