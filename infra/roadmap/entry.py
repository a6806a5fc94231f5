"""The door between waves: asked before a run brings anything of a new one."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from pathlib import Path

from infra.errors import Exit, HanoiError, Problem, error
from infra.model.gates import carried
from infra.resources import Plan
from infra.roadmap.gates import closed
from infra.state import Gates, Waves
from infra.state.waves import Despite, moment


def enter(plan: Plan, state: Path, despite: str, say: Callable[[str], object]) -> None:
    """Let the run begin, or refuse it; what begins is recorded. Call with the lock held.

    despite: why a gate that does not pass is passed by, "" to honour it; kept in the state.
    Raises HanoiError HN-D030 (REFUSED), one problem a gate, and HN-D003.
    """
    order = [w.id for w in plan.waves]
    waves, results = Waves(state), Gates(state).all()
    known = waves.read(order)
    shut = closed(plan.waves, known.entered, results, known.changed, carried())
    fresh = [w for w in order if w not in known.entered]
    if shut and not despite:
        raise HanoiError(
            [
                Problem(
                    f"wave {fresh[0]}",
                    "HN-D030",
                    f"the gate {gate.name} of the wave {wave}, which is deployed, does not pass: "
                    f"{gate.why}",
                    f"{gate.shown_by} shows it now; to go on knowingly: hanoi deploy "
                    '--despite-gates "REASON", which is kept on record',
                )
                for wave, gate in shut
            ],
            Exit.REFUSED,
        )
    note = None
    if shut:
        names = tuple(gate.name for _, gate in shut)
        note = Despite(moment(), _who(), tuple(fresh), names, despite)
        say(f"gates passed by: {', '.join(names)} ({despite})")
    waves.enter(order, order, note)


def reason(text: str | None) -> str:
    """The reason given on the command line. Raises HN-D031 for an empty one."""
    if text is None:
        return ""
    if not text.strip():
        raise error(
            "HN-D031",
            "--despite-gates",
            "the reason is empty",
            "write why the wave may begin while a gate does not pass",
            Exit.USAGE,
        )
    return " ".join(text.split())


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
