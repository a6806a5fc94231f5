"""What a unit's choice needs to be carried out: a place to stand, and copies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from infra.model.explain import suggestion
from infra.model.placement import carrier
from infra.model.rulebook.references import PLATFORM
from infra.model.rules import Broken, View, rule
from infra.model.schema import Backup, Central, External, SelfHosted, Unit

# Directories of the system, of the container engine and of the toolkit: what is written there is
# replaced, grows with what it copies, or is gone after a start.
NOT_FOR_COPIES = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys",
    "/tmp", "/usr", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/tmp",
)  # fmt: skip


@rule("HN-M110")
def self_hosted_data_is_copied(view: View) -> Iterator[Broken]:
    """One disk is no place for records; the central cluster has three, a unit's host has not."""
    keeps = {a.id for a in view.apps if a.database}
    for unit in view.units:
        for app, choice in unit.applications.items():
            if isinstance(choice, SelfHosted) and app in keeps and choice.backup is None:
                what = f"{app} keeps data on the unit's own host, and no backup is stated"
                remedy = "add backup: with directory: to a store of its own on that host"
                yield Broken(unit, ("applications", app), what, remedy)


@rule("HN-M111")
def copies_are_kept_apart(view: View) -> Iterator[Broken]:
    """A copy among the files of the system is lost with them, or fills their disk."""
    for unit in view.units:
        for app, choice in unit.applications.items():
            if not (isinstance(choice, SelfHosted) and choice.backup):
                continue
            directory = PurePosixPath(choice.backup.directory)
            inside = [p for p in NOT_FOR_COPIES if directory.is_relative_to(p)]
            if inside:
                what = f"{directory} is in {inside[0]}, which the system or the toolkit manages"
                remedy = "name the directory of a store mounted for copies, such as /srv/backup"
                at = ("applications", app, "backup", "directory")
                yield Broken(unit, at, what, remedy)


@rule("HN-M112")
def a_host_is_copied_in_one_way(view: View) -> Iterator[Broken]:
    """A unit's host has one database server for all that runs there, and one copy of it."""
    for unit in view.units:
        first: dict[str, tuple[str, Backup]] = {}
        for app, choice in unit.applications.items():
            if not (isinstance(choice, SelfHosted) and choice.backup):
                continue
            other, backup = first.setdefault(choice.host, (app, choice.backup))
            if backup != choice.backup:
                what = f"{other}, on the same host {choice.host}, states another backup"
                remedy = "state the same directory, at and keep for both: a host has one database"
                yield Broken(unit, ("applications", app, "backup"), what, remedy)


@rule("HN-M113")
def central_instances_stand_at_a_site(view: View) -> Iterator[Broken]:
    """What the centre runs stands on the sites' hosts that run applications."""
    hosts = {h.id: h for s in view.sites for h in s.hosts}
    all_read = len(view.sites) == len(view.ids("site"))
    owners = {h.id: u.id for u in view.units for h in u.hosts}
    able = [h.id for h in hosts.values() if "applications" in h.roles]
    for unit, app, choice in _central(view):
        if choice.host is None or not (all_read or choice.host in hosts):
            continue
        at = ("applications", app, "host")
        remedy = suggestion(choice.host, able) + f"known: {', '.join(able[:8]) or 'none'}"
        if choice.host in owners:
            what = f'the host "{choice.host}" belongs to the unit {owners[choice.host]}'
            if owners[choice.host] == unit.id:
                remedy = "choose mode: self-hosted, or name a host of a site"
            yield Broken(unit, at, what, remedy)
        elif choice.host not in hosts:
            yield Broken(unit, at, f'no site has a host "{choice.host}"', remedy)
        elif choice.host not in able:
            what = f'the host "{choice.host}" does not have the role applications'
            yield Broken(unit, at, what, f"add it to the host's roles, or name another; {remedy}")


@rule("HN-M114")
def shared_instances_stand_everywhere(view: View) -> Iterator[Broken]:
    """What serves all units at once runs on every site's host; no unit has one of its own."""
    shared = {a.id for a in view.apps if a.serves == "many-units"}
    for unit, app, choice in _central(view):
        if choice.host is not None and app in shared:
            what = f"one instance of {app} at each site serves all units; none is this unit's own"
            yield Broken(unit, ("applications", app, "host"), what, "remove host:")


@rule("HN-M115")
def central_instances_have_a_place(view: View) -> Iterator[Broken]:
    """Without a host named, an instance stands at the unit's home site."""
    single = {a.id for a in view.apps if a.serves == "one-unit" and a.service}
    sites = {s.id for s in view.sites}
    able = [h.id for s in view.sites for h in s.hosts if "applications" in h.roles]
    for unit, app, choice in _central(view):
        at_home = app in single and choice.host is None and unit.home in sites
        if at_home and carrier(view.sites, unit, choice) is None:
            what = f"no host of the home site {unit.home} runs applications, so {app} has no place"
            remedy = (
                f"add host: with one of {', '.join(able[:8])}" if able else "give a host the role"
            )
            yield Broken(unit, ("applications", app), what, remedy)


@rule("HN-M116")
def the_platform_is_nobodys_choice(view: View) -> Iterator[Broken]:
    """Parts of the platform are the same for all units."""
    for unit in view.units:
        for app in unit.applications:
            if app in PLATFORM:
                what = f"{app} is a part of the platform; units do not choose a mode for it"
                yield Broken(unit, ("applications", app), what, "remove it")


@rule("HN-M117")
def a_units_own_system_is_its_own(view: View) -> Iterator[Broken]:
    """What two units call their own system is one, and whose data is whose could not be told."""
    owners: dict[str, Unit] = {}
    for unit in view.units:
        for app, choice in unit.applications.items():
            if not isinstance(choice, External):
                continue
            first = owners.setdefault(choice.endpoint.rstrip("/"), unit)
            if first is not unit:
                what = f"{choice.endpoint} is the system of the unit {first.id} too"
                remedy = "name each unit's own address, such as one path for each"
                yield Broken(unit, ("applications", app, "endpoint"), what, remedy)


def _central(view: View) -> Iterator[tuple[Unit, str, Central]]:
    for unit in view.units:
        for app, choice in unit.applications.items():
            if isinstance(choice, Central):
                yield unit, app, choice
