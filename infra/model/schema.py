"""What the ministry describes: the shape of every file under sites/.

One class per noun; unknown keys are refused. Rules within one object live here, rules
between objects in rules.py. Reading files, with line numbers, is loader.py's alone.
Sizes are written as people write them ("8GiB"); the model holds bytes.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

_SIZE_PATTERN = r"^\d{1,6}(\.\d{1,3})?\s?(MiB|GiB|TiB)$"
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s?(MiB|GiB|TiB)", re.ASCII)
_FACTORS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
# No control character, so that a text can never start a new line in a rendered file.
LINE_PATTERN = r"^\S[^\x00-\x1f\x7f\x85\u2028\u2029]*$"
# authorized_keys without options; what a key may do is the toolkit's decision.
KEY_PATTERN = (
    r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+)"
    r" [A-Za-z0-9+/]+={0,3}( [ -~]*)?$"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ID_PATTERN = r"^[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?$"
LABEL_PATTERN = rf"^{_LABEL}$"
DOMAIN_PATTERN = rf"^(?:{_LABEL}\.)+[a-z]{{2,63}}$"
PATH_PATTERN = r"^/[A-Za-z0-9._~/?&=%-]*$"
EXTENSION_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
MODULE_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
_HTTPS = re.compile(
    rf"https://{_LABEL}(?:\.{_LABEL})*(?::[1-9]\d{{0,4}})?(?:/[A-Za-z0-9._~/?&=%+,:@-]*)?", re.ASCII
)


def parse_size(value: Any) -> int:
    """'8GiB' → bytes. Raises ValueError with the accepted forms."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match or not (size := int(float(match[1]) * _FACTORS[match[2]])):
        raise ValueError("write a size as a number with MiB, GiB or TiB, such as 8GiB")
    return size


def _https(value: str) -> str:
    if not _HTTPS.fullmatch(value):
        raise ValueError("write an https address, such as https://vanban.example.vn/")
    return value


def _address(value: Any) -> Any:
    """Only the dotted form: pydantic alone would also take a bare number."""
    if not isinstance(value, str):
        raise ValueError("write an IPv4 address, such as 10.77.1.10")
    return value


def _network(value: Any) -> Any:
    if not isinstance(value, str) or "/" not in value:
        raise ValueError("write an IPv4 network with its prefix length, such as 10.77.1.0/24")
    return value


def _date(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("write a date as year-month-day, such as 2027-06-30")
    return value


def _schema(**extra: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **extra})


Id = Annotated[str, Field(pattern=ID_PATTERN)]
HostLabel = Annotated[str, Field(pattern=LABEL_PATTERN)]
Domain = Annotated[str, Field(pattern=DOMAIN_PATTERN, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=400, pattern=LINE_PATTERN)]
Note = Annotated[str, Field(min_length=1, max_length=4000)]
Size = Annotated[int, BeforeValidator(parse_size), _schema(pattern=_SIZE_PATTERN)]
Address = Annotated[ipaddress.IPv4Address, BeforeValidator(_address), _schema(format="ipv4")]
Network = Annotated[
    ipaddress.IPv4Network,
    BeforeValidator(_network),
    _schema(pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$"),
]
Date = Annotated[dt.date, BeforeValidator(_date), _schema(format="date")]
HttpsUrl = Annotated[str, AfterValidator(_https), _schema(pattern=r"^https://")]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Port = Annotated[Whole, Field(ge=1, le=65535)]


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
    in rules.py (source: Patroni documentation, "Dynamic configuration settings").
    """

    max_connections: Annotated[Whole, Field(ge=20, le=2000)] = 200
    shared_buffers: Size = 128 * 2**20
    max_slot_wal_keep_size: Size = 2 * 2**30
    ttl: Annotated[Whole, Field(ge=15, le=300)] = 20
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
    not explain why they differ; then a note says so.
    """

    total: Annotated[Whole, Field(ge=1)]
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
    """The Information Centre runs it for the unit on the shared stack."""

    mode: Literal["central"]


class SelfHosted(Strict):
    """The unit runs it on its own host, deployed by the toolkit in the unit's name."""

    mode: Literal["self-hosted"]
    host: Id
    backup: Text | None = None


class External(Strict):
    """The unit already runs its own system; only the interconnection is deployed."""

    mode: Literal["external"]
    endpoint: HttpsUrl


Choice = Annotated[Central | SelfHosted | External, Field(discriminator="mode")]


class UnitHost(Host):
    """A host that belongs to a unit; site is where it stands, or absent if elsewhere."""

    site: Id | None = None
    roles: Roles = ("applications",)


class Unit(Strict):
    """units/<unit>.yaml. The id never changes; names and label may.

    label is the unit's part of its host names, such as personnel-<label>.<domain>; without
    one it is the id. predecessors are ids of units that this one came from.
    """

    id: Id
    name: Name
    home: Id
    label: HostLabel | None = None
    applications: dict[Id, Choice] = {}
    hosts: tuple[UnitHost, ...] = ()
    operators: tuple[Operator, ...] = ()
    predecessors: tuple[Id, ...] = ()
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


class App(Strict):
    """apps/<app>.yaml: one application of the catalogue.

    service names the module in infra/services that knows how to run it, or is absent while
    the toolkit does not deploy it yet. needs names platform parts or other applications.
    shares and uses name data sets exchanged through the sharing platform.
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
    needs: tuple[Id, ...] = ()
    shares: tuple[Id, ...] = ()
    uses: tuple[Id, ...] = ()
    illustrative: Flag = False
    note: Note | None = None


Platform = Literal["infrastructure", "database", "gateway", "sharing"]


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
