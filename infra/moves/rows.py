"""What a move does about an application's rows: they follow into a second database, or stay in the
one that both places share and only whose turn it is changes.

Everything here may be done again after an interruption.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from infra.errors import error
from infra.moves import compare, sql
from infra.moves.ends import End
from infra.moves.record import Move
from infra.moves.stores import Store, refuse_serving
from infra.placement import Place

SYNC_SECONDS = 30  # the rest must follow within this time, or users get their old place back
SLOW_TELL = 5.0  # seconds between two lines about a long copy
NEAR = 2**20  # bytes behind at which the pause can begin: far less than a second's work

Say = Callable[[str], None]


class Again(Exception):
    """The copy cannot be continued, so it begins anew; args: why."""


class Rows(Protocol):
    """The rows of a move, from its source to its target."""

    def prepare(self) -> None:
        """What the target needs before anything is copied."""

    def copy(self) -> None:
        """All rows, while users work. Raises Again."""

    def follow(self) -> None:
        """Until the target is nearly level. Raises Again."""

    def fence(self) -> None:
        """The application works at the source no more."""

    def sync(self) -> None:
        """The last changes. Raises Again."""

    def differences(self) -> list[str]:
        """What differs between both copies, in words."""

    def turn(self) -> None:
        """From now on the source follows the target."""

    def admit(self, *, moved: bool) -> None:
        """The application may work at the target if the move is done, else at the source."""

    def unlink(self) -> None:
        """Neither end follows the other any more."""

    def remove(self) -> None:
        """The target's own rows go for good, unless they are the source's too."""


def follow_no_more(end: End, move: Move) -> None:
    """The end's database follows the other one no more, which is not asked."""
    if end.value(sql.subscription(move.link), move.database) == "1":
        end.sql(sql.unsubscribe(move.link), move.database)


def be_followed_no_more(end: End, move: Move) -> None:
    """The end's database is followed by the other one no more."""
    end.sql(sql.drop_slot(move.link))
    end.sql(sql.unpublish(move.link), move.database)


@dataclass
class TwoDatabases:
    """By logical replication. Only the database that serves lets the application in. serving: where
    users' rows are now."""

    move: Move
    source: End
    target: End
    say: Say
    serving: Callable[[], Place]

    def prepare(self) -> None:
        move = self.move
        refuse_serving(f"database {move.database}", self.target.place, self.serving())
        unusable = self.source.sql(sql.not_replicated(), move.database)
        if unusable:
            raise error(
                "HN-T003",
                move.name,
                f"tables that replication leaves out: {', '.join(unusable[:5])}",
                "make them ordinary tables (ALTER TABLE … SET LOGGED) or drop them, then run again",
            )
        self.say(f"{move.name}: the structure of {move.database} to {move.target}")
        self.unlink()
        self.target.sql(sql.drop_slot(move.link))  # of a host that comes back after it was given up
        self.target.sql(sql.empty_database(move.database))
        structure = self.source.dump(
            move.database, "--schema-only", "--no-publications", "--no-subscriptions"
        )
        self.target.restore(move.database, structure)

    def copy(self) -> None:
        move = self.move
        if self.target.value(sql.subscription(move.link), move.database) != "1":
            self.source.sql(sql.drop_slot(move.link))
            self.source.sql(sql.publish(move.link, move.database), move.database)
            words = self.source.words(move.database, self.target)
            self.target.sql(sql.subscribe(move.link, words, with_rows=True), move.database)
        told = 0.0
        while True:
            self._behind()
            left = self.target.value(sql.tables_left(move.link), move.database).split()
            if left and left[0] == "0" and left[1] != "0":
                break
            if time.monotonic() - told > SLOW_TELL:
                told = time.monotonic()
                self.say(f"{move.name}: copying rows, {' of '.join(left) or 'all'} tables left")
            time.sleep(0.5)

    def follow(self) -> None:
        told = 0.0
        while (distance := self._behind()) > NEAR:
            if time.monotonic() - told > SLOW_TELL:
                told = time.monotonic()
                self.say(f"{self.move.name}: {distance} bytes behind")
            time.sleep(0.5)

    def fence(self) -> None:
        self.source.sql(sql.fence(self.move.database))

    def sync(self) -> None:
        """What replication does not carry goes last."""
        move = self.move
        position = self.source.sql(sql.position(), move.database)[0]
        end = time.monotonic() + SYNC_SECONDS
        while self.source.value(sql.confirmed(move.link, position)) != "t":
            self._behind()
            if time.monotonic() > end:
                raise error(
                    "HN-T004",
                    move.name,
                    f"the last changes did not follow within {SYNC_SECONDS} s; users are back at"
                    f" {move.source}",
                    "run the same command again; when it repeats, look at the load of both places",
                )
            time.sleep(0.1)
        statements = self.source.sql(sql.sequences(), move.database)
        self.target.sql("\n".join(statements), move.database)
        compare.large_objects_along(self.source, self.target, move.database)

    def differences(self) -> list[str]:
        return compare.differences(self.source, self.target, self.move.database)

    def turn(self) -> None:
        move = self.move
        follow_no_more(self.target, move)
        be_followed_no_more(self.source, move)
        self.target.sql(sql.publish(move.link, move.database), move.database)
        if self.source.value(sql.subscription(move.link), move.database) != "1":
            self.target.sql(sql.drop_slot(move.link))
            words = self.target.words(move.database, self.source)
            self.source.sql(sql.subscribe(move.link, words, with_rows=False), move.database)

    def admit(self, *, moved: bool) -> None:
        end = self.target if moved else self.source
        end.sql(sql.admit(self.move.database))

    def unlink(self) -> None:
        move = self.move
        if self.target.value(sql.exists(move.database)) == "1":
            follow_no_more(self.target, move)
        be_followed_no_more(self.source, move)

    def remove(self) -> None:
        refuse_serving(f"database {self.move.database}", self.target.place, self.serving())
        self.unlink()
        name = sql.ident(self.move.database)
        self.target.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")
        self.target.sql(f"DROP ROLE IF EXISTS {name};")

    def _behind(self) -> int:
        """Bytes that the target is behind. Raises Again where the source has forgotten what the
        target still needs: its leader was lost, or too much was written meanwhile."""
        answer = self.source.value(sql.behind(self.move.link)).split()
        if not answer or answer[1] in ("lost", "unreserved"):
            raise Again("the first place no longer keeps what the second still needs")
        return int(float(answer[0]))


@dataclass
class OneDatabase:
    """Both places have the cluster's: rows stay, and no login tells the two instances apart. Whose
    turn it is is in their own files (Data.turn_files) as the plan has them: while users wait, both
    are told to, so that the one that worked is told before the other may.

    home: records where it is, with users who wait no longer; tell: brings the turn files of a place
    to the plan of the homes that are recorded.
    """

    source: Store
    target: Store
    home: Callable[[bool], None]
    tell: Callable[[Store], None]

    def fence(self) -> None:
        self.tell(self.source)

    def admit(self, *, moved: bool) -> None:
        """The other one has been told to wait: the target since it was made, the source by
        fence(). So its host is not needed, and users get back what works when it is lost."""
        self.home(moved)
        self.tell(self.target if moved else self.source)

    def differences(self) -> list[str]:
        return []

    def _nothing(self) -> None:
        """There is one database, which nothing is to be done about, least of all its removal."""

    prepare = copy = follow = sync = turn = unlink = remove = _nothing
