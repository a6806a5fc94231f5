"""What a live plan's changes mean to people: whom they concern, interruptions, memory."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from infra.facts import Look, parse
from infra.live import effects
from infra.live.described import Described, Source
from infra.report.content import Capacity, Change
from tests.unit.livehost import facts_of, sample

MODEL, PLAN = sample()
DESCRIBED = Described(MODEL, PLAN, Source("1a2b3c4d5e", False, "d" * 64))
DCS = "/etc/hanoi/postgres/dcs.json"
MODULES = "/etc/hanoi/tryton/tryton.json"
GIB = 2**30


def reading(**looks: Look) -> Any:
    """What effects asks of a reading; hosts are as planned."""
    found = {h.id: parse(h.id, facts_of(h, PLAN)) for h in PLAN.hosts}
    return SimpleNamespace(plan=PLAN, hosts=PLAN.hosts, looks={**found, **looks})


def standing(path: str, text: str) -> dict[str, Any]:
    """Every host with another text at the path."""
    return {h.id: {"files": {path: {"kind": "file", "content": text}}} for h in PLAN.hosts}


def planned(path: str) -> Any:
    return json.loads(next(f.content for f in PLAN.hosts[0].parts.files if f.path == path))


def settings(name: str, value: object) -> str:
    """The planned settings of the cluster with one of them another."""
    found = planned(DCS)
    assert found["postgresql"]["parameters"][name] != value
    found["postgresql"]["parameters"][name] = value
    return json.dumps(found)


RELOADS = [Change("container", "postgres", "reload", h.id, h.site) for h in PLAN.hosts]


def test_a_setting_that_needs_a_restart_is_told_as_one() -> None:
    current = standing(DCS, settings("max_connections", 150))
    told = effects.told(DESCRIBED, reading(), current, RELOADS)
    assert [(c.kind, c.name, c.operation) for c in told.changes] == [
        *[("container", "postgres", "restart")] * len(PLAN.hosts),
        ("one-off", "postgres-settings", "update"),
    ]
    [pause] = told.summary.interruptions
    assert pause.whom == "every application on the central database"
    assert "max_connections" in pause.what


def test_a_setting_that_is_reloaded_interrupts_nobody() -> None:
    current = standing(DCS, settings("max_slot_wal_keep_size", "1MB"))
    told = effects.told(DESCRIBED, reading(), current, RELOADS)
    assert {c.operation for c in told.changes if c.kind == "container"} == {"reload"}
    assert [c.name for c in told.changes if c.kind == "one-off"] == ["postgres-settings"]
    assert told.summary.interruptions == ()


def test_a_one_off_that_the_host_knows_of_is_told_once() -> None:
    current = standing(DCS, settings("max_connections", 150))
    known = Change("one-off", "postgres-settings", "create", why="not done")
    told = effects.told(DESCRIBED, reading(), current, [known])
    assert [c for c in told.changes if c.kind == "one-off"] == [known]


def test_modules_are_added_to_every_units_database() -> None:
    facts = planned(MODULES)
    gone = facts["modules"].pop()
    told = effects.told(DESCRIBED, reading(), standing(MODULES, json.dumps(facts)), [])
    assert {c.name for c in told.changes} == {
        o.id for o in PLAN.common.oneoffs if o.container == "tryton"
    }
    assert {c.why for c in told.changes} == {f"modules are added: {gone}"}
    assert {c.applications for c in told.changes} == {("personnel",)}
    assert "vu-to-chuc-can-bo" in {t.id for t in told.summary.touched if t.kind == "unit"}


def test_whom_and_what_a_replaced_gateway_concerns() -> None:
    host = PLAN.hosts[0]
    gateway = Change("container", "gateway", "replace", host.id, host.site)
    told = effects.told(DESCRIBED, reading(), {host.id: {"files": {}, "memory": {}}}, [gateway])
    assert [(t.kind, t.id, t.how) for t in told.summary.touched] == [
        ("site", host.site, (f"{host.id}: gateway replaced",))
    ]
    [pause] = told.summary.interruptions
    assert (pause.whom, pause.host) == (f"users who come in at {host.site}", host.id)


def test_memory_is_told_where_containers_come_go_or_are_replaced() -> None:
    host, other = PLAN.hosts[0], PLAN.hosts[1]
    memory = {c.name: c.memory for c in host.parts.containers}
    current = {
        host.id: {"files": {}, "memory": {**memory, "tryton": 2 * memory["tryton"]}},
        other.id: {"files": {}, "memory": {"tryton": 1}},
    }
    tryton = Change("container", "tryton", "replace", host.id, host.site)
    told = effects.told(DESCRIBED, reading(), current, [tryton])
    total = float(sum(memory.values()))
    limit = float(next(h.memory for s in MODEL.sites for h in s.hosts if h.id == host.id))
    assert told.summary.capacity == (
        Capacity(host.id, "memory", total + memory["tryton"], total, limit),
    )


def test_the_same_memory_is_no_change_and_what_is_not_known_is_not_made_up() -> None:
    host = PLAN.hosts[0]
    tryton = Change("container", "tryton", "replace", host.id, host.site)
    memory = {c.name: c.memory for c in host.parts.containers}
    same = effects.told(DESCRIBED, reading(), {host.id: {"files": {}, "memory": memory}}, [tryton])
    assert same.summary.capacity == ()
    unknown = effects.told(DESCRIBED, reading(), {host.id: {"files": {}, "memory": None}}, [tryton])
    assert [c.before for c in unknown.summary.capacity] == [None]


def test_nothing_changes_nothing() -> None:
    told = effects.told(DESCRIBED, reading(), {h.id: {"files": {}} for h in PLAN.hosts}, [])
    assert told.changes == () and told.summary == effects.Summary()
