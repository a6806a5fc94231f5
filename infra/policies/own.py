"""A ministry's own policies: `policies/*.py` beside its model, read from a revision.

They are code under review. They run after the shipped ones, in a child process that can only
hand back findings: a change cannot take back what another policy says of it. Those of the
earlier side apply too, so that a change cannot switch off the policy that refuses it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

from infra.diff.side import Side
from infra.errors import HanoiError, error
from infra.policies import Policy, collecting, judged
from infra.report.content import Change, Finding

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SECONDS = 60


class Unusable(Exception):
    """args: the file (and line), what went wrong."""


def findings(
    directory: Path, shown: str, before: Side, after: Side, changes: Sequence[Change]
) -> list[Finding]:
    """What the policies of a directory find. shown: the directory, for messages.

    Raises Unusable when a file cannot be loaded or one of its policies fails.
    """
    import multiprocessing  # most ministries have no policies of their own

    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sending, directory, before, after, changes))
    child.start()
    sending.close()
    try:
        told = receiving.recv() if receiving.poll(SECONDS) else None
    except EOFError:
        raise Unusable(shown, "they ended the process they run in") from None
    finally:
        child.kill()
        child.join()
    if told is None:
        raise Unusable(shown, f"they did not end within {SECONDS} s")
    place, words, found = told
    if words:
        raise Unusable(f"{shown}/{place}", words)
    return [Finding(*(str(part) for part in f)) for f in found]  # type: ignore[arg-type]


def _child(
    sending: Connection, directory: Path, before: Side, after: Side, changes: Sequence[Change]
) -> None:
    """In the child: load, judge, tell. What a policy prints is kept out of the report."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        loaded = _load(directory)
        sending.send(("", "", [astuple(f) for f in judged(loaded, before, after, changes)]))
    except BaseException as failure:
        sending.send((_place(failure, directory), f"{type(failure).__name__}: {failure}"[:300], []))
    finally:
        sending.close()
        os._exit(0)


def _load(directory: Path) -> tuple[Policy, ...]:
    """Every file's registered policies; a name that begins with _ is a helper's."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(directory))
    with collecting() as table:
        for file in sorted(directory.glob("[!_.]*.py")):
            spec = importlib.util.spec_from_file_location(f"hanoi_policies_{file.stem}", file)
            assert spec and spec.loader
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return tuple(table[i] for i in sorted(table))


def _place(failure: BaseException, directory: Path) -> str:
    """file:line of the policy in which it failed."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return f"{Path(failure.filename).name}:{failure.lineno}"
    frames = [f for f in traceback.extract_tb(failure.__traceback__)
              if Path(f.filename).parent == directory]  # fmt: skip
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def unusable(failure: Unusable) -> HanoiError:
    """The later side's policies do not work: nothing can be said of the change."""
    place, words = failure.args
    return error(
        "HN-R010",
        place,
        f"the policy does not work: {words}",
        "correct it; docs/review.md shows one",
    )


def of_base(failure: Unusable) -> Finding:
    """The earlier side's do not: a change that mends them must be possible, not unseen."""
    place, words = failure.args
    return Finding(
        "policy-unusable",
        "danger",
        place,
        f"the policy does not work: {words}",
        "what it would have refused is not refused",
        "merge the correction of the policy by itself, then look at this change again",
    )
