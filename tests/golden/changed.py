"""Changes of the golden model, each by its name: what is edited between BASE and HEAD."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from infra.diff.side import Side
from infra.plan import plan_after
from infra.resources import HostPlan
from tests.golden.model import description, model

Description = dict[str, Any]
CHECKS = {
    "test_one.py": '''
@control("ONE-01")
def test_one(host):
    """Every host answers."""

@control("ONE-02")
@on(container="gateway")
def test_gateway(host):
    """The gateway answers."""
'''
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam"


def base() -> Description:
    """The golden model with what some of the changes need to begin with."""
    made = description()
    made["ministry"]["operators"] = [{"id": "lan", "name": "Lan", "keys": [f"{KEY} lan"]}]
    made["units"].append(
        {
            **_unit("cuc-tan-so"),
            "applications": {
                "personnel": {
                    "mode": "self-hosted",
                    "host": "cts-1",
                    "backup": {"directory": "/srv/backup", "at": "01:30"},
                }
            },
            "hosts": [{**_host("cts-1", "10.77.9.20"), "roles": ["applications"]}],
        }
    )
    made["roadmap"]["waves"].append(
        {
            "id": "personnel",
            "name": {"vi": "Tất cả", "en": "Everybody"},
            "owner": "tt-thong-tin",
            "applications": [{"app": "personnel", "units": "all"}],
        }
    )
    return made


def _unit(unit: str) -> Description:
    return {**description()["units"][0], "id": unit, "name": {"vi": f"Đơn vị {unit}", "en": unit}}


def _host(host: str, address: str) -> Description:
    return {"id": host, "address": address, "cpus": 4, "memory": "8GiB", "storage": "100GiB"}


def _pilot(d: Description) -> list[str]:
    units: list[str] = d["roadmap"]["waves"][2]["applications"][0]["units"]
    return units


def new_unit(d: Description) -> None:
    d["units"].append(_unit("vu-phap-che"))
    _pilot(d).append("vu-phap-che")


def central_to_self_hosted(d: Description) -> None:
    unit = d["units"][1]
    unit["hosts"] = [{**_host("tccb-1", "10.77.9.30"), "roles": ["applications"]}]
    unit["applications"]["personnel"] = {"mode": "self-hosted", "host": "tccb-1"}


def self_hosted_to_central(d: Description) -> None:
    d["units"][2]["applications"]["personnel"] = {"mode": "central"}
    _pilot(d).append("cuc-tan-so")


def central_to_external(d: Description) -> None:
    endpoint = {"mode": "external", "endpoint": "https://canbo.example.vn/"}
    d["units"][1]["applications"]["personnel"] = endpoint


def merge(d: Description) -> None:
    d["units"][1] |= {"closed": "2027-05-01", "applications": {}}
    successor = {**_unit("vu-can-bo"), "predecessors": ["vu-to-chuc-can-bo"]}
    d["units"].append(successor)
    _pilot(d)[:] = ["tt-thong-tin", "vu-can-bo"]


def merge_with_records(d: Description) -> None:
    merge(d)
    carried = {"personnel": {"carry": "everything", "same": ["lan"]}}
    d["units"][-1]["records"] = {"vu-to-chuc-can-bo": carried}


def rename_name(d: Description) -> None:
    d["units"][0]["name"] = {"vi": "Trung tâm Chuyển đổi số", "en": "Digital Centre"}


def rename_label(d: Description) -> None:
    d["units"][1]["label"] = "can-bo"


def unit_closed(d: Description) -> None:
    d["units"][1] |= {"closed": "2027-05-01", "applications": {}}


def unit_removed(d: Description) -> None:
    d["units"] = [u for u in d["units"] if u["id"] != "vu-to-chuc-can-bo"]
    _pilot(d).remove("vu-to-chuc-can-bo")


def backup_text(d: Description) -> None:
    d["units"][2]["applications"]["personnel"]["backup"]["keep"] = 30


def backup_dropped(d: Description) -> None:
    del d["units"][2]["applications"]["personnel"]["backup"]


def new_site(d: Description) -> None:
    site = {**d["sites"][0], "id": "yen-hoa", "name": {"vi": "Yên Hòa", "en": "Yen Hoa"}}
    site |= {"network": "10.77.4.0/24", "container_network": "172.30.4.0/24"}
    site["hosts"] = [{**_host("yh-1", "10.77.4.10"), "roles": ["gateway", "applications"]}]
    d["sites"].append(site)


def new_site_host(d: Description) -> None:
    host = {**_host("nd-2", "10.77.1.11"), "roles": ["applications"]}
    d["sites"][1]["hosts"].append(host)


def host_removed(d: Description) -> None:
    d["sites"] = [s for s in d["sites"] if s["id"] != "tran-duy-hung"]


def hub_moved(d: Description) -> None:
    d["ministry"]["hub"] = "tran-duy-hung"


def container_network(d: Description) -> None:
    d["sites"][2]["container_network"] = "172.31.2.0/24"


def user_networks(d: Description) -> None:
    d["ministry"]["user_networks"] = ["10.77.0.0/16", "192.0.2.0/24", "198.51.100.0/24"]


def open_to_everyone(d: Description) -> None:
    d["ministry"]["user_networks"] = ["0.0.0.0/0"]


def management_networks(d: Description) -> None:
    d["ministry"]["management_networks"] = ["10.77.1.0/24"]


def application_memory(d: Description) -> None:
    d["apps"][0]["resources"] = {"memory": "1GiB", "cpus": 1.5}


def memory_exceeded(d: Description) -> None:
    d["ministry"]["database"] = {"memory": "12GiB"}


def database_settings(d: Description) -> None:
    d["ministry"]["database"] = {"max_connections": 300}


def logs(d: Description) -> None:
    d["ministry"]["logs"] = {"container_max_size": "20MiB", "journal_max": "400MiB"}


def operator_added(d: Description) -> None:
    d["ministry"]["operators"].append({"id": "minh", "name": "Minh", "keys": [f"{KEY} minh"]})


def operator_removed(d: Description) -> None:
    d["ministry"]["operators"] = []


def ssh_port(d: Description) -> None:
    d["ministry"]["ssh"] = {"port": 2222}


def time_servers(d: Description) -> None:
    d["ministry"]["time_servers"] = ["ntp1.example.vn", "ntp2.example.vn"]


def domain(d: Description) -> None:
    d["ministry"]["domain"] = "mst.example"


def modules(d: Description) -> None:
    d["apps"][0]["modules"].append("project")


def application_removed(d: Description) -> None:
    d["apps"] = []
    d["roadmap"]["waves"][2]["applications"] = []
    d["roadmap"]["waves"].pop()
    for unit in d["units"]:
        unit["applications"] = {}


def wave_advanced(d: Description) -> None:
    d["roadmap"]["current"] = "personnel"


def wave_taken_back(d: Description) -> None:
    d["roadmap"]["current"] = "database"


def wave_moved(d: Description) -> None:
    waves = d["roadmap"]["waves"]
    waves[2], waves[3] = waves[3], waves[2]
    d["roadmap"]["current"] = "personnel-pilot"


@dataclass(frozen=True)
class Case:
    """edit: of the description; turn: of the whole later side, for what is not in it."""

    edit: Callable[[Description], None] | None = None
    turn: Callable[[Side], Side] | None = None


def _image(side: Side) -> Side:
    return replace(side, tags={**side.tags, "haproxy": "2222222222222222"})


def _role(side: Side) -> Side:
    return replace(side, toolkit={**side.toolkit, "roles/files/tasks/main.yml": "b" * 40})


def _vault(side: Side) -> Side:
    return replace(side, vaults={"secrets/passwords.yml": "b" * 40})


def _edited(change: Callable[[HostPlan], HostPlan]) -> Callable[[Side], Side]:
    def turn(side: Side) -> Side:
        assert side.plan
        sites = tuple(replace(s, hosts=tuple(change(h) for h in s.hosts)) for s in side.plan.sites)
        return replace(side, plan=replace(side.plan, sites=sites))

    return turn


def _template(host: HostPlan) -> HostPlan:
    """As if the template of the gateway's configuration said another timeout."""
    files = tuple(
        replace(f, content=f.content.replace("timeout check 3s", "timeout check 4s"))
        if f.path == "/etc/hanoi/gateway/haproxy.cfg"
        else f
        for f in host.parts.files
    )
    return replace(host, parts=replace(host.parts, files=files))


def _port(host: HostPlan) -> HostPlan:
    """As if the module of the application published another port."""
    containers = tuple(
        replace(c, ports=tuple(replace(p, host_port=9443) for p in c.ports))
        if c.name == "tryton"
        else c
        for c in host.parts.containers
    )
    openings = tuple(replace(o, port=9443) if o.port == 8443 else o for o in host.parts.openings)
    return replace(host, parts=replace(host.parts, containers=containers, openings=openings))


CASES: Mapping[str, Case] = {
    **{
        edit.__name__.replace("_", "-"): Case(edit)
        for edit in (
            new_unit, central_to_self_hosted, self_hosted_to_central, central_to_external, merge,
            merge_with_records,
            rename_name, rename_label, unit_closed, unit_removed, backup_text, backup_dropped,
            new_site, new_site_host, host_removed, hub_moved, container_network, user_networks,
            open_to_everyone, management_networks, application_memory, memory_exceeded,
            database_settings, logs, operator_added, operator_removed, ssh_port, time_servers,
            domain, modules, application_removed, wave_advanced, wave_taken_back, wave_moved,
        )
    },
    "image": Case(turn=_image),
    "role": Case(turn=_role),
    "secret-rotated": Case(turn=_vault),
    "template": Case(turn=_edited(_template)),
    "port": Case(turn=_edited(_port)),
}  # fmt: skip


def side(name: str, edited: Description, before: Side | None = None) -> Side:
    """A side of the golden model; content tags are literal, so that no golden holds a digest."""
    described = model(edited)
    made = plan_after(before.plan.places if before and before.plan else {}, described)
    tags = dict.fromkeys((n for n, _ in made.images), "1111111111111111")
    toolkit = {"roles/files/tasks/main.yml": "a" * 40}
    return Side(name, described, made, tags, CHECKS, toolkit, {"secrets/passwords.yml": "a" * 40})


@cache
def sides(name: str) -> tuple[Side, Side]:
    """Before and after the change of that name."""
    case, edited = CASES[name], base()
    if case.edit:
        case.edit(edited)
    after = side("working tree", edited, _unchanged())
    return _unchanged(), case.turn(after) if case.turn else after


@cache
def _unchanged() -> Side:
    return side("main (1a2b3c4)", base())
