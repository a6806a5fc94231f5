"""Where each unit's applications stand: what the model wants, and where their data is now.

The model says where a unit's application is to be; its data may still be elsewhere. What is
recorded about that (a Home) goes into the plan beside the model, so that a move under way is
planned, shown, verified and continued like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.model.placement import carrier
from infra.model.schema import App, Central, Choice, Host, Model, SelfHosted, Unit
from infra.resources import Copies, Data, Files


@dataclass(frozen=True, order=True)
class Place:
    """host None: every sites' host that runs applications, with the data in the central cluster.
    A host with own False: that one instance, with its data in the central cluster; with own
    True: a unit's own host with its own database."""

    host: str | None = None
    own: bool = False

    def __str__(self) -> str:
        return f"own/{self.host}" if self.own else f"central/{self.host}" if self.host else CENTRAL

    @classmethod
    def parse(cls, text: str) -> Place:
        """The inverse of str(). Raises ValueError."""
        kind, _, host = text.partition("/")
        if kind not in (CENTRAL, "own") or (kind == "own" and not host):
            raise ValueError(f"{text} is no place")
        return cls(host or None, kind == "own")


CENTRAL = "central"


def one_database(first: Place, second: Place) -> bool:
    """Whether what stands at both places works on the same database: that in the cluster."""
    return not (first.own or second.own)


def movable(data: Data, first: Place, second: Place) -> bool:
    """Whether a move can carry it. Where both places have one database, it has to wait at one of
    them because it was told to."""
    return bool(data.turn_files) or not one_database(first, second)


@dataclass(frozen=True)
class Home:
    """Where a unit's application is. serving: where its users are sent; other: a second place
    that has its data too, being filled by a move or kept after one; paused: users are told to
    wait; copies: place → those of its own database, since the description states them no more once
    it wants another place."""

    serving: Place
    other: Place | None = None
    paused: bool = False
    copies: Mapping[Place, Copies] = field(default_factory=dict, hash=False)


Homes = Mapping[tuple[str, str], Home]  # (application, unit) → its home
Places = Mapping[tuple[str, str], str]  # (application, unit) → where its data is, as Data.place


@dataclass(frozen=True)
class Placement:
    """A unit's application at one place. serving: users are sent here; wanted: the model wants
    it here; moving: there is a second place that has, or is to get, the data too; waits: it must
    not work here, which its database would let it do, as that is the other place's too; copies: of
    the own database here."""

    app: App
    unit: Unit
    place: Place
    serving: bool = True
    wanted: bool = True
    moving: bool = False
    paused: bool = False
    waits: bool = False
    copies: Copies | None = None

    def data(
        self,
        database: str,
        files: tuple[Files, ...] = (),
        background: tuple[str, ...] = (),
        turn_files: tuple[str, ...] = (),
    ) -> Data:
        """What it keeps here, as the plan states it."""
        return Data(
            self.app.id,
            self.unit.id,
            str(self.place),
            self.serving,
            self.wanted,
            self.moving,
            database,
            files,
            background,
            turn_files,
            self.copies,
        )


def wanted(model: Model, app: App, unit: Unit) -> Place | None:
    """Where the model wants it; None where the toolkit runs nothing for the unit."""
    choice = unit.applications.get(app.id)
    if unit.closed or not app.service or choice is None:
        return None
    return _place(model, app, unit, choice)


def _place(model: Model, app: App, unit: Unit, choice: Choice) -> Place | None:
    if isinstance(choice, SelfHosted):
        return Place(choice.host, own=True)
    if not isinstance(choice, Central):
        return None
    if app.serves == "many-units":
        return Place()
    host = carrier(model.sites, unit, choice)
    return Place(host.id if host else None)


def application_hosts(model: Model, site_id: str | None = None) -> tuple[Host, ...]:
    """The sites' (or one site's) hosts that run applications, in order."""
    return tuple(
        h
        for s in model.sites
        if site_id in (None, s.id)
        for h in s.hosts
        if "applications" in h.roles
    )


def placements(model: Model, app: App, unit: Unit, homes: Homes) -> Iterator[Placement]:
    """Every place that has, or is to have, the unit's application.

    Where nothing is recorded yet, the wanted place serves at once. Where the wanted place is
    another than the recorded one, it is planned beside it until the move is over. Where both have
    one database, at most one works on it, and none while users are told to wait.
    """
    target = wanted(model, app, unit)
    if target is None:
        return
    home = homes.get((app.id, unit.id), Home(target))
    other = home.other or (target if target != home.serving else None)
    moving = other is not None
    shared = other is not None and one_database(home.serving, other)
    yield Placement(
        app, unit, home.serving, True, home.serving == target, moving, home.paused,
        waits=shared and home.paused, copies=_copies(app, unit, home.serving, home),
    )  # fmt: skip
    if other:
        yield Placement(
            app, unit, other, False, other == target, moving,
            waits=shared, copies=_copies(app, unit, other, home),
        )  # fmt: skip


def _copies(app: App, unit: Unit, place: Place, home: Home) -> Copies | None:
    """As the description states them for the place; those in force there when it states none."""
    choice = unit.applications.get(app.id)
    if isinstance(choice, SelfHosted) and place == Place(choice.host, own=True):
        return Copies(**choice.backup.model_dump()) if choice.backup else None
    return home.copies.get(place)
