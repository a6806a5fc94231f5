"""A unit that is new, and one that is named otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.model.schema import Central, Unit
from infra.units import waves
from infra.units.draft import Draft, Wish, free_id, known_unit, open_unit
from infra.units.files import Description


@dataclass(frozen=True)
class Names:
    """What a unit is called (None: not said)."""

    vi: str | None = None
    en: str | None = None
    label: str | None = None


def add(before: Description, unit_id: str, names: Names, home: str, like: str | None) -> Wish:
    """A new unit. like: a unit whose central choices it has too, and whose waves it joins.

    Raises HN-U001 to HN-U003.
    """
    free_id(before, unit_id)
    pattern = open_unit(before, like) if like else None
    draft = Draft(before)
    apps = _central(pattern) if pattern else []
    draft.create(unit_id, described(names, home, central(apps)))
    if pattern:
        waves.join_beside(draft, pattern.id, unit_id, apps)
        own = [a for a in pattern.applications if a not in apps]
        if own:
            draft.said.append(
                f"{pattern.id} runs {', '.join(own)} itself or elsewhere; {unit_id} has no choice"
                f" for it yet: `hanoi unit set-mode {unit_id} APP MODE`"
            )
    return draft.wish()


def described(names: Names, home: str, applications: dict[str, Any]) -> dict[str, Any]:
    """The first keys of a new unit's file."""
    name = {"vi": names.vi, "en": names.en}
    return {"name": name, "home": home, "label": names.label, "applications": applications}


def rename(before: Description, unit_id: str, names: Names) -> Wish:
    """Other names, another label; the old label stays in former_labels, so that its host names
    lead to the new ones. Raises HN-U001, HN-U002 (of a closed unit only its names may change)."""
    unit = open_unit(before, unit_id) if names.label else known_unit(before, unit_id)
    draft = Draft(before)
    for key, value in (("vi", names.vi), ("en", names.en)):
        if value:
            draft.put(unit.id, ("name", key), value)
    if names.label and names.label != unit.host_label:
        _label(draft, unit, names.label)
    return draft.wish()


def _label(draft: Draft, unit: Unit, label: str) -> None:
    if label in unit.former_labels:  # the unit is called as before
        left = [x for x in unit.former_labels if x != label]
        if left:
            draft.put(unit.id, ("former_labels",), left)
        else:
            draft.remove(unit.id, "former_labels")
    else:
        left = list(unit.former_labels)
    draft.extend(unit.id, "former_labels", left, [unit.host_label])
    if label == unit.id:
        draft.remove(unit.id, "label")
    else:
        draft.put(unit.id, ("label",), label)


def central(apps: Iterable[str]) -> dict[str, dict[str, str]]:
    """The central choice for each application."""
    return {app: {"mode": "central"} for app in apps}


def _central(unit: Unit) -> list[str]:
    return [a for a, choice in unit.applications.items() if isinstance(choice, Central)]
