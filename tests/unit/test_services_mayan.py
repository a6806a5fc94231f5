"""Requirements on the documents' instances, stated literally."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.moves.stores import levels, store
from infra.placement import Home, Place
from infra.plan import plan
from infra.resources import Files, Plan
from infra.services.mayan import SLOTS, slots
from tests.golden.model import documents, model

NAME = "documents-tt-thong-tin"


@pytest.fixture
def both() -> dict[str, Any]:
    """The description with two units whose documents are central, on one host."""
    made = documents()
    made["units"][1]["applications"]["documents"] = {"mode": "central"}
    return made


def _file(made: Plan, path: str, host: str = "nd-1") -> str:
    return next(f.content for f in made.host(host).parts.files if f.path == path)


def _instances(made: Plan, host: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    found = made.host(host).parts.containers
    return {
        c.name: (c.address, tuple(p.host_port for p in c.ports))
        for c in found
        if c.name.startswith("documents-")
    }


def test_an_instance_stays_where_it_is_when_another_comes(both: dict[str, Any]) -> None:
    alone, together = plan(model(documents())), plan(model(both))
    before, after = _instances(alone, "nd-1"), _instances(together, "nd-1")
    assert len(before) == 3 and len(after) == 6
    assert before.items() <= after.items()
    addresses = [address for address, _ in after.values()]
    assert len(set(addresses)) == len(addresses)


def test_every_place_on_a_host_can_be_taken() -> None:
    units = [f"unit-{n}" for n in range(SLOTS)]
    assert sorted(slots(units).values()) == list(range(SLOTS))
    assert slots(reversed(units)) == slots(units)


def test_an_instance_takes_gateways_only_and_never_another_units_name(both: dict[str, Any]) -> None:
    made = plan(model(both))
    server = _file(made, f"/etc/hanoi/{NAME}/gunicorn.conf.py")
    assert "cert_reqs = ssl.CERT_REQUIRED" in server
    for host, address in (("nd-1", "172.30.1.61:8443"), ("tdh-1", "10.77.1.10:8607")):
        gateway = _file(made, "/etc/hanoi/gateway/haproxy.cfg", host)
        backend = gateway.split(f"\nbackend {NAME}-on-nd-1\n")[1].split("\nbackend ")[0]
        servers = [line for line in backend.splitlines() if line.strip().startswith("server ")]
        assert len(servers) == 1 and f" {address} " in servers[0]
        assert f"verify required verifyhost {NAME} " in servers[0]


def test_valkey_listens_on_no_port_and_each_unit_has_its_own(both: dict[str, Any]) -> None:
    found = [c for c in plan(model(both)).host("nd-1").parts.containers if "valkey" in c.name]
    assert len(found) == 2
    volumes = [m.source for c in found for m in c.mounts]
    assert len(set(volumes)) == 2
    for container in found:
        words = list(container.command)
        assert words[words.index("--port") + 1] == "0"
        assert container.ports == ()


def test_a_units_role_is_its_own(both: dict[str, Any]) -> None:
    made = plan(model(both))
    owners = {d.name: d.owner for d in made.common.databases if d.name.startswith("documents")}
    expected = ["documents_tt_thong_tin", "documents_vu_to_chuc_can_bo"]
    assert owners == {name: name for name in expected}
    login = _file(made, f"/etc/hanoi/{NAME}/pgpass")
    assert login.startswith("*:*:documents_tt_thong_tin:documents_tt_thong_tin:secret://")
    assert login.count("\n") == 1


def test_no_secret_is_where_everybody_reads_it(both: dict[str, Any]) -> None:
    for host in plan(model(both)).hosts:
        for container in host.parts.containers:
            if container.name.startswith("documents-"):
                assert "secret://" not in json.dumps([container.command, container.environment])
        for file in host.parts.files:
            if file.path.startswith("/etc/hanoi/documents-") and "#password" in file.content:
                assert (file.mode, file.owner) == (0o400, "10090"), file.path


def test_memory_is_what_the_application_states() -> None:
    made = documents()
    made["apps"][1]["resources"]["memory"] = "1GiB"
    found = plan(model(made)).host("nd-1").parts.containers
    assert sum(c.memory for c in found if c.name.startswith("documents-")) == 2**30


def test_a_unit_on_its_own_host_keeps_everything_there() -> None:
    made = plan(model(documents()))
    own = made.host("tccb-1").parts
    database = "documents_vu_to_chuc_can_bo"
    assert [d.name for d in own.databases] == [database]
    assert database not in {d.name for d in made.common.databases}
    assert [o.container for o in own.oneoffs] == ["documents-vu-to-chuc-can-bo"]
    facts = json.loads(
        _file(made, "/etc/hanoi/documents-vu-to-chuc-can-bo/instance.json", "tccb-1")
    )
    assert (facts["database"]["host"], facts["database"]["port"]) == ("own-database", 5432)


def test_a_move_takes_database_and_files_and_only_one_place_serves() -> None:
    homes = {("documents", "vu-to-chuc-can-bo"): Home(Place("nd-1"))}
    made = plan(model(documents()), homes=homes)
    data = {d.place: d for d in made.data if d.unit == "vu-to-chuc-can-bo"}
    assert {place: d.serving for place, d in data.items()} == {
        "central/nd-1": True,
        "own/tccb-1": False,
    }
    name = "documents-vu-to-chuc-can-bo"
    files = (Files(f"{name}-media"), Files(f"{name}-work", leaves=("tmp", "valkey.sock")))
    assert {(d.files, d.background) for d in data.values()} == {(files, (f"{name}-worker",))}
    packages = {h.id: h.parts.packages for h in made.hosts}
    assert [h for h, p in packages.items() if "rsync" in p] == ["nd-1", "tccb-1"]
    assert [r.login for r in made.host("tccb-1").parts.roles] == [False]
    assert made.host("tccb-1").parts.oneoffs == ()
    own = Home(Place("tccb-1", own=True), Place("nd-1"))
    after = plan(model(documents()), homes={("documents", "vu-to-chuc-can-bo"): own})
    for planned, backend in ((made, f"{name}-on-nd-1"), (after, f"{name}-on-tccb-1")):
        gateway = _file(planned, "/etc/hanoi/gateway/haproxy.cfg")
        assert f"\nbackend {name}-on-nd-1\n" in gateway
        assert f"\nbackend {name}-on-tccb-1\n" in gateway
        hosts = _file(planned, "/etc/hanoi/gateway/hosts.map").splitlines()
        assert [h.split()[1] for h in hosts if h.startswith("documents-to-chuc")] == [backend]


SITES = (Place("nd-1"), Place("tdh-1"))
BETWEEN_SITES = {
    Home(SITES[0], SITES[1]): ["works", "waits"],
    Home(SITES[0], SITES[1], paused=True): ["waits", "waits"],
    Home(SITES[1], SITES[0], paused=True): ["waits", "waits"],
    Home(SITES[1], SITES[0]): ["waits", "works"],
}


@pytest.mark.parametrize("home", BETWEEN_SITES)
def test_of_two_copies_with_one_database_one_works_and_none_while_users_wait(home: Home) -> None:
    made = plan(model(documents()), homes={("documents", "tt-thong-tin"): home})
    programs = [_file(made, f"/etc/hanoi/{NAME}/instance.py", str(p.host)) for p in SITES]
    told = ["works" if "django" in program else "waits" for program in programs]
    assert told == BETWEEN_SITES[home]
    database = NAME.replace("-", "_")
    assert [r.login for r in made.common.roles if r.name == database] == [True]
    assert [d.name for d in made.common.databases if d.name == database] == [database]
    # What a deploy looks for in an instance, and does there, is not asked of one that waits.
    asked = [o.host for o in made.common.oneoffs if o.id == NAME]
    assert asked == ([] if home.paused else [home.serving.host])
    serving = next(d for d in made.data if d.database == database and d.serving)
    assert serving.turn_files == (f"/etc/hanoi/{NAME}/instance.py",)
    gateway = _file(made, "/etc/hanoi/gateway/haproxy.cfg", "ddn-1")
    for place, address in zip(SITES, ("10.77.1.10", "10.77.2.10"), strict=True):
        backend = gateway.split(f"\nbackend {NAME}-on-{place.host}\n")[1].split("\nbackend ")[0]
        assert f" {address}:8607 " in backend
    hosts = _file(made, "/etc/hanoi/gateway/hosts.map").splitlines()
    assert [h.split()[1] for h in hosts if h.startswith("documents-tt-")] == [
        f"{NAME}-on-{home.serving.host}"
    ]


def test_a_copy_at_another_site_changes_nothing_where_users_are_but_what_carries_files() -> None:
    alone, both = (
        plan(model(documents()), homes=h)
        for h in ({}, {("documents", "tt-thong-tin"): Home(SITES[0], SITES[1])})
    )
    assert replace(both.host("nd-1").parts, packages=()) == replace(
        alone.host("nd-1").parts, packages=(), files=both.host("nd-1").parts.files
    )
    changed = {f.path: f for f in both.host("nd-1").parts.files}
    assert [f.path for f in alone.host("nd-1").parts.files if changed[f.path] != f] == [
        "/etc/hanoi/gateway/haproxy.cfg"
    ]


def test_where_nothing_moves_hosts_need_nothing_for_it() -> None:
    made = plan(model(documents()))
    assert not [h.id for h in made.hosts if "rsync" in h.parts.packages]


def test_a_move_stops_all_that_writes_and_that_last_which_others_need() -> None:
    homes = {("documents", "vu-to-chuc-can-bo"): Home(Place("nd-1"))}
    made = plan(model(documents()), homes=homes)
    name = "documents-vu-to-chuc-can-bo"
    for place in (Place("nd-1"), Place("tccb-1", own=True)):
        found = store(made, place, "vu-to-chuc-can-bo", "documents", {"nd-1": None, "tccb-1": None})  # type: ignore[dict-item]
        assert levels(found.containers) == [[name, f"{name}-worker"], [f"{name}-valkey"]]
        assert found.background == (f"{name}-worker",)
    none = store(made, Place(), "tt-thong-tin", "personnel", {})
    assert (none.files, none.connection) == ((), None)


@pytest.mark.parametrize(("memory", "threads"), [("640MiB", 1), ("1GiB", 2), ("1536MiB", 4)])
def test_no_more_documents_are_read_at_once_than_the_worker_has_room_for(
    memory: str, threads: int
) -> None:
    described = documents()
    app = next(a for a in described["apps"] if a["id"] == "documents")
    app["resources"] = {"memory": memory, "cpus": 1}
    facts = json.loads(_file(plan(model(described)), f"/etc/hanoi/{NAME}/instance.json"))
    assert facts["threads"] == threads
