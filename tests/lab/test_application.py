"""A fourth application on the real lab, by its YAML file and its image: it is there for two units
at every site, it is checked like the others, and it is taken out again."""

from __future__ import annotations

import json
import ssl
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import Plan
from infra.secrets import Secrets
from infra.verify import Check, verify
from tests.application import APP, CENTRAL, added
from tests.lab.breaks import IMAGE, PSQL, RULES, Break, changed, reload
from tests.lab.conftest import Lab, hanoi
from tests.lab.gateway import connected
from tests.lab.test_breaks import Planting, assert_caught

pytestmark = [pytest.mark.lab, pytest.mark.long]

MINE, OTHER = CENTRAL
NOTICED = 60  # seconds until a gateway must have noticed that its instance is away
_FRONT = f"/etc/hanoi/tls-{APP}/haproxy.cfg"
BREAKS = (
    Break(
        "its TLS asks for no certificate",
        "nd-1",
        "WEB-01",
        *changed(
            _FRONT, f"sed -i 's/ verify required/ verify none/' {_FRONT}", reload(f"tls-{APP}")
        ),
    ),
    Break(
        "its database is open to everybody",
        "leader",
        "WEB-02",
        f"{PSQL} 'grant connect on database phan_anh_tt_thong_tin to public'",
        f"{PSQL} 'revoke connect on database phan_anh_tt_thong_tin from public'",
    ),
    Break(
        "it answers in plain text",
        "tdh-1",
        "WEB-03",
        "nft insert rule inet hanoi from-outside tcp dport 8000 accept &&"
        " docker run -d --name hanoi-break -p 10.77.2.10:8000:8000"
        f" {IMAGE.replace('database-proxy', f'app-{APP}')} python3 -m http.server 8000 &&"
        " sleep 2",
        f"docker rm -f hanoi-break; {RULES}",
    ),
)


@dataclass
class Added:
    """The lab with the application, and its users."""

    lab: Lab
    plan: Plan
    sites: Path
    authority: str

    def ask(self, host: str, unit: str, path: str, text: str = "") -> tuple[int, str]:
        """What a site's gateway answers at the unit's name; text: said by a form."""
        name = f"{APP}-{unit}.mic.example"
        trusted = ssl.create_default_context(cadata=self.authority)
        address = self.plan.host(host).address
        with connected(address, name, trusted, 15) as connection:
            body = urllib.parse.urlencode({"text": text}) if text else None
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if text else {}
            connection.request("POST" if text else "GET", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()


@pytest.fixture(scope="module")
def application(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Added]:
    sites = added(tmp_path_factory.mktemp("application"), *CENTRAL)
    try:
        hanoi("deploy", "--quiet", "--no-verify", sites=sites)
        authority = Secrets.open(create=False).value("ca", "cert")
        yield Added(deployed, make_plan(load(sites)), sites, authority)
    finally:
        hanoi("deploy", "--quiet", "--no-verify")
        leader = deployed.leader()
        for unit in CENTRAL:
            name = f"{APP}-{unit}".replace("-", "_")
            deployed.sql(leader, f"drop database if exists {name} with (force)")
            deployed.sql(leader, f"drop role if exists {name}")


def test_what_is_said_at_one_site_is_read_at_another(application: Added) -> None:
    said = f"Thủ tục quá lâu {uuid.uuid4().hex}"
    assert application.ask("nd-1", MINE, "/", said)[0] == 303
    for host in ("tdh-1", "ddn-1", "nd-1"):
        status, text = application.ask(host, MINE, "/rows")
        assert status == 200 and json.loads(text).count(said) == 1, host
        assert json.loads(application.ask(host, OTHER, "/rows")[1]).count(said) == 0, host


def test_it_is_served_while_its_own_site_does_not_answer(application: Added) -> None:
    """The gateway of a site whose instance is away asks another site's."""
    application.lab.root("tdh-1", f"docker stop app-{APP}")
    try:
        end = time.monotonic() + NOTICED
        while application.ask("tdh-1", MINE, "/rows")[0] != 200:
            assert time.monotonic() < end
            time.sleep(1)
    finally:
        health = f"docker inspect -f '{{{{.State.Health.Status}}}}' app-{APP}"
        again = f'until [ "$({health})" = healthy ]; do sleep 1; done'
        application.lab.root("tdh-1", f"docker start app-{APP}; {again}")


def test_a_second_deploy_changes_nothing(application: Added) -> None:
    again = hanoi("deploy", "--quiet", "--no-verify", "--json", sites=application.sites).json
    assert again["pulumi_changes"] == 0


@pytest.fixture(scope="module")
def before(application: Added) -> tuple[Check, ...]:
    return verify(application.plan).checks


@pytest.fixture(scope="module")
def planting(application: Added, before: tuple[Check, ...]) -> Planting:
    return Planting(application.lab, application.plan, before, BREAKS)


def test_all_checks_hold(before: tuple[Check, ...]) -> None:
    """Its own, and those that hold for every container, file, page and certificate."""
    assert [c for c in before if c.outcome not in ("passed", "skipped")] == []
    assert {c.id for c in before if c.outcome == "passed"} >= {b.control for b in BREAKS}


@pytest.mark.parametrize("planted", BREAKS, ids=lambda b: b.control)
def test_a_break_is_caught(planted: Break, planting: Planting) -> None:
    assert_caught(planted, planting.told(planted))


def test_it_is_taken_out_again(application: Added) -> None:
    """By the description alone. Its databases stay until somebody removes them."""
    hanoi("deploy", "--quiet", "--no-verify")
    for host in application.lab.plan.hosts:
        names = application.lab.root(host.id, "docker ps -a --format '{{.Names}}'")
        assert APP not in names
        rules = application.lab.root(host.id, "nft list table inet hanoi")
        assert "8700" not in rules
        assert application.lab.root(host.id, f"ls /etc/hanoi | grep {APP} || true") == ""
    with pytest.raises(ssl.SSLCertVerificationError):  # no site has its name any more
        application.ask("nd-1", OTHER, "/rows")
