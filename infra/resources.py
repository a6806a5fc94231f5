"""The nouns of a plan: everything a site consists of, as frozen values.

A plan holds no secret: content refers to one as ``secret://<id>#<part>``, resolved only
while applying. Two plans can be compared with ==, and every noun has an identity (its
name or path on its host) that survives renames of units.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Literal

from infra.errors import Exit, error

_RESTARTS = re.compile(r"\b(?:docker|systemctl) restart\b")
_SYSTEMD = re.compile(r"[\w@.-]+\.(?:service|timer|socket)\b")
SECRET = re.compile(r"secret://([a-z0-9][a-z0-9/._-]*)#([a-z]+)")


def secret(secret_id: str, part: str) -> str:
    """The reference to put into content; part is "password", "cert", "key",
    "public", or as its kind says."""
    return f"secret://{secret_id}#{part}"


@dataclass(frozen=True)
class Password:
    """A generated password. id such as "db/superuser"; length in characters."""

    id: str
    length: int = 32


@dataclass(frozen=True)
class Certificate:
    """A leaf of the private authority. parts: #cert (chain), #key.

    The authority's own certificate is secret://ca#cert, always available.
    """

    id: str
    common_name: str
    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    usages: tuple[Literal["server", "client"], ...] = ("server",)


@dataclass(frozen=True)
class SigningKey:
    """RSA keys that sign for others to verify. parts, each a private key: #key signs;
    #next and #previous are published beside it, so that a rotation finds it known already.
    """

    id: str


Secret = Password | Certificate | SigningKey


@dataclass(frozen=True)
class Mount:
    """source: a volume's name or an absolute host path."""

    kind: Literal["volume", "bind"]
    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class Published:
    """A container's port on one address of the host (TCP)."""

    host_port: int
    container_port: int
    address: str


@dataclass(frozen=True)
class Health:
    """Docker's health check. Times in seconds."""

    test: tuple[str, ...]
    interval: int = 5
    timeout: int = 4
    retries: int = 3
    start_period: int = 60


@dataclass(frozen=True)
class Container:
    """One container. Always: no capabilities, no new privileges, read-only root, json-file
    log with limits, restart unless-stopped.

    image: an image's name (images/<image>/); user: numeric "uid:gid"; address: static, on
    the site's container network; memory, shm: bytes; needs: containers of the same host that
    start first; votes_in: the quorum it is a voting member of, if any: at most one member of
    a quorum is touched at a time, and on only when `gate` (argv run inside the container)
    exits with 0.
    """

    name: str
    image: str
    user: str
    command: tuple[str, ...]
    address: str
    memory: int
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Published, ...] = ()
    tmpfs: tuple[str, ...] = ("/tmp", "/run")
    environment: tuple[tuple[str, str], ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    shm: int = 64 * 2**20
    stop_signal: str = "SIGTERM"
    stop_timeout: int = 10
    health: Health | None = None
    needs: tuple[str, ...] = ()
    votes_in: str | None = None
    gate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A bridge network on one host, the site's container network."""

    name: str
    subnet: str
    gateway: str


@dataclass(frozen=True)
class Volume:
    """A named volume; it holds data and is never removed by a deploy."""

    name: str


@dataclass(frozen=True)
class Action:
    """What follows a changed file: a root command on the host.

    container: the command concerns this container and is moot while it does not run or
    when it has been started since the change. Container actions of voting members run one
    host at a time behind the member's gate.
    """

    id: str
    argv: tuple[str, ...]
    container: str | None = None

    @property
    def effect(self) -> Literal["restart", "reload"]:
        """Whether it ends what runs, or only has it read its settings again."""
        return "restart" if _RESTARTS.search(" ".join(self.argv)) else "reload"

    @property
    def subject(self) -> str:
        """The container or systemd unit that it is about, else its id."""
        units = _SYSTEMD.findall(" ".join(self.argv))
        return self.container or (units[-1] if units else self.id)


CONFIGURATION = "/etc/hanoi/"


def is_configuration(path: str) -> bool:
    """Whether a file is below the directories of containers' configuration: a deploy takes it
    away when it leaves the plan. Settings elsewhere (of sshd, of the kernel) count until their
    service reads anew, and stay."""
    return path.startswith(CONFIGURATION)


@dataclass(frozen=True)
class File:
    """A rendered file on a host.

    mode: such as 0o644; owner, group: names or numeric ids as text; validate: argv with
    "{}" for the candidate's path, which must exit with 0 before the file is put in place;
    actions: ids of what follows a change.
    """

    path: str
    content: str
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    validate: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(sorted({m[0] for m in SECRET.findall(self.content)}))


@dataclass(frozen=True)
class Unit:
    """A systemd unit's wanted state."""

    name: str
    enabled: bool = True
    active: bool = True
    masked: bool = False


@dataclass(frozen=True)
class User:
    """A login on a host; keys are in a rendered file (see infra/host/users.py)."""

    name: str
    groups: tuple[str, ...] = ()
    shell: str = "/bin/bash"
    system: bool = False


@dataclass(frozen=True)
class Opening:
    """A port that may be reached from outside the host: the only ones that answer.

    sources: networks in CIDR form; reason: for the reviewer.
    """

    port: int
    sources: tuple[str, ...]
    reason: str
    protocol: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True)
class DatabaseRole:
    """A role of the central cluster or of a unit's own database; password: a secret's id.

    login: False where the data is only a second copy, so that nobody writes to it by mistake.
    """

    name: str
    password: str
    member_of: tuple[str, ...] = ()
    login: bool = True


@dataclass(frozen=True)
class Database:
    """A database of the central cluster or a unit's own; nobody but its owner may connect."""

    name: str
    owner: str
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class OneOff:
    """Work done once inside one running container: for the ministry on any one of the sites'
    hosts, or on the one that is named, for a unit that hosts itself on its own.

    probe: argv whose exit code 0 says that it is done already; argv does it (both run in
    the container by `docker exec`); seconds: how long it usually takes, for the progress.
    """

    id: str
    container: str
    probe: tuple[str, ...]
    argv: tuple[str, ...]
    seconds: int = 10
    host: str | None = None


@dataclass(frozen=True)
class Page:
    """An address that users open through the gateways, and what proves it works."""

    url_host: str
    path: str
    status: int
    application: str
    unit: str | None = None


@dataclass(frozen=True)
class Files:
    """Files of a unit's application: a named volume, the same at every place, on the place's host.
    leaves: names at its top that a move leaves behind."""

    volume: str
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True)
class Copies:
    """The nightly copies of a unit's own database, as infra.model.schema.Backup states them."""

    directory: str
    at: str
    keep: int


@dataclass(frozen=True)
class Data:
    """What a unit's application keeps at one place, that is what a move takes along.

    place: in the form of infra.placement.Place; serving: users are sent here; wanted: the model
    wants it here; moving: there is a second place; database: its name, the same at every place;
    background: containers that change files but that users do not reach: a move lets them end
    their work before it asks users to wait; turn_files: paths of the files that keep it from
    working here while another place works on the same database; without any it cannot move to
    such a place; copies: of the own database that it is in.
    """

    application: str
    unit: str
    place: str
    serving: bool
    wanted: bool
    moving: bool
    database: str
    files: tuple[Files, ...] = ()
    background: tuple[str, ...] = ()
    turn_files: tuple[str, ...] = ()
    copies: Copies | None = None


@dataclass(frozen=True)
class Transfer:
    """Records of one unit's application that are to come into another unit's.

    source, target: units; database_from, database_to: theirs; closes: the source is closed, and
    nobody works there any more; chosen: logins and identifiers, None for everything; same: those
    that are one person's on both sides.
    """

    application: str
    service: str
    source: str
    target: str
    database_from: str
    database_to: str
    closes: bool
    chosen: tuple[str, ...] | None = None
    same: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As operators are told: personnel of cuc-bao-chi into cuc-xuat-ban."""
        return f"{self.application} of {self.source} into {self.target}"


@dataclass(frozen=True)
class Parts:
    """What one service or host module contributes to one host (or, once, to the ministry).

    roles, databases and oneoffs of a host are those of its own database; the sites' hosts have
    none, as what is in the cluster exists once.
    """

    packages: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    files: tuple[File, ...] = ()
    units: tuple[Unit, ...] = ()
    actions: tuple[Action, ...] = ()
    networks: tuple[Network, ...] = ()
    volumes: tuple[Volume, ...] = ()
    containers: tuple[Container, ...] = ()
    openings: tuple[Opening, ...] = ()
    secrets: tuple[Secret, ...] = ()
    roles: tuple[DatabaseRole, ...] = ()
    databases: tuple[Database, ...] = ()
    oneoffs: tuple[OneOff, ...] = ()
    pages: tuple[Page, ...] = ()
    data: tuple[Data, ...] = ()


@dataclass(frozen=True)
class HostPlan:
    """One host, whole. site: the id of its site; own: it is a unit's, which is its own site."""

    id: str
    site: str
    address: str
    parts: Parts
    own: bool = False

    def container(self, name: str) -> Container:
        return next(c for c in self.parts.containers if c.name == name)


@dataclass(frozen=True)
class SitePlan:
    id: str
    name: str
    hosts: tuple[HostPlan, ...]


@dataclass(frozen=True)
class PlannedWave:
    """A wave of the roadmap that the plan brings; gates must pass before a later one begins."""

    id: str
    gates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The whole plan. common: what exists once for the ministry (databases, roles, pages).

    images: image name → uid its containers run as; hub: id of the registry's host;
    log_max_size (bytes), log_files: limits of every container's log; waves: those that it brings,
    in the roadmap's order; transfers: records that are to come from unit to unit.
    """

    ministry: str
    through: str
    hub: str
    ssh_user: str
    ssh_bootstrap_user: str
    ssh_port: int
    log_max_size: int
    log_files: int
    sites: tuple[SitePlan, ...]
    common: Parts
    images: tuple[tuple[str, int], ...] = field(default=())
    waves: tuple[PlannedWave, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        return tuple(h for s in self.sites for h in s.hosts)

    def running(self, container: str) -> tuple[HostPlan, ...]:
        """The hosts that are planned to have a container of this name."""
        return tuple(h for h in self.hosts if any(c.name == container for c in h.parts.containers))

    def host(self, host_id: str) -> HostPlan:
        """The host with this id. Raises HanoiError HN-P004."""
        found = next((h for h in self.hosts if h.id == host_id), None)
        if found is None:
            raise error(
                "HN-P004",
                f"host {host_id}",
                "there is no such host",
                f"choose from: {', '.join(h.id for h in self.hosts)}",
                Exit.USAGE,
            )
        return found

    @property
    def data(self) -> tuple[Data, ...]:
        """What units' applications keep, at every place."""
        return tuple(d for p in (self.common, *(h.parts for h in self.hosts)) for d in p.data)

    @property
    def places(self) -> dict[tuple[str, str], str]:
        """(application, unit) → the place that its users are sent to."""
        return {(d.application, d.unit): d.place for d in self.data if d.serving}

    @property
    def copies(self) -> dict[str, Copies]:
        """Place → the copies of the own database there."""
        return {d.place: d.copies for d in self.data if d.copies}

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret of the plan once, by id."""
        found = {s.id: s for p in (self.common, *(h.parts for h in self.hosts)) for s in p.secrets}
        return tuple(found[i] for i in sorted(found))


def digest(noun: object) -> str:
    """A short, stable digest of a noun's whole description (12 hex digits)."""
    text = json.dumps(asdict(noun), sort_keys=True, default=str)  # type: ignore[call-overload]
    return hashlib.sha256(text.encode()).hexdigest()[:12]
