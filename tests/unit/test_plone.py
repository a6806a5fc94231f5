"""Online public services on Plone: requirements on the plan, stated literally."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from infra.diff.common import _oneoffs
from infra.diff.owners import Owners
from infra.plan import plan
from infra.resources import HostPlan, Plan, digest
from infra.services import render
from tests.golden.model import model, online_services

WAVE = "online-services"
PORTAL = "online-services-tt-thong-tin.mic.example"


@pytest.fixture
def made() -> Plan:
    return plan(model(online_services()), WAVE)


def _file(host: HostPlan, path: str) -> str:
    return next(f.content for f in host.parts.files if f.path == f"/etc/hanoi/{path}")


def _facts(host: HostPlan) -> dict[str, Any]:
    return json.loads(_file(host, "plone/plone.json"))["units"]


def test_every_site_has_an_instance_and_each_unit_a_database_with_its_own_role(made: Plan) -> None:
    for host in ("nd-1", "tdh-1", "ddn-1"):
        assert made.host(host).container("plone").memory == 896 * 2**20
    names = {
        "online_services",
        "online_services_tt_thong_tin",
        "online_services_vu_to_chuc_can_bo",
    }
    found = {d.name: d.owner for d in made.common.databases if d.name.startswith("online")}
    assert found == {n: n for n in names}
    passwords = {r.name: r.password for r in made.common.roles if r.name in names}
    assert len(set(passwords.values())) == 3


def test_each_database_is_opened_by_its_role_over_verified_tls_without_a_password(
    made: Plan,
) -> None:
    config = _file(made.host("tdh-1"), "plone/zope.conf")
    assert re.findall(r"mount-point (\S+)", config) == [
        "/",
        "/tt-thong-tin",
        "/vu-to-chuc-can-bo",
    ]
    for dsn in re.findall(r"dsn (.*)", config):
        words = dict(w.split("=", 1) for w in dsn.split() if "=" in w)
        assert words["dbname"] == words["user"]
        assert (words["host"], words["sslmode"]) == ("database-proxy", "verify-full")
        assert words["passfile"] == "/etc/plone/pgpass" and "password" not in words
    assert "secret://" not in config
    logins = _file(made.host("tdh-1"), "plone/pgpass").splitlines()
    assert [line.split(":")[2:4] for line in logins] == [
        [n, n]
        for n in (
            "online_services",
            "online_services_tt_thong_tin",
            "online_services_vu_to_chuc_can_bo",
        )
    ]


def test_only_the_portals_site_has_the_procedures(made: Plan) -> None:
    facts = _facts(made.host("nd-1"))
    procedures = facts["tt-thong-tin"]["site"]["procedures"]
    assert procedures["total"] == 4 and sum(g["count"] for g in procedures["groups"]) == 5
    assert facts["vu-to-chuc-can-bo"]["site"]["procedures"] is None


def test_a_gateway_puts_the_units_site_before_the_path_and_lets_nothing_lead_out_of_it(
    made: Plan,
) -> None:
    gateway = made.host("nd-1")
    prefixes = dict(
        line.split(" ", 1) for line in _file(gateway, "gateway/prefixes.map").splitlines()
    )
    assert prefixes[PORTAL] == (
        f"/VirtualHostBase/https/{PORTAL}:443/tt-thong-tin/site/VirtualHostRoot"
    )
    config = _file(gateway, "gateway/haproxy.cfg")
    acl = next(line for line in config.splitlines() if "leaves_prefix path" in line)
    refused = re.compile(acl.split("-m reg ")[1])
    for path in (
        "/..",
        "/a/../b",
        "/manage",
        "/manage_main",
        "/acl_users/manage_workspace",
        "/VirtualHostRoot/x",
        "/VirtualHostBase/http/x:80",
        "/_vh_a/b",
    ):
        assert refused.search(path), path
    for path in ("/", "/level-4/thu-tuc-001", "/@@manage-portlets", "/a..b", "/++api++/x"):
        assert not refused.search(path), path
    deny = config.index("http-request deny deny_status 404 if has_prefix leaves_prefix")
    assert deny < config.index("http-request set-path")


def test_renaming_a_unit_changes_its_sites_facts_and_nothing_that_runs(made: Plan) -> None:
    renamed = online_services()
    renamed["units"][0]["name"] = {"vi": "Tên mới", "en": "A new name"}
    after = plan(model(renamed), WAVE)
    for host in ("nd-1", "tdh-1", "ddn-1"):
        before, now = made.host(host), after.host(host)
        assert digest(before.container("plone")) == digest(now.container("plone"))
        changed = {f.path for f in now.parts.files} - {
            f.path for f in set(now.parts.files) & set(before.parts.files)
        }
        assert "/etc/hanoi/plone/plone.json" in changed
        for file in now.parts.files:
            if file.path in changed and "/plone/" in file.path:
                assert file.actions == (), f"{file.path}: a rename loads nothing again"
    assert _facts(after.host("nd-1"))["tt-thong-tin"]["site"]["title"] == "Tên mới"
    assert made.common.databases == after.common.databases
    assert made.common.oneoffs == after.common.oneoffs


def test_a_review_says_whose_site_is_renewed(made: Plan) -> None:
    renamed = online_services()
    renamed["units"][0]["name"] = {"vi": "Tên mới", "en": "A new name"}
    models = model(online_services()), model(renamed)
    after = plan(models[1], WAVE)
    found = [c for c in _oneoffs(made, after, Owners(*models)) if c.kind == "one-off"]
    assert [(c.name, c.operation) for c in found] == [("online-services-tt-thong-tin", "update")]
    assert not list(_oneoffs(made, made, Owners(*models)))


def test_a_unit_on_its_own_host_is_served_there_from_its_own_database(made: Plan) -> None:
    own = made.host("vnnic-1")
    assert list(_facts(own)) == ["vnnic"]
    config = _file(own, "plone/zope.conf")
    assert "host=own-database port=5432" in config and "database-proxy" not in config
    assert {d.name for d in own.parts.databases} == {"online_services", "online_services_vnnic"}
    assert [o.id for o in own.parts.oneoffs] == ["online-services-vnnic"]
    assert "vnnic" not in _facts(made.host("nd-1"))
    hosts = _file(made.host("nd-1"), "gateway/hosts.map")
    assert "online-services-vnnic.mic.example online-services-on-vnnic-1\n" in hosts
    assert "online-services-vnnic.mic.example " in _file(made.host("nd-1"), "gateway/prefixes.map")


def test_secrets_are_read_by_the_container_only(made: Plan) -> None:
    for file in made.host("nd-1").parts.files:
        if file.path.startswith("/etc/hanoi/plone/") and re.search("#(key|password)", file.content):
            assert (file.mode, file.owner) == (0o400, "10074"), file.path


class Zope:
    """As much of it as databases.py asks for: the modules are not here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *keeps_out: str) -> None:
        self.keeps_out, self.asked, self.mounted = set(keeps_out), list[str](), list[str]()
        dbtab = SimpleNamespace(
            getDatabase=self.open, getDatabaseFactory=self.factory, databases={}
        )
        units = {"FACTS": {"units": {"moving": {}, "other": {}, "new": {}}}}
        done = dict.fromkeys(("commit", "abort"), lambda: None)
        visits = {"_getOrOpenObject": lambda self, parent: f"the site of {self.id}"}
        self.point = type("MountedObject", (), visits)
        self.table = type("DBTab", (), {"listMountPaths": lambda self: [("/", "a")]})
        modules: dict[str, dict[str, Any]] = {
            "ask": {**units, "made_from": lambda unit: None if unit == "new" else "a digest"},
            "transaction": done,
            "App.ZApplication": {"ZApplicationWrapper": self.wrapper},
            "OFS.Application": {"Application": object},
            "App.config": {"getConfiguration": lambda: SimpleNamespace(dbtab=dbtab)},
            "Products.ZODBMountPoint.MountedObject": {
                "manage_addMounts": self.mount,
                "MountedObject": self.point,
            },
            "Zope2.Startup.datatypes": {"DBTab": self.table},
        }
        for name, content in modules.items():
            monkeypatch.setitem(sys.modules, name, SimpleNamespace(**content))
        self.databases: dict[str, Any] = {}
        exec(compile(render("plone/databases.py"), "databases.py", "exec"), self.databases)

    def open(self, path: str) -> None:
        self.asked.append(path)
        if path[1:] in self.keeps_out:
            raise RuntimeError(f'role "{path[1:]}" is not permitted to log in')

    def factory(self, path: str) -> Any:
        assert path == "/"
        return SimpleNamespace(open=lambda name, databases: name)

    def wrapper(self, own: str, name: str, _: type) -> Any:
        """Gives Zope's own application, by the connections of that name."""
        jar = SimpleNamespace(close=lambda: None)
        return lambda: SimpleNamespace(objectIds=lambda: self.mounted, _p_jar=jar, by=own)

    def mount(self, _: Any, paths: tuple[str, ...], **__: bool) -> None:
        self.mounted += [p[1:] for p in paths]


def test_a_database_that_lets_nobody_in_keeps_only_its_own_unit_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zope = Zope(monkeypatch, "moving")
    opened = zope.databases["opened"]
    zope.databases["when_asked"]()
    assert zope.table().listMountPaths() == [], "Zope opens none by itself"
    assert (opened("moving"), opened("other"), opened("moving")) == (False, True, False)
    assert capsys.readouterr().out.count("not permitted") == 2
    zope.keeps_out.clear()
    assert opened("moving") and opened("moving") and opened("other")
    assert zope.asked == ["/moving", "/other", "/moving", "/moving"], "what is open is not asked"


def test_a_database_that_came_from_elsewhere_joins_zopes_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zope = Zope(monkeypatch)
    opened = zope.databases["opened"]
    zope.mounted += ["other"]
    assert opened("moving") and opened("other") and zope.mounted == ["other", "moving"]
    assert not opened("new"), "its site is being made"
    assert opened("no-unit"), "Zope says that there is none"
    assert zope.mounted == ["other", "moving"]


def test_no_two_units_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    zope = Zope(monkeypatch)
    root = zope.databases["Root"](lambda: SimpleNamespace(by="of nobody"))
    seen = [root().by]
    for unit in ("moving", "other", "moving", "no-unit"):
        assert zope.databases["opened"](unit)
        zope.databases["REQUEST"].unit = unit
        seen.append(root().by)
    assert seen == ["of nobody", "/ for moving", "/ for other", "/ for moving", "of nobody"]


def test_no_request_opens_the_database_of_another_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below one unit's site that names another would join their connections."""
    zope = Zope(monkeypatch)
    zope.databases["when_asked"]()
    moving, other = zope.point(), zope.point()
    moving.id, other.id = "moving", "other"
    visited = other._getOrOpenObject(None), moving._getOrOpenObject(None)
    assert visited == ("the site of other", "the site of moving"), "whoever makes sites visits all"
    assert zope.databases["opened"]("other")
    assert other._getOrOpenObject(None) == "the site of other"
    with pytest.raises(LookupError):
        moving._getOrOpenObject(None)
