"""Errors an operator can act on.

Every error says where, what is wrong and what to do next, and has a stable code.
The codes are explained in docs/errors.md; a test holds the two against each other.

Code families: HN-A configure (Ansible), HN-C connection to a host, HN-D deploy, HN-E engine
(Pulumi), HN-I images, HN-L lab, HN-M model, HN-N sign-on, HN-P plan, HN-R review (diff, plan,
drift, CI), HN-S secrets, HN-T moves (transfer of data), HN-U hanoi unit, HN-V verify, HN-X
environment and the unforeseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command (docs/exit-codes.md)."""

    OK = 0
    FINDINGS = 1  # the command worked and found something wrong: check, verify, diff
    USAGE = 2  # click's own code for a wrong call
    ENVIRONMENT = 3  # a prerequisite is missing or unsuitable
    REFUSED = 4  # safe refusal: lock held, identity unexpected, answer was no
    FAILED = 5  # a step failed; the site serves what it served before; re-run continues
    UNREACHABLE = 6  # a host or service could not be reached
    INTERRUPTED = 130


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    where: file:line, host, or the command's part; what: the fact; remedy: what to do next.
    """

    where: str
    code: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.code}: {self.what}\n    {self.remedy}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class HanoiError(Exception):
    """One or more problems, raised together so that an operator sees all of them at once."""

    def __init__(self, problems: Problem | Iterable[Problem], exit_code: Exit = Exit.FAILED):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(str(p) for p in self.problems))


def error(
    code: str, where: str, what: str, remedy: str, exit_code: Exit = Exit.FAILED
) -> HanoiError:
    """Shorthand for the error with a single problem."""
    return HanoiError(Problem(where, code, what, remedy), exit_code)
