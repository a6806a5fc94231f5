"""What two looks at the lab are taken for: every kind of happening is seen, and nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.lab.observed import Seen, between
from tests.lab.test_promise import promised
from tests.unit.livehost import sample

_, PLAN = sample()
RULE = 'ip saddr 10.0.0.0/8 tcp dport 443 accept comment "users"'
HOST: dict[str, Any] = {
    "files": {"/etc/a": ["sha", "0o100644", 0, 0, 1, 1]},
    "packages": ["nftables"],
    "logins": {"hanoi": ["/bin/bash", ["docker"]]},
    "enabled": {"ssh.service": "enabled"},
    "runs": {"docker.service": "run-1"},
    "reloads": [],
    "settings": {"net.core.somaxconn": "4096"},
    "rules": RULE,
    "containers": {"postgres": ["id-1", "10:00", "image-1"], "gateway": ["id-2", "10:00", "i-2"]},
    "networks": {"hanoi": "network-1"},
    "volumes": {"postgres-data": "2027"},
    "postgres": "10:00:01",
    "commands": [],
}
BEFORE = Seen(
    {"nd-1": HOST}, {"tryton": [1, "x", []]}, {"personnel": [1, 2, None]}, {"personnel": "9"},
    "ttl: 20", {"db/tryton": "digest"}, {"personnel.mic.example": 200},
)  # fmt: skip


def after(**more: Any) -> Seen:
    """The host with other values."""
    return replace(BEFORE, hosts={"nd-1": {**copy.deepcopy(HOST), **more}})


ON_HOST = {
    "file update /etc/a": {"files": {"/etc/a": ["other", "0o100644", 0, 0, 2, 2]}},
    "file delete /etc/a": {"files": {}},
    "package create sudo": {"packages": ["nftables", "sudo"]},
    "login update hanoi": {"logins": {"hanoi": ["/bin/bash", ["docker", "adm"]]}},
    "service restart docker.service": {"runs": {"docker.service": "run-2"}},
    "service reload ssh.service": {"reloads": ["ssh.service"]},
    "service update ssh.service": {"enabled": {"ssh.service": "disabled"}},
    "service reload network-settings": {"settings": {"net.core.somaxconn": "1"}},
    "opening update tcp/443": {"rules": RULE.replace("10.0.0.0/8", "{ 10.0.0.0/8, 192.0.2.0/24 }")},
    "opening delete tcp/443": {"rules": ""},
    "network replace hanoi": {"networks": {"hanoi": "network-2"}},
    "volume create data": {"volumes": {"postgres-data": "2027", "data": "2028"}},
    "container replace gateway": {"containers": HOST["containers"] | {"gateway": ["id-3", "1", "i-2"]}},
    "container restart gateway": {"containers": HOST["containers"] | {"gateway": ["id-2", "11", "i-2"]}},
    "container restart postgres": {"postgres": "11:00:00", "commands": ["postgres exec: kill -HUP 1"]},
    "container reload postgres": {"commands": ["postgres exec_create: sh -c kill -HUP 1", "x exec"]},
}  # fmt: skip


@pytest.mark.parametrize("expected", ON_HOST)
def test_what_happens_on_a_host(expected: str) -> None:
    kind, operation, name = expected.split(" ")
    found = between(BEFORE, after(**ON_HOST[expected]), PLAN, PLAN)
    assert found == {("nd-1", kind, name, operation)}


ONCE: dict[str, tuple[str, Any]] = {
    "secret update db/tryton": ("secrets", {"db/tryton": "another"}),
    "database_role update tryton": ("roles", {"tryton": [1, "y", []]}),
    "database delete personnel": ("databases", {}),
    "one-off update postgres-settings": ("settings", "ttl: 30"),
    "one-off update personnel": ("contents", {"personnel": "10"}),
    "page delete personnel.mic.example": ("pages", {"personnel.mic.example": 421}),
    "page update personnel.mic.example": ("pages", {"personnel.mic.example": 503}),
}


@pytest.mark.parametrize("expected", ONCE)
def test_what_happens_once_for_the_ministry(expected: str) -> None:
    kind, operation, name = expected.split(" ")
    field, value = ONCE[expected]
    found = between(BEFORE, replace(BEFORE, **{field: value}), PLAN, PLAN)
    assert found == {("", kind.replace("_", " "), name, operation)}


def test_another_content_of_an_image_is_seen_by_the_containers_that_run_it() -> None:
    containers = HOST["containers"] | {"gateway": ["id-3", "11", "i-3"]}
    assert between(BEFORE, after(containers=containers), PLAN, PLAN) == {
        ("nd-1", "container", "gateway", "replace"),
        ("", "image", "haproxy", "update"),
    }


def test_the_same_look_twice_is_nothing() -> None:
    assert between(BEFORE, after(), PLAN, PLAN) == set()


def change(kind: str, name: str, operation: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "operation": operation, "host": "", **more}


def test_a_report_is_taken_at_its_word() -> None:
    address = {"name": "address", "before": "https://a.example/", "after": "https://b.example/"}
    changes = [
        change("unit", "tt-thong-tin", "update"),
        change("container", "etcd", "replace", host="nd-1"),
        change("page", "b.example", "rename", properties=[address]),
    ]
    assert promised({"changes": changes}) == {
        ("nd-1", "container", "etcd", "replace"),
        ("", "page", "a.example", "delete"),
        ("", "page", "b.example", "create"),
    }


def test_a_kind_that_is_not_looked_for_is_not_passed_over() -> None:
    with pytest.raises(AssertionError):
        promised({"changes": [change("cron job", "x", "create")]})
