"""What a command of `hanoi unit` says when it has written: the files, what follows, what next."""

from __future__ import annotations

from infra.model.schema import Model
from infra.units.draft import Wish
from infra.units.files import Description
from infra.units.follow import consequences

NEXT = (
    ("hanoi diff HEAD", "the whole change of the working tree, as a reviewer sees it"),
    ("git diff", "what is written; commit it and have it reviewed"),
    ("hanoi plan", "once it is merged: what a deploy would change at the sites"),
    ("hanoi deploy", "bring the sites to it"),
)
MOVES = ("hanoi move status", "how far the data is, while it moves and after")
RECORDS = ("hanoi records show", "who and what would come along, and what stands against it")


def outcome(before: Description, wish: Wish, after: Model) -> str:
    """The text for a terminal."""
    if not wish.texts:
        return "the description says so already; nothing was written"
    blocks = [[f"written: {before.shown}/{path}" for path in sorted(wish.texts)]]
    follows = consequences(before.model, after)
    if follows:
        width = max(len(name) for name, _ in follows)
        lines = [f"  {name.ljust(width)}  {text}" for name, text in follows]
        blocks.append(["What follows when it is deployed:", *lines])
    else:
        blocks.append(["Nothing follows for what runs."])
    if wish.said:
        blocks.append(["To know:", *(f"  {text}" for text in wish.said)])
    moves = any(name == "data" and "has to move" in text for name, text in follows)
    following = (*NEXT, MOVES) if moves else NEXT
    if any(u.records and u not in before.model.units for u in after.units):
        following = (*following, RECORDS)
    width = max(len(command) for command, _ in following)
    steps = [f"  {command.ljust(width)}  {text}" for command, text in following]
    blocks.append(["No host was contacted. Next:", *steps])
    return "\n\n".join("\n".join(block) for block in blocks)
