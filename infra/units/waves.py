"""What happens to a unit's places on the roadmap when it is joined, followed or closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator

from infra.model.positions import Path
from infra.model.schema import Roadmap
from infra.model.yamltext import parse
from infra.units import edit
from infra.units.draft import ROADMAP, Draft


def join_beside(draft: Draft, beside: str, new: str, apps: Collection[str]) -> None:
    """The new unit enters the lists that name `beside`, for the applications it has."""
    for path, app, units in _lists(draft, {beside}):
        if app in apps and new not in units:
            draft.texts[ROADMAP] = edit.append(draft.text(ROADMAP), path, new)


def follow(draft: Draft, gone: Collection[str], heir: str | None, apps: Collection[str]) -> None:
    """Units go from all lists; the heir stands there instead, for the applications it has.

    A list that nobody is left in goes, and its application with it from that wave.
    """
    for path, app, units in reversed(list(_lists(draft, gone))):
        text = draft.text(ROADMAP)
        joins = heir if heir and app in apps and heir not in units else None
        places = [n for n, u in enumerate(units) if u in gone]
        if joins:
            text = edit.put(text, (*path, places[0]), joins)
            places = places[1:]
        if len(places) == len(units):
            text = edit.remove(text, path[:-1])
            draft.said.append(f"the wave {_wave(draft, path)} brings {app} to nobody any more")
        else:
            for n in reversed(places):
                text = edit.remove(text, (*path, n))
        draft.texts[ROADMAP] = text


def own_by(draft: Draft, gone: Collection[str], heir: str, on: dt.date) -> None:
    """The heir owns the waves of the units that are gone, unless they ended before."""
    for n, wave in enumerate(_roadmap(draft).waves):
        if wave.owner in gone and not (wave.ends and wave.ends < on):
            text = draft.text(ROADMAP)
            draft.texts[ROADMAP] = edit.put(text, ("waves", n, "owner"), heir)


def _lists(draft: Draft, units: Collection[str]) -> Iterator[tuple[Path, str, list[str]]]:
    """(path, application, units) of every list of units that names one of `units`."""
    for n, wave in enumerate(_roadmap(draft).waves):
        for m, entry in enumerate(wave.applications):
            if entry.units != "all" and not set(units).isdisjoint(entry.units):
                path: Path = ("waves", n, "applications", m, "units")
                yield path, entry.app, list(entry.units)


def _roadmap(draft: Draft) -> Roadmap:
    return Roadmap.model_validate(parse(draft.text(ROADMAP)).data)


def _wave(draft: Draft, path: Path) -> str:
    return draft.before.model.roadmap.waves[int(path[1])].id
