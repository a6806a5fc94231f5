"""What a wish changes, gathered: the edited texts, and what a person must know besides."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.errors import Exit, HanoiError, error
from infra.model.explain import nearest_line, where
from infra.model.positions import Path, clip, lines
from infra.model.scalars import ID_PATTERN
from infra.model.schema import Unit
from infra.units import edit
from infra.units.files import Description, Texts

ROADMAP = "roadmap.yaml"
ORDER = (
    "id", "illustrative", "name", "home", "label", "former_labels", "applications", "hosts",
    "operators", "predecessors", "split_from", "records", "closed", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """texts: path → edited text, only of files that change; said: what the commands cannot do, or
    did otherwise than one might expect, in sentences."""

    texts: Texts
    said: tuple[str, ...] = ()


@dataclass
class Draft:
    """Edits on the way to a Wish. Every method works on the text as edited so far."""

    before: Description
    texts: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def wish(self) -> Wish:
        changed = {p: t for p, t in self.texts.items() if t != self.before.texts.get(p)}
        return Wish(changed, tuple(dict.fromkeys(self.said)))

    def text(self, path: str) -> str:
        return self.texts[path] if path in self.texts else self.before.texts[path]

    def put(self, unit: str, path: Path, value: Any, order: Sequence[str] = ORDER) -> None:
        """Sets a value in a unit's file; a new key of the unit stands where the schema has it."""
        self.texts[file(unit)] = edit.put(self.text(file(unit)), path, value, order)

    def remove(self, unit: str, key: str) -> None:
        """Takes a key out of a unit's file, if it is there."""
        if _has(self.text(file(unit)), key):
            self.texts[file(unit)] = edit.remove(self.text(file(unit)), (key,))

    def create(self, unit: str, values: dict[str, Any]) -> None:
        """A new unit's file; values in the order in which they are to stand, None left out."""
        text = f"id: {unit}\n"
        if self.before.has_schemas():
            text = f"# yaml-language-server: $schema=../.schema/unit.schema.json\n{text}"
        for key, value in values.items():
            if value:
                text = edit.put(text, (key,), value, ORDER)
        self.texts[file(unit)] = text

    def extend(self, unit: str, key: str, present: Sequence[str], new: Sequence[str]) -> None:
        """Adds entries to a list of a unit that has `present` in it."""
        added = [n for n in new if n not in present]
        if not present and added:
            self.put(unit, (key,), added)
            return
        for name in added:
            self.texts[file(unit)] = edit.append(self.text(file(unit)), (key,), name)


def _has(text: str, key: str) -> bool:
    return (key,) in lines(text)


def file(unit: str) -> str:
    return f"units/{unit}.yaml"


def place(before: Description, unit: str, path: Path = ()) -> str:
    """A place in a unit's file as messages name it, with its line."""
    known = lines(before.texts[file(unit)])
    return where(f"{before.shown}/{file(unit)}", nearest_line(known, path), path)


def known_unit(before: Description, unit: str) -> Unit:
    """The unit of that id. Raises HN-U001."""
    found = next((u for u in before.model.units if u.id == unit), None)
    if found:
        return found
    ids = [u.id for u in before.model.units]
    close = difflib.get_close_matches(unit, ids, 3, 0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else "`hanoi unit list` names them all"
    raise error("HN-U001", f"{before.shown}/units", f'there is no unit "{unit}"', hint, Exit.USAGE)


def open_unit(before: Description, unit: str) -> Unit:
    """The same, of a unit that is not closed. Raises HN-U001, HN-U002."""
    found = known_unit(before, unit)
    if found.closed is None:
        return found
    heirs = [u.id for u in before.model.units if unit in u.predecessors]
    remedy = f"name the unit that followed it: {', '.join(heirs)}" if heirs else "name an open unit"
    what = f"the unit {unit} closed on {found.closed}"
    raise refused("HN-U002", place(before, unit, ("closed",)), what, remedy)


def free_id(before: Description, unit: str) -> None:
    """Raises HN-U003 where a unit of that id is there already, or it cannot be a file's name."""
    if not re.fullmatch(ID_PATTERN, unit):
        remedy = "write 1 to 31 small letters, digits and hyphens, beginning with a letter"
        raise refused("HN-U003", f"{before.shown}/units", f'"{clip(unit)}" is no id', remedy)
    if any(u.id == unit for u in before.model.units):
        remedy = "choose another id; ids of closed units are not used again"
        raise refused("HN-U003", place(before, unit, ("id",)), f'the id "{unit}" is taken', remedy)


def refused(code: str, at: str, what: str, remedy: str) -> HanoiError:
    """A wish that cannot be: nothing was written."""
    return error(code, at, what, remedy, Exit.REFUSED)
