"""What every plan must be: pure, indifferent to names, and no further than its wave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import infra
from infra.errors import HanoiError
from infra.plan import plan
from infra.resources import Plan, digest
from tests.golden.model import description, documents, model, with_sign_on

REPOSITORY = Path(infra.__file__).parents[1]


def _containers(made: Plan) -> dict[str, str]:
    return {f"{h.id}/{c.name}": digest(c) for h in made.hosts for c in h.parts.containers}


def test_the_same_model_gives_the_same_plan() -> None:
    assert plan(model()) == plan(model())


def test_the_plan_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from tests.golden.model import model; from infra.plan import plan; "
        "print(repr(plan(model())))"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(REPOSITORY),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "31")
    }
    assert len(shown) == 1
    assert "postgres-data" in shown.pop()


def test_renaming_a_unit_changes_no_container_and_no_database() -> None:
    renamed = description()
    renamed["units"][0]["name"] = {"vi": "Tên mới", "en": "A new name"}
    renamed["units"][1]["label"] = "a-new-label"
    before, after = plan(model()), plan(model(renamed))
    assert _containers(before) == _containers(after)
    assert [h.parts.volumes for h in before.hosts] == [h.parts.volumes for h in after.hosts]
    assert before.common.databases == after.common.databases
    assert before.common.oneoffs == after.common.oneoffs
    hosts = {p.url_host for p in after.common.pages}
    assert "personnel-a-new-label.mic.example" in hosts  # and yet the rename has arrived
    assert "personnel-to-chuc.mic.example" not in hosts


def test_a_new_unit_changes_no_container() -> None:
    grown = description()
    grown["units"].append({**grown["units"][0], "id": "vu-phap-che", "label": None})
    grown["roadmap"]["waves"][2]["applications"][0]["units"].append("vu-phap-che")
    assert _containers(plan(model())) == _containers(plan(model(grown)))
    assert "personnel_vu_phap_che" in {d.name for d in plan(model(grown)).common.databases}


@pytest.mark.parametrize(
    ("through", "expected"),
    [
        ("infrastructure", {"registry"}),
        ("database", {"registry", "etcd", "postgres", "database-proxy"}),
        (
            "personnel-pilot",
            {"registry", "etcd", "postgres", "database-proxy", "gateway", "tryton"},
        ),
        (
            "sign-on",
            {"registry", "etcd", "postgres", "database-proxy", "gateway", "tryton", "sign-on"},
        ),
    ],
)
def test_a_wave_brings_in_its_own_containers_only(through: str, expected: set[str]) -> None:
    made = plan(model(with_sign_on()), through)
    assert {c.name for h in made.hosts for c in h.parts.containers} == expected
    assert [c.name for h in made.hosts for c in h.parts.containers].count("registry") == 1


def test_an_unknown_wave_is_an_error_that_names_the_waves() -> None:
    with pytest.raises(HanoiError, match="HN-P001") as caught:
        plan(model(), "nonsense")
    assert "infrastructure, database, personnel-pilot" in str(caught.value)


def test_no_secret_stands_in_what_the_engine_shows() -> None:
    for host in plan(model()).hosts:
        for container in host.parts.containers:
            assert "secret://" not in repr(container)


def test_every_action_of_a_file_exists_on_its_host() -> None:
    for host in plan(model()).hosts:
        known = {a.id for a in host.parts.actions}
        for file in host.parts.files:
            assert set(file.actions) <= known, file.path


def test_every_secret_of_a_file_is_declared() -> None:
    made = plan(model())
    known = {s.id for s in made.secrets} | {"ca", "ssh/deploy"}
    for host in made.hosts:
        for file in host.parts.files:
            assert set(file.secrets) <= known, file.path


def test_addresses_and_published_ports_are_used_once_a_host() -> None:
    for host in plan(model()).hosts:
        containers = host.parts.containers
        addresses = [c.address for c in containers]
        ports = [p.host_port for c in containers for p in c.ports]
        assert len(set(addresses)) == len(addresses)
        assert len(set(ports)) == len(ports)


def test_only_stated_sources_reach_a_port() -> None:
    """The requirement itself, port by port, for the host tdh-1."""
    services = {2379, 2380, 5000, 5432, 8008, 6432, 6433, 8443, 443, 80}
    found = {
        o.port: set(o.sources)
        for o in plan(model()).host("tdh-1").parts.openings
        if o.port in services
    }
    others = {"10.77.1.10/32", "10.77.3.10/32"}
    users = {"10.77.0.0/16", "192.0.2.0/24"}
    between = dict.fromkeys((2379, 2380, 5432, 8008, 6432, 6433, 8443), others)
    assert found == between | {443: users, 80: users}


def test_every_published_port_is_opened() -> None:
    for host in plan(model()).hosts:
        opened = {o.port for o in host.parts.openings}
        for container in host.parts.containers:
            for port in container.ports:
                assert port.host_port in opened, f"{host.id} {container.name} {port.host_port}"
                assert port.address == host.address


def test_no_argument_is_empty() -> None:
    """Pulumi's Docker provider refuses one, in the middle of a deploy."""
    for made in (plan(model(documents())), plan(model(with_sign_on()), "sign-on")):
        for container in (c for h in made.hosts for c in h.parts.containers):
            assert all(container.command), container.name
