"""The same compliance checks by `hanoi verify` and by plain testinfra, in one run.

    python -m benchmarks.verify [-k EXPR] [--rounds N]

Needs the deployed lab. Every variant runs the same pytest checks through the same testinfra
modules on the same hosts; only the backend differs. Left out by default are the checks whose
probes ask for much at once (ports, TLS, behaviour), because plain testinfra would run such a
probe once per check: what remains is what a testinfra user would write. Times are wall clock
in seconds, the median of the rounds, variants taken in turn.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.verify import Report, verify

ORDINARY = (
    "(test_ssh or test_users or test_firewall or test_time or test_logs or test_kernel"
    " or test_upgrades or test_docker)"
)
VARIANTS = (
    ("testinfra, ssh backend as it comes", "ssh", False),
    ("testinfra, ssh backend with a ControlPath", "ssh-shared", False),
    ("hanoi verify, first session", "agent", True),
    ("hanoi verify, later sessions", "agent", False),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", dest="expression", default=ORDINARY)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    plan = make_plan(load(paths.sites()))
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in VARIANTS}
    reports: dict[str, Report] = {}
    for number in range(given.rounds):
        for name, backend, forget in VARIANTS:
            print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
            if forget:
                (paths.state() / "verify" / "commands.json").unlink(missing_ok=True)
            report = verify(plan, expression=given.expression, backend=backend)
            reports[name] = report
            seconds[name].append(report.seconds)
    outcomes = {
        tuple(sorted((c.id, c.host, c.outcome) for c in r.checks)) for r in reports.values()
    }
    best = statistics.median(seconds[VARIANTS[-1][0]])
    print(f"| {len(report.checks)} checks, {len(plan.hosts)} hosts | seconds | times ours |")
    print("|---|---:|---:|")
    for name, measured in seconds.items():
        middle = statistics.median(measured)
        print(f"| {name} | {middle:.1f} | {middle / best:.1f} |")
    print(f"same outcomes in all variants: {'yes' if len(outcomes) == 1 else 'NO'}")
    return 0 if len(outcomes) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
