"""Where comments are kept: what a code host offers, whichever it is, and its common errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from infra.errors import Exit, HanoiError, error


@dataclass(frozen=True)
class Comment:
    """author: as `Place.me` names authors."""

    id: int
    author: str
    body: str


class Place(Protocol):
    """The comments of one merge or pull request.

    limit: characters of a comment; where: for messages; run: the number of this pipeline,
    rising from one to the next, 0 when unknown.
    """

    limit: int
    where: str
    run: int

    def me(self) -> str:
        """Who the token writes as, as comments name their author."""

    def comments(self) -> Iterator[Comment]:
        """All of them, the oldest first."""

    def create(self, body: str) -> None: ...

    def update(self, comment: int, body: str) -> bool:
        """False when the comment is gone."""

    def delete(self, comment: int) -> None:
        """Nothing, when it is gone already."""

    def safe(self, text: str) -> str:
        """The text, without what the host would carry out as a command."""


def malformed(variable: str, wanted: str) -> HanoiError:
    return error(
        "HN-R055",
        variable,
        f"is not set as CI sets it: {wanted}",
        "run this in a merge or pull request's job, or name the request with --change",
        Exit.ENVIRONMENT,
    )


def number(value: object, variable: str) -> int:
    """A number that CI gives. Raises HanoiError HN-R055."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", str(value)):
        raise malformed(variable, "a number")
    return int(str(value))


def token_missing(what: str, remedy: str) -> HanoiError:
    return error("HN-R056", "token", what, remedy, Exit.ENVIRONMENT)


def usable_token(secret: str, variable: str) -> str:
    """The token, when it can stand in a header. Raises HanoiError HN-R056, never showing it."""
    if not re.fullmatch(r"[!-~]+", secret):
        raise token_missing(
            f"{variable} holds characters that no token has",
            "set it again: the token alone, on one line",
        )
    return secret
