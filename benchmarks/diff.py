"""The offline report of a change: the sample, and synthetic ministries of 100 to 10,000 units.

    python -m benchmarks.diff [--rounds N] [--units N ...] [--json]

For each size a repository with one change of a few units is made, and measured: wall clock of
`hanoi diff` as a process (with Python's start), the report's own time in a process of its own,
its peak memory, and PyYAML's C loader over the files of both sides (yaml.load with CSafeLoader,
nothing else): its own time, and as a process that starts Python and reads the files. Medians of
the rounds, in seconds and MB. The repository is packed, as a clone is. Needs git; no lab.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infra import paths

HANOI = Path(sys.executable).with_name("hanoi")
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@mic.example")
CENTRAL, EXTERNAL = "mode: central", "mode: external\n    endpoint: https://{}.example.vn/"
# Documents have an instance for each unit: no three hosts have room for a thousand of them.
MODES = {
    "personnel": (CENTRAL, EXTERNAL, CENTRAL),
    "documents": (EXTERNAL,),
    "online-services": (CENTRAL, CENTRAL, EXTERNAL),
}
REPORT = """
import json, resource, time
began = time.perf_counter()
from infra.diff.review import report
loaded = time.perf_counter()
made = report("main..")
done = time.perf_counter()
print(json.dumps({"seconds": done - loaded, "imports": loaded - began, "changes": len(made.changes),
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
YAML = """
import json, sys, time, yaml
texts = [open(p, encoding="utf-8").read() for p in json.load(sys.stdin)]
began = time.perf_counter()
for text in texts:
    yaml.load(text, Loader=yaml.CSafeLoader)
print(time.perf_counter() - began)
"""


def unit(number: int) -> str:
    """A unit's file, such as the sample has them."""
    choices = "".join(
        f"  {app}:\n    {modes[number % len(modes)].format(f'{app}-{number}')}\n"
        for app, modes in MODES.items()
    )
    return (
        "# The unit is made up.\n"
        f"id: don-vi-{number}\nillustrative: true\nname:\n  vi: Đơn vị số {number}\n"
        f"  en: Unit number {number}\nhome: nguyen-du\nlabel: u{number}\n"
        f"applications:\n{choices}"
    )


def make(place: Path, units: int) -> None:
    """The sample with more units, on main; then a change of three units and a setting."""
    shutil.copytree(paths.REPOSITORY / "sites", place / "sites")
    folder = place / "sites" / "units"
    for number in range(units - len(list(folder.glob("*.yaml")))):
        (folder / f"don-vi-{number}.yaml").write_text(unit(number), "utf-8")
    roadmap = place / "sites" / "roadmap.yaml"
    roadmap.write_text(
        roadmap.read_text("utf-8").replace("current: personnel-pilot", "current: personnel"),
        "utf-8",
    )
    subprocess.run([*GIT, "init", "-q", "-b", "main"], cwd=place, check=True)
    subprocess.run([*GIT, "add", "-A"], cwd=place, check=True)
    subprocess.run([*GIT, "commit", "-qm", "base"], cwd=place, check=True)
    subprocess.run([*GIT, "gc", "-q"], cwd=place, check=True)
    for file in sorted(folder.glob("*.yaml"))[:3]:
        text = file.read_text("utf-8")
        file.write_text(text.replace("vi: ", "vi: Mới ", 1), "utf-8")
    ministry = place / "sites" / "ministry.yaml"
    text = ministry.read_text("utf-8").replace("max_connections: 200", "max_connections: 300")
    ministry.write_text(text, "utf-8")


def program(text: str, place: Path, given: str = "") -> Any:
    """A Python program's JSON, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=place, input=given, text=True, capture_output=True,
        check=True, env={**os.environ, "PYTHONPATH": str(paths.REPOSITORY)},
    )  # fmt: skip
    return json.loads(done.stdout)


def command(place: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [HANOI, "diff", "main", "--format", "json", "-o", place.parent / "report.json"],
        cwd=place, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    return time.perf_counter() - began


def measure(units: int, rounds: int) -> dict[str, float]:
    """Medians for a ministry of that many units."""
    with tempfile.TemporaryDirectory(prefix="hanoi-bench-") as work:
        place = Path(work) / "ministry"
        make(place, units)
        files = [str(p) for p in sorted((place / "sites").rglob("*.yaml"))] * 2
        walls, reports, loads, processes = [], [], [], []
        for _ in range(rounds):
            began = time.perf_counter()
            loads.append(program(YAML, place, json.dumps(files)))
            processes.append(time.perf_counter() - began)
            reports.append(program(REPORT, place))
            walls.append(command(place))
    middle = statistics.median
    return {
        "units": units,
        "changes": reports[0]["changes"],
        "command": middle(walls),
        "report": middle(r["seconds"] for r in reports),
        "memory": middle(r["memory"] for r in reports),
        "yaml": middle(loads),
        "yaml_process": middle(processes),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, nargs="+", default=[25, 100, 1000, 10000])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [measure(n, given.rounds) for n in given.units]
    if given.json:
        print(json.dumps(rows, indent=2))
        return 0
    print("| units | report | C loader | times | hanoi diff | C loader's process | times | MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for r in rows:
        print(
            f"| {r['units']} | {r['report']:.2f} | {r['yaml']:.2f} | {r['report'] / r['yaml']:.1f}"
            f" | {r['command']:.2f} | {r['yaml_process']:.2f}"
            f" | {r['command'] / r['yaml_process']:.1f} | {r['memory']:.0f} |"
        )
    for old, new in itertools.pairwise(rows):
        print(
            f"{new['units'] / old['units']:.0f}× the units: {new['report'] / old['report']:.1f}×"
            f" the time, {new['memory'] / old['memory']:.1f}× the memory"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
