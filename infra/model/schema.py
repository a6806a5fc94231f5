"""What the ministry describes: the shape of every file under sites/.

One class per noun; unknown keys are refused. Rules within one object live here, rules
between objects in rules.py. Reading files, with line numbers, is loader.py's alone.
Sizes are written as people write them ("8GiB"); the model holds bytes.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from infra.model.scalars import (
    ENVIRONMENT_PATTERN,
    EXTENSION_PATTERN,
    KEY_PATTERN,
    LINE_PATTERN,
    MODULE_PATTERN,
    PATH_PATTERN,
    Address,
    Date,
    Directory,
    Domain,
    Flag,
    HostLabel,
    HttpsUrl,
    Id,
    Network,
    Note,
    Port,
    Size,
    Text,
    TimeOfDay,
    Whole,
)


class Strict(BaseModel):
    """Frozen, and closed to keys that nobody defined."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Name(Strict):
    """A name in Vietnamese and in English; both are shown to operators."""

    vi: Text
    en: Text


class Operator(Strict):
    """A person who may deploy. Keys are SSH public keys, one per line of authorized_keys."""

    id: Id
    name: Text
    keys: tuple[Annotated[str, Field(pattern=KEY_PATTERN)], ...] = ()


class Ssh(Strict):
    """How hosts are reached: first as bootstrap_user (a fresh host), from then on as user."""

    user: Id = "hanoi"
    bootstrap_user: Id = "root"
    port: Port = 22


class DatabaseSettings(Strict):
    """The one central database cluster.

    Times are seconds, Patroni's own rule ttl >= loop_wait + 2 * retry_timeout is checked
    in rules.py (source: Patroni documentation, "Dynamic configuration settings"). Patroni takes
    a smaller ttl than 20 for 20, with no more than a line in its log.
    """

    max_connections: Annotated[Whole, Field(ge=20, le=2000)] = 200
    shared_buffers: Size = 128 * 2**20
    max_slot_wal_keep_size: Size = 2 * 2**30
    ttl: Annotated[Whole, Field(ge=20, le=300)] = 20
    loop_wait: Annotated[Whole, Field(ge=1, le=60)] = 5
    retry_timeout: Annotated[Whole, Field(ge=3, le=120)] = 5
    memory: Size = 1 * 2**30


class LogSettings(Strict):
    """Limits of logs on a host: per container file size and count, and the journal's total."""

    container_max_size: Size = 10 * 2**20
    container_files: Annotated[Whole, Field(ge=1, le=20)] = 3
    journal_max: Size = 200 * 2**20


class ProcedureGroup(Strict):
    """A group of administrative procedures (dịch vụ công trực tuyến) by service level."""

    id: Id
    name: Name
    level: Annotated[Whole, Field(ge=1, le=4)]
    count: Annotated[Whole, Field(ge=1)]


class Procedures(Strict):
    """All administrative procedures, and their groups.

    difference is the groups' sum less the total, for a source that states both and does
    not explain why they differ; then a note says so. portal is the unit whose site of online
    public services publishes them.
    """

    total: Annotated[Whole, Field(ge=1)]
    portal: Id | None = None
    difference: Whole = 0
    groups: tuple[ProcedureGroup, ...]
    note: Note | None = None


class Ministry(Strict):
    """ministry.yaml: what holds for the whole ministry.

    hub is the site that runs the image registry. management_networks may use
    SSH, user_networks may reach the gateways.
    """

    id: Id
    name: Name
    domain: Domain
    hub: Id
    timezone: Text = "Asia/Ho_Chi_Minh"
    time_servers: tuple[Domain, ...] = ()
    management_networks: Annotated[tuple[Network, ...], Field(min_length=1)]
    user_networks: Annotated[tuple[Network, ...], Field(min_length=1)]
    operators: tuple[Operator, ...] = ()
    ssh: Ssh = Ssh()
    database: DatabaseSettings = DatabaseSettings()
    logs: LogSettings = LogSettings()
    procedures: Procedures | None = None
    illustrative: Flag = False
    note: Note | None = None


HostRole = Literal["database", "gateway", "applications"]
Roles = Annotated[tuple[HostRole, ...], Field(min_length=1)]


class Host(Strict):
    """A machine that takes SSH. Capacity is what the toolkit may plan with, in whole."""

    id: Id
    address: Address
    cpus: Annotated[Whole, Field(ge=1, le=1024)]
    memory: Size
    storage: Size
    roles: Roles = ("database", "gateway", "applications")


class Site(Strict):
    """sites/<site>.yaml: one of the consolidated locations.

    network holds the hosts' addresses; container_network is used inside each host only and
    must not overlap any other network of the model.
    """

    id: Id
    name: Name
    street: Text
    network: Network
    container_network: Network
    hosts: Annotated[tuple[Host, ...], Field(min_length=1)]
    illustrative: Flag = False
    note: Note | None = None


class Central(Strict):
    """The Information Centre runs it for the unit on the shared stack.

    host: for an application with an instance per unit, the sites' host that carries it; without
    one it is the first at the unit's home site that runs applications. It is never chosen by
    what is free, so that another unit's wish moves nothing.
    """

    mode: Literal["central"]
    host: Id | None = None


class Backup(Strict):
    """Where a unit's own database and files are copied to.

    directory: on the unit's host, where a store of its own is mounted (created where missing);
    at: local time of the nightly copy; keep: full copies kept, one a day.
    """

    directory: Directory
    at: TimeOfDay = "01:30"
    keep: Annotated[Whole, Field(ge=1, le=366)] = 14


class SelfHosted(Strict):
    """The unit runs it on its own host, deployed by the toolkit in the unit's name."""

    mode: Literal["self-hosted"]
    host: Id
    backup: Backup | None = None


class External(Strict):
    """The unit already runs its own system; only the interconnection is deployed."""

    mode: Literal["external"]
    endpoint: HttpsUrl


Choice = Annotated[Central | SelfHosted | External, Field(discriminator="mode")]


class UnitHost(Host):
    """A host that belongs to a unit; site is where it stands, or absent if elsewhere.

    container_network is used inside the host only; several units' hosts may have the same.
    """

    site: Id | None = None
    container_network: Network = IPv4Network("172.30.250.0/24")
    roles: Roles = ("applications",)


EVERYTHING: Final = "everything"


def _everything_or_list(value: Any) -> str:
    return EVERYTHING if isinstance(value, str) else "list"


Who = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE_PATTERN)]


class Carried(Strict):
    """Which records of another unit's application come into this unit's.

    carry: "everything", or a selection of persons; same: persons that are on both sides. A person
    is named by a login, or by an identifier as TYPE:CODE (:CODE where it has no type).
    """

    carry: Annotated[
        Annotated[Literal["everything"], Tag("everything")]
        | Annotated[Annotated[tuple[Who, ...], Field(min_length=1)], Tag("list")],
        Discriminator(_everything_or_list),
    ]
    same: tuple[Who, ...] = ()


class Unit(Strict):
    """units/<unit>.yaml. The id never changes; names and label may.

    label is the unit's part of its host names, such as personnel-<label>.<domain>; without
    one it is the id. former_labels are those it had before: their names lead to the present
    ones. predecessors are ids of units that this one came from; their names lead here.
    split_from is the unit that this one was split off from, and that stayed open: its names stay
    its own. records: unit → application → which of its records come into this unit's.
    """

    id: Id
    name: Name
    home: Id
    label: HostLabel | None = None
    former_labels: tuple[HostLabel, ...] = ()
    applications: dict[Id, Choice] = {}
    hosts: tuple[UnitHost, ...] = ()
    operators: tuple[Operator, ...] = ()
    predecessors: tuple[Id, ...] = ()
    split_from: Id | None = None
    records: dict[Id, dict[Id, Carried]] = {}
    closed: Date | None = None
    illustrative: Flag = False
    note: Note | None = None

    @property
    def host_label(self) -> str:
        return self.label or self.id


class AppDatabase(Strict):
    """per: one database for each unit, or one for the whole instance."""

    per: Literal["unit", "instance"] = "unit"
    extensions: tuple[Annotated[str, Field(pattern=EXTENSION_PATTERN)], ...] = ()


class Health(Strict):
    """What a healthy instance answers over HTTP; status is the expected code."""

    path: Annotated[str, Field(pattern=PATH_PATTERN)]
    status: Annotated[Whole, Field(ge=200, le=499)] = 200


class AppResources(Strict):
    """What one instance needs on a host."""

    memory: Size
    cpus: Annotated[float, Field(gt=0, le=64, strict=True)] = 0.5


class WebVolume(Strict):
    """Files that an instance keeps: a named volume, mounted at path, writable."""

    name: Id
    path: Directory


Argv = Annotated[tuple[Text, ...], Field(min_length=1)]


class SetUp(Strict):
    """Commands inside the application's container that make a unit's tables and first contents.

    Both get the unit's id as their last argument. done exits with 0 when nothing is left to do;
    run does it, and may be run again after an interruption. seconds: how long it usually takes.
    """

    done: Argv
    run: Argv
    seconds: Annotated[Whole, Field(ge=1, le=3600)] = 10


class Web(Strict):
    """An application that speaks HTTP, run from this description and an image alone.

    user: the number of the image's user; port: where it listens inside its container; command:
    argv; environment: values that are no secret. The image is images/<app>/ beside apps/.
    """

    user: Annotated[Whole, Field(ge=10100, le=59999)]
    port: Annotated[Whole, Field(ge=1024, le=65535)]
    command: Argv
    environment: dict[Annotated[str, Field(pattern=ENVIRONMENT_PATTERN)], Text] = {}
    volumes: tuple[WebVolume, ...] = ()
    set_up: SetUp | None = None


class App(Strict):
    """apps/<app>.yaml: one application of the catalogue.

    service names the module in infra/services that knows how to run it, or is absent while
    the toolkit does not deploy it yet; web: with service: web only. needs names platform parts or
    other applications. shares and uses name data sets exchanged through the sharing platform.
    """

    id: Id
    name: Name
    service: Id | None = None
    port: Port | None = None
    serves: Literal["many-units", "one-unit"] = "many-units"
    database: AppDatabase | None = None
    health: Health | None = None
    resources: AppResources | None = None
    modules: tuple[Annotated[str, Field(pattern=MODULE_PATTERN)], ...] = ()
    web: Web | None = None
    needs: tuple[Id, ...] = ()
    shares: tuple[Id, ...] = ()
    uses: tuple[Id, ...] = ()
    illustrative: Flag = False
    note: Note | None = None


Platform = Literal["infrastructure", "database", "gateway", "sign-on", "sharing"]


def _all_or_list(value: Any) -> str:
    return "all" if isinstance(value, str) else "list"


WaveUnits = Annotated[
    Annotated[Literal["all"], Tag("all")]
    | Annotated[Annotated[tuple[Id, ...], Field(min_length=1)], Tag("list")],
    Discriminator(_all_or_list),
]


class WaveApplication(Strict):
    """An application entering service in a wave, for the named units or for all ("all")."""

    app: Id
    units: WaveUnits = "all"
    groups: tuple[Id, ...] = ()


class Wave(Strict):
    """One step of the roadmap; waves are in order. gates are compliance tags that must pass."""

    id: Id
    name: Name
    owner: Id
    starts: Date | None = None
    ends: Date | None = None
    platform: tuple[Platform, ...] = ()
    applications: tuple[WaveApplication, ...] = ()
    gates: tuple[Id, ...] = ()
    note: Note | None = None


class Roadmap(Strict):
    """roadmap.yaml: what comes first, what later; current is how far deploy goes by itself."""

    current: Id
    waves: Annotated[tuple[Wave, ...], Field(min_length=1)]
    illustrative: Flag = False


class Model(Strict):
    """The whole description, validated. Sites, units and apps are sorted by id."""

    ministry: Ministry
    roadmap: Roadmap
    sites: tuple[Site, ...]
    units: tuple[Unit, ...]
    apps: tuple[App, ...]

    def site(self, site_id: str) -> Site:
        return next(s for s in self.sites if s.id == site_id)

    def unit(self, unit_id: str) -> Unit:
        return next(u for u in self.units if u.id == unit_id)

    def app(self, app_id: str) -> App:
        return next(a for a in self.apps if a.id == app_id)

    @property
    def hub(self) -> Site:
        return self.site(self.ministry.hub)

    def waves_through(self, wave_id: str | None = None) -> tuple[Wave, ...]:
        """The waves up to and including wave_id (default: the roadmap's current one)."""
        last = wave_id or self.roadmap.current
        ids = [w.id for w in self.roadmap.waves]
        return self.roadmap.waves[: ids.index(last) + 1]


KINDS: dict[str, type[Strict]] = {
    "ministry": Ministry,
    "roadmap": Roadmap,
    "site": Site,
    "unit": Unit,
    "app": App,
}
