"""A unit's choice for an application: its mode, and where its instance stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.model.schema import Central, SelfHosted, Unit
from infra.units.draft import Draft, Wish, open_unit, place, refused
from infra.units.files import Description

_BELONGS = {
    "central": {"host"},
    "self-hosted": {"host", "directory", "at", "keep"},
    "external": {"endpoint"},
}
_OPTIONS = {"directory": "--backup"}


@dataclass(frozen=True)
class Mode:
    """What `set-mode` was told: the mode, and what was said of it (None: nothing)."""

    mode: str
    host: str | None = None
    directory: str | None = None
    at: str | None = None
    keep: int | None = None
    endpoint: str | None = None


def set_mode(before: Description, unit_id: str, app: str, mode: Mode) -> Wish:
    """The unit's choice for an application, new or another.

    What stays of the same mode (host, backup) and is not named stays as it is. Raises HN-U001,
    HN-U002, HN-U005, HN-U006.
    """
    unit = open_unit(before, unit_id)
    _fits(before, unit, app, mode)
    draft = Draft(before)
    choice = _choice(before, unit, app, mode)
    draft.put(unit.id, ("applications", app), choice)
    for other, backup in _others_on(unit, app, choice.get("host")):
        if choice.get("backup", backup) != backup:
            draft.put(unit.id, ("applications", other, "backup"), choice["backup"])
            draft.said.append(
                f"the backup of {other} is the same now: it is of the host's database"
            )
    return draft.wish()


def move_instance(before: Description, unit_id: str, app: str, host: str) -> Wish:
    """The host of one application's instance. Raises HN-U001, HN-U002, HN-U013."""
    unit = open_unit(before, unit_id)
    chosen(before, unit, app)
    draft = Draft(before)
    order = ("mode", "host", "backup")
    if not isinstance(unit.applications[app], Central | SelfHosted):
        what = f"{app} is the unit's own system; the toolkit runs no instance of it"
        remedy = f"choose first: hanoi unit set-mode {unit.id} {app} central"
        raise refused("HN-U013", place(before, unit.id, ("applications", app)), what, remedy)
    draft.put(unit.id, ("applications", app, "host"), host, order)
    return draft.wish()


def move_home(before: Description, unit_id: str, site: str) -> Wish:
    """The site where the unit sits. Raises HN-U001, HN-U002."""
    unit = open_unit(before, unit_id)
    draft = Draft(before)
    draft.put(unit.id, ("home",), site)
    return draft.wish()


def chosen(before: Description, unit: Unit, app: str) -> None:
    """Raises HN-U013 where the unit has made no choice for the application."""
    if app not in unit.applications:
        has = ", ".join(unit.applications) or "none"
        what = f'the unit {unit.id} has made no choice for "{app}"'
        remedy = f"its applications: {has}; `hanoi unit set-mode` adds one"
        raise refused("HN-U013", place(before, unit.id, ("applications",)), what, remedy)


def _fits(before: Description, unit: Unit, app: str, mode: Mode) -> None:
    given = [k for k in ("host", "directory", "at", "keep", "endpoint") if getattr(mode, k)]
    for key in given:
        if key not in _BELONGS[mode.mode]:
            option = _OPTIONS.get(key, f"--{key}")
            what = f"{option} means nothing where an application is {mode.mode}"
            remedy = f"leave {option} out, or choose another mode"
            at = place(before, unit.id, ("applications", app))
            raise refused("HN-U005", at, what, remedy)
    known = unit.applications.get(app)
    if mode.mode == "external" and not mode.endpoint and getattr(known, "endpoint", None) is None:
        what, remedy = "the address of the unit's own system is missing", "add --endpoint URL"
        raise refused("HN-U005", place(before, unit.id, ("applications", app)), what, remedy)
    stated = getattr(known, "backup", None) or _others_on(unit, app, _host(unit, known, mode))
    if (mode.at or mode.keep) and not mode.directory and not stated:
        what = "--at and --keep say when and how many, and nothing says where"
        remedy = "add --backup DIR, a directory of the unit's host"
        raise refused("HN-U005", place(before, unit.id, ("applications", app)), what, remedy)


def _host(unit: Unit, known: object, mode: Mode) -> str | None:
    """The host that a self-hosted choice is about, as far as it can be told."""
    only = unit.hosts[0].id if len(unit.hosts) == 1 else None
    return mode.host or getattr(known, "host", None) or only


def _choice(before: Description, unit: Unit, app: str, mode: Mode) -> dict[str, Any]:
    known = unit.applications.get(app)
    same = known is not None and known.mode == mode.mode
    there = known.model_dump(mode="json", exclude_unset=True) if known and same else {}
    found: dict[str, Any] = {**there, "mode": mode.mode}
    if mode.endpoint:
        found["endpoint"] = mode.endpoint
    if mode.mode == "self-hosted":
        found["host"] = mode.host or found.get("host") or _only_host(before, unit, app)
    elif mode.host:
        found["host"] = mode.host
    told = {"directory": mode.directory, "at": mode.at, "keep": mode.keep}
    there_too = _others_on(unit, app, found.get("host")) if mode.mode == "self-hosted" else []
    kept = found.get("backup") or next((b for _, b in there_too), {})
    backup = {**kept, **{k: v for k, v in told.items() if v is not None}}
    if backup:
        found["backup"] = backup
    return found


def _others_on(unit: Unit, app: str, host: str | None) -> list[tuple[str, dict[str, Any]]]:
    """The backups of the unit's other applications on one of its hosts, as they are written."""
    return [
        (name, c.backup.model_dump(mode="json", exclude_unset=True))
        for name, c in unit.applications.items()
        if name != app and isinstance(c, SelfHosted) and c.host == host and c.backup
    ]


def _only_host(before: Description, unit: Unit, app: str) -> str:
    if len(unit.hosts) == 1:
        return unit.hosts[0].id
    at = place(before, unit.id, ("hosts",))
    if not unit.hosts:
        what = f"the unit {unit.id} has no host of its own to run {app} on"
        remedy = f"describe one below hosts: in units/{unit.id}.yaml, or choose central"
        raise refused("HN-U006", at, what, remedy)
    names = ", ".join(h.id for h in unit.hosts)
    what = f"the unit {unit.id} has several hosts, and none was named"
    raise refused("HN-U006", at, what, f"add --host with one of: {names}")
