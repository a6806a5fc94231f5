"""What all commands share, as a shell sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cli


def test_output_that_nobody_reads_is_no_fault(tmp_path: Path) -> None:
    """As of `hanoi unit list | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, cli.__file__, "unit", "list"],
        env={**os.environ, "HANOI_STATE": str(tmp_path / "state")},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert "HN-" not in done.stderr
    assert not (tmp_path / "state" / "crashes").exists()
