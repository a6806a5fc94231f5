"""What a unit may choose for its applications."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.model.explain import suggestion
from infra.model.rules import Broken, View, rule
from infra.model.schema import External, SelfHosted


@rule("HN-M052")
def self_hosting_has_a_host(view: View) -> Iterator[Broken]:
    """A unit that hosts itself does it on a host of its own, described in its own file."""
    owners = {host.id: owner.id for owner, _, host in view.hosts()}
    for unit in view.units:
        own = [h.id for h in unit.hosts]
        for app, choice in unit.applications.items():
            if not isinstance(choice, SelfHosted) or choice.host in own:
                continue
            if choice.host in owners:
                what = (
                    f'the host "{choice.host}" belongs to {owners[choice.host]}, not to this unit'
                )
            else:
                what = f'the unit has no host "{choice.host}"'
            remedy = suggestion(choice.host, own) or "describe it below hosts:, "
            remedy += "or choose mode: central"
            yield Broken(unit, ("applications", app, "host"), what, remedy)


@rule("HN-M053")
def closed_units_run_nothing(view: View) -> Iterator[Broken]:
    """What a closed unit ran moves to the unit that follows it, or ends."""
    for unit in view.units:
        if unit.closed and unit.applications:
            what = f"the unit closed on {unit.closed} and still has applications"
            remedy = "move them to the unit that followed, and remove them here"
            yield Broken(unit, ("applications",), what, remedy)


@rule("HN-M054")
def external_is_elsewhere(view: View) -> Iterator[Broken]:
    """A system that a unit already runs is not served by our own gateways."""
    domain = view.ministry.domain if view.ministry else None
    ours = {str(h.address): h.id for s in view.sites for h in s.hosts}
    remedy = "name the unit's own address, or choose mode: central"
    for unit in view.units:
        for app, choice in unit.applications.items():
            name = urlsplit(choice.endpoint).hostname if isinstance(choice, External) else None
            at = ("applications", app, "endpoint")
            if name and domain and (name == domain or name.endswith(f".{domain}")):
                what = f"the endpoint {name} is in {domain}, which our own gateways serve"
                yield Broken(unit, at, what, remedy)
            elif name in ours:
                what = f"the endpoint {name} is the address of {ours[name]}, a host of ours"
                yield Broken(unit, at, what, remedy)


@rule("HN-M055")
def self_hosting_hosts_run_applications(view: View) -> Iterator[Broken]:
    """Applications are placed on hosts that have that role."""
    for unit in view.units:
        roles = {h.id: h.roles for h in unit.hosts}
        for app, choice in unit.applications.items():
            if isinstance(choice, SelfHosted) and "applications" not in roles.get(
                choice.host, ("applications",)
            ):
                what = f'the host "{choice.host}" does not have the role applications'
                remedy = "add applications to the host's roles"
                yield Broken(unit, ("applications", app, "host"), what, remedy)


@rule("HN-M056")
def units_hosts_stay_out_of_the_cluster(view: View) -> Iterator[Broken]:
    """The central cluster and the gateways stand at the sites, under the centre's control."""
    for unit in view.units:
        for n, host in enumerate(unit.hosts):
            for m, role in enumerate(host.roles):
                if role != "applications":
                    what = f"a unit's host cannot have the role {role}"
                    yield Broken(unit, ("hosts", n, "roles", m), what, "give it applications only")


@rule("HN-M057")
def predecessors_are_closed(view: View) -> Iterator[Broken]:
    """A unit that another one came from has a date on which it closed."""
    units = {u.id: u for u in view.units}
    for unit in view.units:
        for n, name in enumerate(unit.predecessors):
            if name in units and units[name].closed is None and name != unit.id:
                what = f'the predecessor "{name}" is still open'
                remedy = f"add closed: with its date to units/{name}.yaml"
                yield Broken(unit, ("predecessors", n), what, remedy)
