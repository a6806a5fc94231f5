"""Two units merged and one split on the real lab, with what is in their personnel application:
conflicts stop the deploy before anything changes, people log in with their own passwords
afterwards, nothing is there twice, and what stays is told by number."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.resources import secret
from infra.secrets import Secrets
from infra.state.store import Store
from tests.lab.conftest import Lab, Ran, hanoi, start
from tests.lab.staff import NotNow, Staff
from tests.lab.test_deploy import edit
from tests.lab.test_interruption import kill_tree

pytestmark = [pytest.mark.lab, pytest.mark.long]

APP, LIKE, SITE = "personnel", "tt-thong-tin", "nguyen-du"
GONE, HEIR, PART = "thu-mot", "thu-hai", "thu-ba"  # units of this test only
UNITS = (GONE, HEIR, PART)
HIRED = {"__class__": "date", "year": 2015, "month": 1, "day": 2}
DEPLOY = ("deploy", "--quiet", "--no-verify")


def database(unit: str) -> str:
    return f"{APP}_{unit}".replace("-", "_")


@dataclass
class Ministry:
    """A description of our own with two more units, which have people."""

    lab: Lab
    sites: Path
    secrets: Secrets
    word: str  # in every password

    def admin(self, unit: str) -> Staff:
        return Staff(
            [h.address for h in self.lab.plan.hosts],
            f"{APP}-{unit}.mic.example",
            database(unit),
            self.secrets.value(f"{APP}/admin/{unit}", "password"),
            self.secrets.resolve(secret("ca", "cert")),
        )

    def logged_in(self, unit: str, login: str, word: str) -> bool:
        try:
            admin = self.admin(unit)
            return bool(
                replace(admin, user=login, password=word).call(
                    "model.res.user.get_preferences", True, {}
                )
            )
        except NotNow:
            return False

    def password(self, unit: str, login: str) -> str:
        return f"{unit}-{login}-{self.word}"

    def fill(self, unit: str, people: dict[str, str]) -> None:
        """A company with people, each an employee and a user; people: login → identifier."""
        admin = self.admin(unit)

        def make(model: str, **values: Any) -> int:
            return int(admin.call(f"model.{model}.create", [values], {})[0])

        rounding = {"__class__": "Decimal", "decimal": "1"}
        dong = make(
            "currency.currency", name="Dong", code="VND", symbol="d", digits=0, rounding=rounding
        )
        company = make(
            "company.company", party=make("party.party", name=f"Unit {unit}"), currency=dong
        )
        (staff,) = admin.call(
            "model.res.group.search", [["name", "=", "Employee Administration"]], 0, 1, None, {}
        )
        desk = make("res.group", name=f"Desk of {unit}")
        for login, code in people.items():
            party = make(
                "party.party",
                name=f"{login} of {unit}",
                identifiers=[["create", [{"code": code}]]],
                contact_mechanisms=[
                    ["create", [{"type": "email", "value": f"{login}@mic.example"}]]
                ],
                addresses=[["create", [{"city": "Hà Nội"}]]],
            )
            employee = make("company.employee", party=party, company=company, start_date=HIRED)
            make(
                "res.user", name=f"{login} of {unit}", login=login,
                password=self.password(unit, login), groups=[["add", [staff, desk]]],
                companies=[["add", [company]]], employees=[["add", [employee]]],
                company=company, employee=employee,
            )  # fmt: skip

    def people(self, unit: str) -> dict[str, list[str]]:
        """Employees' names by the company's, and all logins, as the application has them."""
        admin = self.admin(unit)
        rows = admin.call(
            "model.company.employee.search_read",
            [],
            0,
            None,
            None,
            ["rec_name", "company.rec_name"],
            {},
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["company."]["rec_name"], []).append(row["rec_name"])
        logins = admin.call("model.res.user.search_read", [], 0, None, None, ["login"], {})
        return {
            **{k: sorted(v) for k, v in found.items()},
            "logins": sorted(r["login"] for r in logins),
        }

    def unit(self, *arguments: str) -> None:
        hanoi("unit", *arguments, sites=self.sites)

    def deploy(self, check: bool = True) -> Ran:
        return hanoi("deploy", "--no-verify", sites=self.sites, check=check)


@pytest.fixture(scope="module")
def ministry(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    sites = Path(shutil.copytree(paths.sites(), tmp_path_factory.mktemp("records") / "sites"))
    made = Ministry(deployed, sites, Secrets.open(paths.secrets()), uuid.uuid4().hex)
    try:
        for unit in (GONE, HEIR):
            names = ("--name-vi", f"Đơn vị {unit}", "--name-en", f"Unit {unit}")
            made.unit("add", unit, *names, "--home", SITE, "--like", LIKE)
        made.deploy()
        made.secrets = Secrets.open(paths.secrets())
        made.fill(GONE, {"lan": "012", "binh": "013"})
        made.fill(HEIR, {"chi": "021", "lan": "022"})
        yield made
    finally:
        hanoi(*DEPLOY, check=False)
        leader = deployed.leader()
        for unit in UNITS:
            deployed.sql(leader, f"drop database if exists {database(unit)} with (force)")
            deployed.sql(leader, f"drop role if exists {database(unit)}")
        for name in ("homes", "records"):
            store = Store(paths.state() / f"{name}.json")
            kept = {k: v for k, v in store.read().items() if k.split("/")[1] not in UNITS}
            store.write(kept)


def test_a_conflict_stops_the_deploy_before_anything_changes(ministry: Ministry) -> None:
    ministry.unit("merge", GONE, HEIR)
    shown = hanoi("records", "show", sites=ministry.sites, check=False)
    assert shown.code == 1 and 'both units have a user "lan"' in shown.err
    planned = hanoi("plan", "--quiet", sites=ministry.sites, check=False)
    assert planned.code == 4 and "records-conflict" in planned.out
    refused = ministry.deploy(check=False)
    assert refused.code == 4 and "HN-T020" in refused.err and "same:" in refused.err
    assert ministry.logged_in(GONE, "binh", ministry.password(GONE, "binh")), "it still serves"
    assert ministry.people(HEIR)["logins"] == ["admin", "chi", "lan"]


def test_a_merge_brings_people_and_records_once_though_it_was_killed(ministry: Ministry) -> None:
    """Killed while it carries, continued by the same command. The two called lan are two people,
    so one is renamed in the application, as the message says."""
    admin = ministry.admin(HEIR)
    (lan,) = admin.call("model.res.user.search", [["login", "=", "lan"]], 0, 1, None, {})
    admin.call("model.res.user.write", [lan], {"login": "lan2"}, {})
    process = start("deploy", "--no-verify", sites=ministry.sites)
    said = []
    assert process.stdout
    for line in process.stdout:
        said.append(line)
        if "carrying" in line:
            break
    kill_tree(process)
    assert "carrying" in said[-1], "".join(said)
    done = ministry.deploy()
    print(done.err)
    assert f"left in {GONE} for its administrators" in done.err + "".join(said)
    assert "2 Address" in done.err
    there = ministry.people(HEIR)
    assert there[f"Unit {HEIR}"] == sorted(
        [f"lan of {GONE}", f"binh of {GONE}", f"chi of {HEIR}", f"lan of {HEIR}"]
    )
    assert there["logins"] == ["admin", "binh", "chi", "lan", "lan2"]
    for login in ("lan", "binh"):
        assert ministry.logged_in(HEIR, login, ministry.password(GONE, login)), login
    assert ministry.logged_in(HEIR, "lan2", ministry.password(HEIR, "lan"))
    assert not ministry.logged_in(HEIR, "lan", ministry.password(HEIR, "lan"))


def test_nobody_logs_in_to_the_closed_units_database_and_it_is_still_there(
    ministry: Ministry,
) -> None:
    leader = ministry.lab.leader()
    role = f"select rolcanlogin from pg_roles where rolname = '{database(GONE)}'"
    assert ministry.lab.sql(leader, role) == "f"
    users = "select count(*) from res_user where login in ('lan', 'binh')"
    assert ministry.lab.sql(leader, users, database(GONE)) == "2"


def test_another_deploy_carries_nothing_and_no_secret_is_kept(ministry: Ministry) -> None:
    again = hanoi(*DEPLOY, "--json", sites=ministry.sites)
    assert (again.json["pulumi_changes"], again.json["ansible_changes"]) == (0, 0)
    assert "carrying" not in again.err
    kept = (paths.state() / "records.json").read_text()
    assert "scrypt" not in kept and "argon" not in kept and "lan" not in json.loads(kept)
    (paths.state() / "records.json").unlink()
    ministry.deploy()  # looked at again: everything has come already
    assert ministry.people(HEIR)["logins"] == ["admin", "binh", "chi", "lan", "lan2"]
    assert len(ministry.people(HEIR)[f"Unit {HEIR}"]) == 4


def test_a_split_takes_those_who_are_stated_and_leaves_them(ministry: Ministry) -> None:
    names = ("--name-vi", "Đơn vị thứ ba", "--name-en", f"Unit {PART}")
    before = ministry.people(HEIR)
    ministry.unit("split", HEIR, PART, *names, "--applications", APP, "--carry", "chi,:013,ghost")
    # The new unit has no database yet, so the selection is all that can be looked at.
    refused = ministry.deploy(check=False)
    assert refused.code == 4 and "ghost is to come from" in refused.err
    edit(ministry.sites, f"units/{PART}.yaml", ", ghost", "")
    done = ministry.deploy()
    print(done.err)
    ministry.secrets = Secrets.open(paths.secrets())
    there = ministry.people(PART)
    assert there["logins"] == ["admin", "binh", "chi"]
    assert there[f"Unit {HEIR}"] == [f"binh of {GONE}", f"chi of {HEIR}"]
    assert ministry.logged_in(PART, "chi", ministry.password(HEIR, "chi"))
    assert ministry.logged_in(PART, "binh", ministry.password(GONE, "binh"))
    assert ministry.people(HEIR) == before, "nothing of them changes where they came from"


def test_the_closed_units_database_goes_only_when_told_to(ministry: Ministry) -> None:
    refused = hanoi("records", "finish", HEIR, APP, "--yes", sites=ministry.sites, check=False)
    assert refused.code == 4 and "HN-T025" in refused.err
    hanoi("records", "finish", GONE, APP, "--yes", "--quiet", sites=ministry.sites)
    count = f"select count(*) from pg_database where datname = '{database(GONE)}'"
    assert ministry.lab.sql(ministry.lab.leader(), count) == "0"
    shown = hanoi("records", "show", sites=ministry.sites)
    assert "carried on" in shown.out
