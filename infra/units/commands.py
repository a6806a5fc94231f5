"""hanoi unit: parse, call, print; what is written and why is in the operations."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

import click

from infra import paths
from infra.commandline import json_option, options

if TYPE_CHECKING:
    from infra.units.changes import Names
    from infra.units.draft import Wish
    from infra.units.files import Description

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only print the difference; write nothing."
)
vi_option = click.option("--name-vi", metavar="TEXT", help="The name in Vietnamese.")
en_option = click.option("--name-en", metavar="TEXT", help="The name in English.")
label_option = click.option(
    "--label", metavar="LABEL", help="The unit's part of its host names (default: its id)."
)
on_option = click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day on which it closes, such as 2027-06-30.",
)


def _apply(wish: Callable[[Description], Wish], dry_run: bool) -> None:
    """Make the edits, unless the description would not be sound with them."""
    from infra.units import files, told

    before = files.read(files.own_directory())
    wished = wish(before)
    after = files.checked(before, wished.texts)
    if dry_run:
        click.echo(files.difference(before, wished.texts), nl=False)
        return
    if wished.texts:
        files.write(before, wished.texts)
    click.echo(told.outcome(before, wished, after))


@click.group()
def unit() -> None:
    """The units' choices, and their organisation: edits the description, contacts nothing."""


@unit.command("list")
@options(json_option)
def list_units(as_json: bool) -> None:
    """Every unit with its home and the mode of each application."""
    from infra.model import load
    from infra.units import show

    model = load(paths.sites())
    rows = json.dumps(show.rows(model), indent=2, ensure_ascii=False) if as_json else ""
    click.echo(rows or show.table(model))


@unit.command("show")
@click.argument("unit_id", metavar="UNIT")
@options(json_option)
def show_unit(unit_id: str, as_json: bool) -> None:
    """All that is known of a UNIT: choices, pages, waves, hosts, where it came from."""
    from infra.units import draft, files, show

    before = files.read(paths.sites())
    found, model = draft.known_unit(before, unit_id), before.model
    told = json.dumps(show.one(model, found), indent=2, ensure_ascii=False) if as_json else ""
    click.echo(told or show.lines(model, found))


@unit.command("set-mode")
@click.argument("unit_id", metavar="UNIT")
@click.argument("app")
@click.argument("mode", type=click.Choice(["central", "self-hosted", "external"]))
@click.option("--host", metavar="HOST", help="The host that runs it.")
@click.option("--backup", metavar="DIR", help="Self-hosted: the directory for copies, on the host.")
@click.option("--at", metavar="HH:MM", help="Self-hosted: when it is copied, each night.")
@click.option("--keep", type=click.IntRange(min=1), help="Self-hosted: how many copies are kept.")
@click.option("--endpoint", metavar="URL", help="External: where the unit's own system is.")
@options(dry_run_option)
def set_mode(
    unit_id: str,
    app: str,
    mode: str,
    host: str | None,
    backup: str | None,
    at: str | None,
    keep: int | None,
    endpoint: str | None,
    dry_run: bool,
) -> None:
    """How a UNIT has an application APP: central, self-hosted or external."""
    from infra.units import choices

    told = choices.Mode(mode, host, backup, at, keep, endpoint)
    _apply(lambda d: choices.set_mode(d, unit_id, app, told), dry_run)


@unit.command("add")
@click.argument("unit_id", metavar="ID")
@click.option("--name-vi", required=True, metavar="TEXT", help="The name in Vietnamese.")
@click.option("--name-en", required=True, metavar="TEXT", help="The name in English.")
@click.option("--home", required=True, metavar="SITE", help="The site where the unit sits.")
@click.option("--like", metavar="UNIT", help="Have what UNIT has centrally, in the same waves.")
@options(label_option, dry_run_option)
def add(
    unit_id: str,
    name_vi: str,
    name_en: str,
    home: str,
    like: str | None,
    label: str | None,
    dry_run: bool,
) -> None:
    """A new unit with the id ID, which never changes."""
    from infra.units import changes

    names = _names(name_vi, name_en, label)
    _apply(lambda d: changes.add(d, unit_id, names, home, like), dry_run)


@unit.command("rename")
@click.argument("unit_id", metavar="UNIT")
@options(vi_option, en_option, label_option, dry_run_option)
def rename(
    unit_id: str, name_vi: str | None, name_en: str | None, label: str | None, dry_run: bool
) -> None:
    """Other names or another label of a UNIT; its id stays, old host names lead to the new ones."""
    from infra.units import changes

    if not (name_vi or name_en or label):
        raise click.UsageError("say what changes: --name-vi, --name-en or --label")
    names = _names(name_vi, name_en, label)
    _apply(lambda d: changes.rename(d, unit_id, names), dry_run)


@unit.command("move")
@click.argument("unit_id", metavar="UNIT")
@click.option("--home", metavar="SITE", help="The site where the unit sits from now on.")
@click.option("--app", metavar="APP", help="Move the unit's instance of this application.")
@click.option("--host", metavar="HOST", help="The host that runs the instance from now on.")
@options(dry_run_option)
def move(unit_id: str, home: str | None, app: str | None, host: str | None, dry_run: bool) -> None:
    """A UNIT to another site, or its instance of an application to another host."""
    from infra.units import choices

    if home and not (app or host):
        _apply(lambda d: choices.move_home(d, unit_id, home), dry_run)
    elif app and host and not home:
        _apply(lambda d: choices.move_instance(d, unit_id, app, host), dry_run)
    else:
        raise click.UsageError("say --home SITE, or --app APP with --host HOST")


@unit.command("merge")
@click.argument("units", nargs=-1, required=True, metavar="FROM... INTO")
@click.option("--new", is_flag=True, help="INTO is a new unit, with the names given.")
@click.option("--home", metavar="SITE", help="The new unit's site (default: the first one's).")
@options(vi_option, en_option, label_option, on_option, dry_run_option)
def merge(
    units: tuple[str, ...],
    new: bool,
    home: str | None,
    name_vi: str | None,
    name_en: str | None,
    label: str | None,
    on: dt.datetime | None,
    dry_run: bool,
) -> None:
    """Units FROM... close and go into INTO, whose own choices stay.

    They close on --on DATE, without it today.
    """
    from infra.units import succession

    if len(units) < 2:
        raise click.UsageError("name the units that go, and last the one that they go into")
    if not new and (home or name_vi or name_en or label):
        raise click.UsageError("names, a label and a home are for a new unit: add --new")
    if new and not (name_vi and name_en):
        raise click.UsageError("a new unit needs --name-vi and --name-en")
    made = succession.New(_names(name_vi, name_en, label), home) if new else None
    *gone, into = units
    day = on.date() if on else dt.date.today()
    _apply(lambda d: succession.merge(d, gone, into, day, made), dry_run)


@unit.command("split")
@click.argument("unit_id", metavar="UNIT")
@click.argument("new_id", metavar="NEW")
@click.option("--name-vi", required=True, metavar="TEXT", help="The new unit's Vietnamese name.")
@click.option("--name-en", required=True, metavar="TEXT", help="The new unit's English name.")
@click.option("--home", metavar="SITE", help="The new unit's site (default: UNIT's).")
@click.option(
    "--applications", metavar="APP,...", default="", help="What the new unit has centrally too."
)
@click.option(
    "--carry",
    metavar="WHO,...",
    default="",
    help="Logins, or identifiers as TYPE:CODE, of those whose records come along.",
)
@click.option(
    "--carry-file",
    type=click.File(encoding="utf-8"),
    help="The same from a file, one a line; # begins a comment.",
)
@options(label_option, dry_run_option)
def split(
    unit_id: str,
    new_id: str,
    name_vi: str,
    name_en: str,
    home: str | None,
    applications: str,
    carry: str,
    carry_file: TextIO | None,
    label: str | None,
    dry_run: bool,
) -> None:
    """A NEW unit out of a UNIT, which stays."""
    from infra.units import succession

    new = succession.New(_names(name_vi, name_en, label), home)
    apps = [a.strip() for a in applications.split(",") if a.strip()]
    lines = [line.partition("#")[0] for line in carry_file or ()]
    who = list(dict.fromkeys(w.strip() for w in (*carry.split(","), *lines) if w.strip()))
    _apply(lambda d: succession.split(d, unit_id, new_id, new, apps, who), dry_run)


@unit.command("close")
@click.argument("unit_id", metavar="UNIT")
@click.option("--into", metavar="UNIT", help="The unit that takes over its data and its names.")
@click.option("--without-successor", is_flag=True, help="Nobody takes over its data.")
@options(on_option, dry_run_option)
def close(
    unit_id: str,
    into: str | None,
    without_successor: bool,
    on: dt.datetime | None,
    dry_run: bool,
) -> None:
    """A UNIT ends on --on DATE; its file stays, for its names and records."""
    from infra.units import succession

    if on is None:
        raise click.UsageError("say on which day it closes: --on DATE")
    day = on.date()
    _apply(lambda d: succession.close(d, unit_id, day, into, without_successor), dry_run)


def _names(vi: Any, en: Any, label: str | None) -> Names:
    from infra.units.changes import Names

    return Names(vi, en, label)
