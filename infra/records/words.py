"""What operators are told of a transfer."""

from __future__ import annotations

from infra.records.content import KINDS
from infra.records.match import Matched
from infra.records.record import Done
from infra.resources import Transfer

TITLES = {
    "group": ("group", "groups"),
    "party": ("party", "parties"),
    "company": ("company", "companies"),
    "employee": ("employee", "employees"),
    "user": ("user", "users"),
}


def counted(counts: dict[str, int]) -> str:
    """5 users, 5 employees and 7 parties, as one would say it."""
    told = [f"{n} {TITLES[k][n != 1]}" for k in reversed(KINDS) if (n := counts.get(k, 0))]
    return ", ".join(told) or "nothing"


def coming(transfer: Transfer, found: Matched) -> tuple[str, ...]:
    """What would come; of a selection, who by name; and what is the same on both sides."""
    told = [counted(found.coming.counts())]
    if transfer.chosen is not None:
        people = found.coming.of("employee").values()
        parties = found.coming.of("party")
        named = sorted({parties[e["party"]]["name"] for e in people})
        logins = sorted(u["login"] for u in found.coming.of("user").values())
        told.append(f"selected: {', '.join(named) or 'no employee'} (users: {', '.join(logins)})")
    same = sorted(found.coming.of("user")[i]["login"] for i in found.given["user"])
    if same:
        told.append(f"stay as they are in {transfer.target}: {', '.join(same)}")
    return tuple(told)


def brought(transfer: Transfer, done: Done) -> tuple[str, ...]:
    return (f"made in {transfer.target}: {counted(done.made)}; compared, all is there", *done.notes)


def staying(transfer: Transfer, done: Done) -> tuple[str, ...]:
    """What is left to the application's administrators, exactly."""
    others = ", ".join(f"{count} {title}" for title, count in done.stays) or "nothing else"
    told = [f"not carried, left in {transfer.source} for its administrators: {others}"]
    if transfer.closes:
        told.append(
            f"the database of {transfer.source} stays, and nobody logs in to it; when nothing of it"
            f" is needed: hanoi records finish {transfer.source} {transfer.application}"
        )
    else:
        told.append(
            f"those who came are in {transfer.source} too, unchanged: its administrators end their"
            " employment there and deactivate their users"
        )
    return tuple(told)
