"""Records between units: what comes, what is the same, what stands against it, what is told."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.errors import HanoiError
from infra.live import records as live
from infra.model.rulebook.records import CARRYING
from infra.placement import Home, Place
from infra.plan import plan
from infra.records import carry
from infra.records.content import Content, Marker, parsed
from infra.records.foresee import foreseen
from infra.records.match import Matched, Statement, matched, missing
from infra.records.record import Done, TransferRecord
from infra.records.registry import carriers
from infra.records.relay import Side
from infra.records.select import selected
from infra.records.stays import counted, stays
from infra.records.words import coming, staying
from infra.resources import Plan
from infra.ssh.connection import Completed
from infra.state import HomeRecord
from tests.golden.model import description, model

SAME = Statement("press", "radio", same=("lan",))
ALL = Statement("press", "radio")
HASH = "$scrypt$ln=16,r=8,p=1$c2FsdA$aGFzaA"


def party(id: int, name: str, *codes: str) -> dict[str, Any]:
    return {
        "is": "party", "id": id, "name": name, "active": True, "lang": None,
        "identifiers": [["", code] for code in codes], "contacts": [],
    }  # fmt: skip


def company(id: int, party: int, name: str) -> dict[str, Any]:
    currency = {"code": "VND", "name": "Dong", "symbol": "₫", "digits": 0, "rounding": "1"}
    return {
        "is": "company", "id": id, "party": party, "name": name, "timezone": None,
        "currency": currency,
    }  # fmt: skip


def employee(id: int, party: int, start: str = "2015-01-02") -> dict[str, Any]:
    return {
        "is": "employee", "id": id, "party": party, "company": 1, "start": start, "end": None,
        "supervisor": None,
    }  # fmt: skip


def user(id: int, login: str, *employees: int, groups: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "is": "user", "id": id, "login": login, "name": login.title(), "email": None,
        "active": True, "lang": None, "groups": list(groups), "companies": [1],
        "employees": list(employees), "company": 1,
        "employee": employees[0] if employees else None, "hash": HASH,
    }  # fmt: skip


def group(id: int, name: str) -> dict[str, Any]:
    return {"is": "group", "id": id, "name": name}


def content(*records: dict[str, Any], markers: tuple[Marker, ...] = ()) -> Content:
    found = parsed(json.dumps(r) for r in records)
    return Content(found.records, found.others, markers)


PRESS = (
    group(1, "Administration"), group(8, "Press desk"),
    party(1, "Press"), party(2, "Lan", "012"), party(3, "Bình", "013"), party(4, "A printer"),
    company(1, 1, "Press"), employee(1, 2), employee(2, 3),
    user(2, "lan", 1, groups=(1,)), user(3, "binh", 2, groups=(8,)),
    {"is": "other", "model": "timesheet.line", "title": "Timesheet Line", "count": 12},
)  # fmt: skip
RADIO = (
    group(1, "Administration"), party(1, "Radio"), party(2, "Chi", "099"), company(1, 1, "Radio"),
    employee(1, 2), user(2, "chi", 1),
)  # fmt: skip


def test_everything_comes_and_leads_to_the_one_company_there_is() -> None:
    found = matched(ALL, content(*PRESS), content(*RADIO))
    assert found.conflicts == []
    assert found.given["company"] == {1: 1} and found.given["party"] == {1: 1}
    assert found.given["group"] == {1: 1}
    assert found.coming.counts() == {"group": 2, "party": 4, "company": 1, "employee": 2, "user": 2}
    assert any('"Press desk" comes without rights' in note for note in found.notes)
    assert any('"Press" become employees of "Radio"' in note for note in found.notes)


def test_into_an_empty_database_the_company_comes_too() -> None:
    found = matched(ALL, content(*PRESS), Content())
    assert found.conflicts == [] and not any(found.given.values())
    assert found.notes == [], "which groups it will have is not known yet"


def test_the_same_login_is_a_conflict_by_name_unless_stated() -> None:
    there = content(*RADIO, user(5, "LAN"))
    (conflict,) = matched(ALL, content(*PRESS), there).conflicts
    assert conflict.what == 'both units have a user "lan": Lan in press, Lan in radio'
    assert "state lan under same:" in conflict.remedy
    stated = matched(SAME, content(*PRESS), there)
    assert stated.conflicts == [] and stated.given["user"] == {2: 5}


def test_the_same_identifier_is_a_conflict_whatever_its_writing() -> None:
    there = content(*RADIO, party(7, "Nguyễn Lan", " 0 12"))
    (conflict,) = matched(ALL, content(*PRESS), there).conflicts
    assert "Lan in press has the identifier :012 of Nguyễn Lan in radio" in conflict.what
    stated = matched(Statement("press", "radio", same=(":012",)), content(*PRESS), there)
    assert stated.conflicts == [] and stated.given["party"] == {1: 1, 2: 7}


def test_one_person_by_login_is_one_party_too_and_one_employment_of_the_same_day() -> None:
    ours = (party(7, "Lan", "012"), employee(4, 7), user(5, "lan", 4))
    found = matched(SAME, content(*PRESS), content(*RADIO, *ours))
    assert found.conflicts == []
    assert found.given["party"][2] == 7 and found.given["employee"] == {1: 4}
    later = (party(7, "Lan", "012"), employee(4, 7, "2020-01-01"), user(5, "lan", 4))
    told = matched(SAME, content(*PRESS), content(*RADIO, *later))
    assert told.given["employee"] == {}
    assert any("Lan is an employee of radio already, with other dates" in n for n in told.notes)


def test_what_one_person_has_beyond_the_record_that_is_there_is_told() -> None:
    said = Statement("press", "radio", same=("lan", ":012"))
    twin = party(7, "Lan", "012")
    found = matched(said, content(*PRESS), content(*RADIO, twin, user(5, "lan")))
    assert "lan is not added to: Administration" in found.notes
    assert not any("contact mechanisms" in note for note in found.notes)
    more = [
        {
            **r,
            "identifiers": [["", "012"], ["", "9"]],
            "contacts": [["email", "l@x.vn", "", "", True]],
        }
        if r.get("name") == "Lan" and r["is"] == "party"
        else r
        for r in PRESS
    ]
    told = matched(said, content(*more), content(*RADIO, twin, user(5, "lan"))).notes
    assert (
        "Lan: 1 identifiers and 1 contact mechanisms of press are not added to the record that is"
        " there"
    ) in told


def test_a_name_alone_proves_nothing_and_is_told() -> None:
    found = matched(ALL, content(*PRESS), content(*RADIO, party(9, "a Printer")))
    assert found.conflicts == [] and 4 not in found.given["party"]
    assert any("A printer" in note and "there twice" in note for note in found.notes)


def test_one_of_several_companies_is_not_guessed() -> None:
    several = content(*RADIO, party(8, "Second"), company(2, 8, "Second"))
    (conflict,) = matched(ALL, content(*PRESS), several).conflicts
    assert '"Press" of press may be any of radio: "Radio", "Second"' in conflict.what
    named = content(*RADIO, party(8, "PRESS"), company(2, 8, "PRESS"))
    assert matched(ALL, content(*PRESS), named).given["company"] == {1: 2}


def test_what_is_stated_as_the_same_must_be_on_both_sides() -> None:
    said = Statement("press", "radio", same=("lan", ":777"))
    told = [c.what for c in matched(said, content(*PRESS), content(*RADIO)).conflicts]
    assert told == [
        ":777 is stated under same: and press has none",
        "lan is stated under same: and radio has none",
        ":777 is stated under same: and radio has none",
    ]


def test_what_has_come_before_is_no_conflict() -> None:
    come = (Marker("press", "user", 2, 5, True), Marker("press", "party", 2, 7, True))
    there = content(*RADIO, user(5, "lan"), party(7, "Lan", "012"), markers=come)
    assert matched(ALL, content(*PRESS), there).conflicts == []
    stranger = tuple(Marker("other", m.kind, m.source, m.here, True) for m in come)
    there = content(*RADIO, user(5, "lan"), party(7, "Lan", "012"), markers=stranger)
    assert len(matched(ALL, content(*PRESS), there).conflicts) == 2


@pytest.mark.parametrize("who", ["lan", ":012", ": 0 12"])
def test_a_selection_takes_a_person_whole_and_nobody_else(who: str) -> None:
    found, unknown = selected(content(*PRESS), (who,))
    assert unknown == ()
    assert [u["login"] for u in found.of("user").values()] == ["lan"]
    assert sorted(p["name"] for p in found.of("party").values()) == ["Lan", "Press"]
    assert [*found.of("employee")] == [1] and [*found.of("group")] == [1]


def test_a_selected_user_keeps_no_link_to_who_stays() -> None:
    boss = user(4, "boss", 1, 2)
    found, _ = selected(content(*PRESS, boss), (":012",))
    assert found.of("user")[4]["employees"] == [1]


def test_a_selection_of_nobody_is_refused_by_name() -> None:
    said = Statement("press", "radio", chosen=("lan", "nobody", "x:1"))
    told = [c.what for c in matched(said, content(*PRESS), content(*RADIO)).conflicts]
    assert told == [
        f"{w} is to come from press, and nobody there has it" for w in ("nobody", "x:1")
    ]


def test_two_units_into_a_new_one_are_held_against_each_other() -> None:
    first = matched(ALL, content(*PRESS), Content())
    between = foreseen(ALL, Content(), first)
    other = Statement("film", "radio")
    film = content(party(1, "Film"), company(1, 1, "Film"), party(5, "Lan", "012"), user(9, "lan"))
    told = [c.what for c in matched(other, film, between).conflicts]
    assert any('both units have a user "lan"' in what for what in told)
    assert any("identifier :012" in what for what in told)
    stated = Statement("film", "radio", same=("lan", ":012"))
    assert matched(stated, film, between).conflicts == []


def test_what_did_not_arrive_is_named() -> None:
    source, target = content(*PRESS), content(*RADIO)
    found = matched(ALL, source, target)
    assert "user lan is not there" in missing(ALL, found.coming, target, target)
    arrived = _taken(target, found, "press")
    assert missing(ALL, found.coming, target, arrived) == []
    arrived.of("user")[102]["email"] = "another@mic.example"
    assert missing(ALL, found.coming, target, arrived) == ["user lan differs"]
    assert missing(ALL, found.coming, arrived, arrived) == [], "changed by its users since"


def _taken(target: Content, found: Matched, unit: str) -> Content:
    """What the target holds after a transfer: ids from 100 on."""
    records = {kind: dict(target.of(kind)) for kind in target.records}
    markers = []
    for record in found.coming.lines():
        kind = record["is"]
        given = found.given[kind].get(record["id"])
        here = given or 100 + record["id"]
        markers.append(Marker(unit, kind, record["id"], here, given is None))
        if given is None:
            records[kind][here] = {**record, "id": here}
    return Content(records, (), tuple(markers))


# The description and the plan


def merged() -> dict[str, Any]:
    made = description()
    unit, gone = made["units"][1], made["units"][0]
    gone |= {"applications": {}, "closed": "2026-06-01"}
    unit["predecessors"] = [gone["id"]]
    unit["records"] = {gone["id"]: {"personnel": {"carry": "everything", "same": ["lan"]}}}
    return made


def test_the_plan_names_what_comes_and_is_the_same_without_it() -> None:
    assert plan(model()).transfers == ()
    (transfer,) = plan(model(merged())).transfers
    gone, unit = (u["id"] for u in merged()["units"][:2])
    assert (transfer.source, transfer.target) == (gone, unit)
    assert transfer.database_from == f"personnel_{gone}".replace("-", "_")
    assert transfer.closes and transfer.chosen is None and transfer.same == ("lan",)


def test_services_that_carry_are_those_with_a_program() -> None:
    assert set(CARRYING) == set(carriers())
    assert all("def main" in c.program for c in carriers().values())


class Host:
    """Stands for a connection: answers the application's program, and notes what it was asked."""

    host_id = "nd-1"

    def __init__(self, databases: dict[str, Content]) -> None:
        self.databases = databases
        self.asked: list[tuple[str, Any, list[str]]] = []
        self.sql: list[str] = []

    def run(self, script: str, *, input: bytes, timeout: float) -> Completed:
        if "psql" in script:
            self.sql.append(input.decode())
            return Completed(0, b"f" if b"recovery" in input else b"0", "")
        length, _, rest = input.partition(b"\n")
        wish, *records = rest[int(length) :].decode().splitlines()
        self.asked.append((script, json.loads(wish), records))
        name = wish_of(self)["database"]
        if wish_of(self)["verb"] == "take":
            found = Matched(content(*map(json.loads, records)))
            found.given = {
                kind: {int(there): here for there, here in pairs.items()}
                for kind, pairs in wish_of(self)["given"].items()
            }
            self.databases[name] = _taken(self.databases[name], found, wish_of(self)["unit"])
            made = found.coming.counts()
            return Completed(0, json.dumps({"is": "taken", "made": made}).encode(), "")
        said = self.databases[name]
        markers = [{"is": "marker", **dataclasses.asdict(m)} for m in said.markers]
        others = [{"is": "other", "title": t, "count": c} for t, c in said.others]
        lines = [*said.lines(), *others, *markers]
        return Completed(0, "\n".join(map(json.dumps, lines)).encode(), "")


def wish_of(host: Host) -> dict[str, Any]:
    return dict(host.asked[-1][1])


def work(tmp_path: Path, made: Plan, databases: dict[str, Content]) -> carry.Work:
    class Secrets:
        def value(self, secret_id: str, part: str) -> str:
            return f"the password of {secret_id}"

    for data in made.data:
        HomeRecord(tmp_path).record(data.application, data.unit, Home(Place()))
    hosts = {h.id: Host(databases) for h in made.hosts}
    return carry.Work(made, hosts, Secrets(), tmp_path, lambda _: None)  # type: ignore[arg-type]


def test_a_deploy_is_refused_before_it_begins(tmp_path: Path) -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    databases = {
        transfer.database_from: content(*PRESS),
        transfer.database_to: content(*RADIO, party(7, "Bình", "013")),
    }
    ready = work(tmp_path, made, databases)
    assert carry.due(ready) == [], "the closed unit never had data"
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    with pytest.raises(HanoiError) as refused:
        carry.refuse_conflicts(ready)
    codes = [(p.where, p.code) for p in refused.value.problems]
    assert codes == [(transfer.name, "HN-T020")] * 2, "an unused same:, and Bình"
    host = next(iter(ready.connections.values()))
    for script, wish, records in host.asked:  # type: ignore[attr-defined]
        assert "password" not in script, "in no argument"
        assert wish["verb"] == "read" and wish["hashes"] is False and records == []
        assert wish["password"].startswith("the password of db/personnel-")


def test_a_plan_tells_what_would_come_and_refuses_what_a_deploy_would(tmp_path: Path) -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    databases = {transfer.database_from: content(*PRESS), transfer.database_to: content(*RADIO)}
    ready = work(tmp_path, made, databases)
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    reading = SimpleNamespace(
        plan=made, sites=made.sites, connections=ready.connections, secrets=ready.secrets,
        state=tmp_path, say=ready.say,
    )  # fmt: skip
    findings, unknown = live.ahead(reading)  # type: ignore[arg-type]
    assert unknown == []
    assert [(f.id, f.severity) for f in findings][-1] == ("records-conflict", "refused")
    assert findings[0].what.startswith("2 users, 2 employees")
    reading.sites = made.sites[:1]
    assert live.ahead(reading) == ([], []), "a deploy of one site carries nothing"  # type: ignore[arg-type]
    reading.sites, reading.connections = made.sites, {}
    ((), (told,)) = live.ahead(reading)  # type: ignore[arg-type]
    assert "HN-T021" in told


def test_a_unit_closes_at_all_sites_or_none(tmp_path: Path) -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    ready = work(tmp_path, made, {})
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    own = [replace(made.hosts[0], own=True)]
    carry.refuse_conflicts(ready, own)
    with pytest.raises(HanoiError) as refused:
        carry.refuse_conflicts(ready, [*own, made.hosts[1]])
    assert [p.code for p in refused.value.problems] == ["HN-T026"]


def test_several_units_into_a_new_one_are_refused_before_it_is_there(tmp_path: Path) -> None:
    """Each is held against those before it, as the new unit has no data to be held against."""
    one = plan(model(merged())).transfers[0]
    two = replace(one, source="film", database_from="personnel_film", same=())
    made = replace(plan(model(merged())), transfers=(replace(one, same=()), two))
    film = content(party(1, "Film"), company(1, 1, "Film"), party(5, "Lan", "012"), user(9, "lan"))
    ready = work(tmp_path, made, {one.database_from: content(*PRESS), "personnel_film": film})
    for source in (one.source, "film"):
        HomeRecord(tmp_path).record("personnel", source, Home(Place()))
    HomeRecord(tmp_path).forget("personnel", one.target)
    with pytest.raises(HanoiError) as refused:
        carry.refuse_conflicts(ready)
    assert {p.where for p in refused.value.problems} == {two.name}


def test_a_closed_unit_is_let_out_read_whole_carried_compared_and_shut(tmp_path: Path) -> None:
    changed = merged()
    changed["units"][1]["records"][changed["units"][0]["id"]]["personnel"]["same"] = []
    made = plan(model(changed))
    (transfer,) = made.transfers
    databases = {
        transfer.database_from: content(*PRESS),
        transfer.database_to: content(*RADIO),
    }
    ready = work(tmp_path, made, databases)
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    carry.refuse_conflicts(ready)
    (done,) = carry.carry_out_due(ready)
    assert done.stays == (("Timesheet Line", 12),)
    assert TransferRecord(tmp_path).get(transfer) == done
    host = next(h for h in ready.connections.values() if h.asked)  # type: ignore[attr-defined]
    asked = [(w["verb"], w["database"], w.get("hashes")) for _, w, _ in host.asked[2:]]  # type: ignore[attr-defined]
    assert asked == [
        ("read", transfer.database_from, True),
        ("read", transfer.database_to, False),
        ("take", transfer.database_to, None),
        ("read", transfer.database_to, False),
    ]
    statements = [s for h in ready.connections.values() for s in h.sql if "ROLE" in s]  # type: ignore[attr-defined]
    assert ["NOLOGIN" in s and " LOGIN" not in s for s in statements] == [False, True]
    assert all(transfer.database_from in s for s in statements)
    kept = (tmp_path / "records.json").read_text()
    assert HASH not in kept and "password" not in kept
    assert carry.carry_out_due(ready) == [], "once"


def test_what_arrives_otherwise_is_no_success(tmp_path: Path) -> None:
    class Forgets(Host):
        def run(self, script: str, *, input: bytes, timeout: float) -> Completed:
            done = super().run(script, input=input, timeout=timeout)
            for said in self.databases.values():
                for kind in said.records:
                    said.of(kind).pop(102, None)  # type: ignore[attr-defined]
            return done

    changed = merged()
    changed["units"][1]["records"][changed["units"][0]["id"]]["personnel"]["same"] = []
    made = plan(model(changed))
    (transfer,) = made.transfers
    databases = {
        transfer.database_from: content(*PRESS),
        transfer.database_to: content(*RADIO),
    }
    ready = work(tmp_path, made, databases)
    ready = dataclasses.replace(
        ready,
        connections={h: Forgets(databases) for h in ready.connections},  # type: ignore[misc]
    )
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    with pytest.raises(HanoiError) as failed:
        carry.carry_out_due(ready)
    assert [p.code for p in failed.value.problems] == ["HN-T023"]
    assert TransferRecord(tmp_path).get(transfer) is None


def test_a_transfer_that_is_over_is_not_due_until_the_description_says_otherwise(
    tmp_path: Path,
) -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    ready = work(tmp_path, made, {})
    HomeRecord(tmp_path).record("personnel", transfer.source, Home(Place()))
    assert carry.due(ready) == [transfer]
    from infra.resources import digest

    done = Done(digest(transfer), "2026-06-01T10:00:00+07:00", {"user": 2}, (("Line", 12),), ("n",))
    TransferRecord(tmp_path).write(transfer, done)
    assert TransferRecord(tmp_path).get(transfer) == done
    assert carry.due(ready) == []
    changed = merged()
    gone = changed["units"][0]["id"]
    changed["units"][1]["records"][gone]["personnel"]["same"] = []
    again = plan(model(changed)).transfers
    assert TransferRecord(tmp_path).get(again[0]) is None


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        (Home(Place("host-1", own=True)), Home(Place()), "HN-T021"),
        (Home(Place()), Home(Place(), Place("host-1", own=True)), "HN-T022"),
    ],
)
def test_what_cannot_be_reached_or_would_not_follow_is_refused(
    tmp_path: Path, source: Home, target: Home, code: str
) -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    ready = work(tmp_path, made, {})
    HomeRecord(tmp_path).record("personnel", transfer.source, source)
    HomeRecord(tmp_path).record("personnel", transfer.target, target)
    with pytest.raises(HanoiError) as refused:
        carry.refuse_conflicts(ready)
    assert [p.code for p in refused.value.problems] == [code]


def test_a_fault_in_the_container_shows_one_line_and_no_password() -> None:
    class Broken(Host):
        def run(self, script: str, *, input: bytes, timeout: float) -> Completed:
            return Completed(1, b"", "a trace\nDatabaseError: no such table\n")

    side = Side("press", "personnel_press", carriers()["tryton"], Broken({}), "s3cret")  # type: ignore[arg-type]
    with pytest.raises(HanoiError) as failed:
        side.read()
    assert "DatabaseError: no such table" in str(failed.value)
    assert "a trace" not in str(failed.value) and "s3cret" not in f"{failed.value}{side}"


def test_operators_are_told_what_comes_and_exactly_what_stays() -> None:
    made = plan(model(merged()))
    (transfer,) = made.transfers
    source = content(*PRESS)
    found = matched(ALL, source, content(*RADIO))
    assert coming(transfer, found) == ("2 users, 2 employees, 1 company, 4 parties, 2 groups",)
    done = Done("", "", {"user": 2}, source.others, ())
    told = "\n".join(staying(transfer, done))
    assert "left in " + transfer.source + " for its administrators: 12 Timesheet Line" in told
    assert f"hanoi records finish {transfer.source} personnel" in told
    assert HASH not in told


def test_what_cannot_be_carried_is_counted_by_kind(tmp_path: Path) -> None:
    described = merged()
    gone = described["units"][0]["id"]
    heir = described["units"][1].pop("records") and described["units"][1]["id"]
    made = model(described)
    homes = {("personnel", gone): Home(Place()), ("personnel", heir): Home(Place())}
    (stay,) = stays(made, plan(made), homes)
    assert (stay.name, stay.heir) == (f"personnel of {gone}", heir)
    assert list(stays(model(merged()), plan(model(merged())), homes)) == [], "it is carried"
    assert counted(stay, plan(made), {}) == (
        "not counted: look at it in the application's own database",
    )

    class Database(Host):
        def run(self, script: str, *, input: bytes, timeout: float) -> Completed:
            said = b"f" if b"recovery" in input else b'documents of the type "A|B"|3\ntags|0\n'
            return Completed(0, said, "")

    documents = replace(stay, service="mayan")
    hosts = {h.id: Database({}) for h in plan(made).hosts}
    assert counted(documents, plan(made), hosts) == ('3 documents of the type "A|B"',)  # type: ignore[arg-type]
    away = replace(documents, home=Home(Place("x-1", own=True)))
    assert counted(away, plan(made), {}) == ("not counted: it is on the unit's own host x-1",)
