"""The full lab (`make lab-full`): three applications, and all ways to run them. Every unit is
reached by its own name and can do its work."""

from __future__ import annotations

import random
import shlex
import ssl
import time

import pytest

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import Data, Page, Plan, secret
from infra.secrets import Secrets
from infra.services import backup, own_database, tryton
from infra.services.postgres import PGDATA
from tests.lab.conftest import hanoi
from tests.lab.gateway import connected
from tests.lab.staff import NotNow, Staff

pytestmark = pytest.mark.full

WAVE = "applications-pilot"
APPLICATIONS = {"personnel", "online-services", "documents"}
UNITS, MEMORY = 8, 16 * 2**30  # at least so many units, at most so much memory
AGAIN = 120  # seconds until an application must serve again from a restored database
STATISTICS = "/sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat"
IN_USE = ("inactive_anon", "active_anon", "active_file")
# What each application is there for: a check that does it for every unit through a gateway.
WORK = {"online-services": "SERV-01", "documents": "DOC-01"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The pilot's, deployed."""
    made = make_plan(load(paths.sites()), WAVE)
    hanoi("lab", "up", "--through", WAVE, "--quiet")
    hanoi("deploy", "--through", WAVE, "--quiet", "--no-verify")
    return made


@pytest.fixture(scope="module")
def secrets(plan: Plan) -> Secrets:
    return Secrets.open(paths.secrets())


def of_units(plan: Plan) -> list[Page]:
    return [p for p in plan.common.pages if p.unit]


def test_all_applications_and_all_ways_to_run_them_are_there(plan: Plan) -> None:
    units = {p.unit for p in of_units(plan)}
    assert len(units) >= UNITS
    assert {p.application for p in of_units(plan)} == APPLICATIONS
    ways = {"own" if d.place.startswith("own/") else "central" for d in plan.data}
    assert ways == {"own", "central"}
    assert any(p.status == 307 for p in of_units(plan)), "no unit has a system of its own"


def test_each_unit_is_reached_by_its_own_name_at_every_site(plan: Plan, secrets: Secrets) -> None:
    trust = ssl.create_default_context(cadata=secrets.resolve(secret("ca", "cert")))
    gateways = plan.running("gateway")
    assert len({p.url_host for p in of_units(plan)}) == len(of_units(plan))
    for gateway in gateways:
        for page in of_units(plan):
            with connected(gateway.address, page.url_host, trust) as connection:
                connection.request("GET", page.path, headers={"Connection": "close"})
                status = connection.getresponse().status
            assert status == page.status, (gateway.id, page)


def test_all_checks_pass_and_among_them_the_work_of_every_application(plan: Plan) -> None:
    report = hanoi("verify", "--through", WAVE, "--json", "--quiet").json
    passed = {c["id"] for c in report["checks"] if c["outcome"] == "passed"}
    assert set(WORK.values()) <= passed
    assert report["counts"]["failed"] == 0


def personnel(plan: Plan) -> list[Data]:
    return [d for d in plan.data if d.application == "personnel" and d.serving]


def staff_of(plan: Plan, secrets: Secrets, data: Data) -> Staff:
    """The administrator of a unit's personnel application, through the sites' gateways."""
    page = next(p for p in of_units(plan) if (p.application, p.unit) == ("personnel", data.unit))
    return Staff(
        [h.address for h in plan.hosts if not h.own],
        page.url_host,
        data.database,
        secrets.value(f"personnel/admin/{data.unit}", "password"),
        secrets.resolve(secret("ca", "cert")),
    )


def test_an_employee_is_created_and_read_back_in_every_unit(plan: Plan, secrets: Secrets) -> None:
    assert len(personnel(plan)) >= 3
    for data in personnel(plan):
        staff = staff_of(plan, secrets, data)
        employed(staff, f"Nguyễn Thị Kiểm Thử {random.randrange(10**6)}")


def employed(staff: Staff, name: str) -> None:
    """A company with one employee; both go again."""
    made: list[tuple[str, int]] = []

    def create(model: str, **values: object) -> int:
        made.append((model, int(staff.call(f"model.{model}.create", [values], {})[0])))
        return made[-1][1]

    try:
        currency = create("currency.currency", name=name, symbol="₫", code=name[-3:])
        company = create(
            "company.company",
            party=create("party.party", name=f"{name} (đơn vị)"),
            currency=currency,
        )
        person = create("party.party", name=name)
        employee = create("company.employee", party=person, company=company)
        (row,) = staff.call("model.company.employee.read", [employee], ["rec_name"], {})
        assert row["rec_name"] == name
    finally:
        for model, number in reversed(made):
            staff.call(f"model.{model}.delete", [number], {})


# What docs/moves.md tells an operator, on a server that has lost its databases' files.
LOSE = f"rm -rf {PGDATA}/base {PGDATA}/global"
RESTORE = f"""
image=$(docker inspect -f '{{{{.Image}}}}' {own_database.NAME})
docker stop {tryton.NAME} {own_database.NAME}
docker run --rm --volumes-from {own_database.NAME} "$image" sh -c '{LOSE}'
docker run --rm --volumes-from {own_database.NAME} "$image" \\
    pgbackrest --config=/etc/postgres/pgbackrest.conf --stanza=own --delta restore
docker start {own_database.NAME} {tryton.NAME}
"""


def test_a_units_own_database_is_restored_from_its_copy(plan: Plan, secrets: Secrets) -> None:
    """With what was written after the copy was made: the write-ahead log is kept as well."""
    own = next(d for d in personnel(plan) if d.place.startswith("own/"))
    host = own.place.removeprefix("own/")
    staff = staff_of(plan, secrets, own)
    name = f"Trần Văn Phục Hồi {random.randrange(10**6)}"
    staff.add(f"{name} trước")
    root(host, f"systemctl start {backup.SERVICE}")
    staff.add(f"{name} sau")
    switch = "psql -X -h /run/postgresql -U postgres -c 'select pg_switch_wal()'"
    root(host, f"docker exec {own_database.NAME} {switch}")
    root(host, RESTORE)
    end = time.monotonic() + AGAIN
    while True:
        try:
            found = staff.names(name)
            break
        except NotNow:
            assert time.monotonic() < end, "it does not serve again"
            time.sleep(1)
    assert sorted(found) == [f"{name} sau", f"{name} trước"]


def root(host: str, script: str) -> str:
    return hanoi("lab", "ssh", host, f"sudo sh -euc {shlex.quote(script)}").out


def test_it_fits_the_memory(plan: Plan) -> None:
    """All hosts of the lab together, without what the kernel gives back when it is asked."""
    used = 0
    for host in plan.hosts:
        # A host's own control group holds all its containers.
        said = hanoi("lab", "ssh", host.id, f"sudo cat {STATISTICS} 2>/dev/null; true").out
        numbers = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
        whole = "total_" if "total_rss" in numbers else ""  # the first version of control groups
        used += sum(int(numbers[whole + name]) for name in IN_USE)
    print(f"{used / 2**30:.1f} GiB on {len(plan.hosts)} hosts")
    assert 0 < used <= MEMORY
