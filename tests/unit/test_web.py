"""A fourth application, added to a copy of the sample by one YAML file, an image and the lines
that choose it: requirements on its plan, stated literally. Its golden case is in tests/golden."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_diff import commit, git

import cli
from infra import images, paths
from infra.diff.owners import Owners
from infra.errors import HanoiError
from infra.model import Model, load
from infra.model.rules import demand
from infra.model.yamltext import parse
from infra.moves import refuse_unmovable
from infra.placement import Home, Place
from infra.plan import plan
from infra.resources import Container, Files, HostPlan, Plan
from infra.services import registered
from infra.services.per_unit import slots
from infra.services.web import PART
from tests.application import APP, CENTRAL, EXTERNAL, HERE, OWN, added

UNITS = (*CENTRAL, EXTERNAL, OWN)
SITES = ("ddn-1", "nd-1", "tdh-1")


@pytest.fixture
def shared(tmp_path: Path) -> Model:
    """One instance on each of the sites' hosts serves all units."""
    return load(added(tmp_path, *UNITS))


@pytest.fixture
def single(tmp_path: Path) -> Model:
    """An instance for each unit."""
    return load(added(tmp_path / "single", *UNITS, serves="one-unit"))


def _mine(host: HostPlan) -> dict[str, Container]:
    return {c.name: c for c in host.parts.containers if APP in c.name}


def _file(host: HostPlan, path: str) -> str:
    return next(f.content for f in host.parts.files if f.path == f"/etc/hanoi/{path}")


def _backend(made: Plan, host: str, name: str) -> list[str]:
    config = _file(made.host(host), "gateway/haproxy.cfg")
    lines = config.split(f"\nbackend {name}\n")[1].split("\n\n")[0].splitlines()
    return [line.strip() for line in lines if line.strip().startswith("server ")]


def test_nothing_but_the_description_was_added(tmp_path: Path) -> None:
    """No file of the toolkit names the application, and only its own files are new."""
    sites = added(tmp_path, *UNITS)
    old = {p.relative_to(paths.sites()) for p in paths.sites().rglob("*") if p.is_file()}
    new = {p.relative_to(sites) for p in sites.rglob("*") if p.is_file()} - old
    image = f"images/{APP}"
    assert {str(p) for p in new} == {
        f"apps/{APP}.yaml",
        f"{image}/Dockerfile",
        f"{image}/phan_anh.py",
    }
    for file in (paths.PACKAGE).rglob("*.py"):
        assert APP not in file.read_text("utf-8"), file


def test_every_site_has_an_instance_and_the_unit_has_its_own(shared: Model) -> None:
    made = plan(shared)
    for host in (*SITES, "vnnic-1"):
        assert set(_mine(made.host(host))) == {f"app-{APP}", f"tls-{APP}"}
    assert {d.unit: d.place for d in made.data if d.application == APP} == {
        "tt-thong-tin": "central",
        "vu-to-chuc-can-bo": "central",
        "vnnic": "own/vnnic-1",
    }
    assert [d.name for d in made.host("vnnic-1").parts.databases if "phan" in d.name] == [
        "phan_anh_vnnic"
    ]
    owners = {d.name: d.owner for d in made.common.databases if "phan" in d.name}
    assert owners == {n: n for n in ("phan_anh_tt_thong_tin", "phan_anh_vu_to_chuc_can_bo")}


def test_each_unit_has_an_instance_on_one_host(single: Model) -> None:
    made = plan(single)
    central = {f"app-{APP}-{unit}" for unit in CENTRAL}
    assert set(_mine(made.host("nd-1"))) == {*central, f"tls-{APP}"}
    assert set(_mine(made.host("tdh-1"))) == set()
    assert set(_mine(made.host("vnnic-1"))) == {f"app-{APP}-vnnic", f"tls-{APP}"}
    environment = dict(_mine(made.host("vnnic-1"))[f"app-{APP}-vnnic"].environment)
    assert environment["UNIT"] == "vnnic"
    assert environment["DATABASE_URL_FILE"] == "/etc/app/units/vnnic/database-url"


def test_gateways_reach_it_over_verified_tls_only(shared: Model, single: Model) -> None:
    (local, *others) = _backend(plan(shared), "nd-1", APP)
    assert local.startswith("server nd-1 172.30.1.") and not local.endswith(" backup")
    assert [o.split()[2] for o in others] == ["10.77.3.10:8700", "10.77.2.10:8700"]
    assert all(" ssl verify required verifyhost app-phan-anh " in o for o in (local, *others))
    (only,) = _backend(plan(single), "tdh-1", f"{APP}-tt-thong-tin-on-nd-1")
    assert " 10.77.1.10:8700 ssl verify required verifyhost app-phan-anh-tt-thong-tin " in only


def test_only_the_front_has_a_port_and_only_gateways_may_ask_it(shared: Model) -> None:
    made = plan(shared)
    for host in made.hosts:
        found = _mine(host)
        assert found[f"app-{APP}"].ports == ()
        assert [p.host_port for p in found[f"tls-{APP}"].ports] == [8700]
        mine = [o for o in host.parts.openings if o.port == 8700]
        gateways = {f"10.77.{n}.10/32" for n in (1, 2, 3)} - {f"{host.address}/32"}
        assert [set(o.sources) for o in mine] == [gateways]
        assert 8000 not in {o.port for o in host.parts.openings}
        config = _file(host, f"tls-{APP}/haproxy.cfg")
        assert "bind :8443 ssl crt /etc/haproxy/tls.pem ca-file" in config
        assert "verify required" in config
        assert "deny_status 403 unless { ssl_c_s_dn(cn) -m str gateway.mic.example }" in config
        server = config.split(f"backend app-{APP}\n")[1].split()
        assert server[:3] == ["server", f"app-{APP}", f"{found[f'app-{APP}'].address}:8000"]


def test_a_host_name_leads_to_the_units_own_instance(single: Model) -> None:
    lines = _file(plan(single).host("nd-1"), f"tls-{APP}/hosts.map").splitlines()
    for unit in CENTRAL:
        assert f"{APP}-{unit}.mic.example app-{APP}-{unit}" in lines
    assert len(lines) == 4


def test_an_external_system_is_joined_and_nothing_else(shared: Model) -> None:
    made = plan(shared)
    gateway = _file(made.host("nd-1"), "gateway/elsewhere.map")
    assert f"{APP}-{EXTERNAL}.mic.example https://phananh.thanhtra.example\n" in gateway
    assert EXTERNAL not in _file(made.host("nd-1"), f"app-{APP}/units.json")


def test_no_secret_is_where_everybody_reads_it(shared: Model, single: Model) -> None:
    for made in (plan(shared), plan(single)):
        for host in made.hosts:
            for container in _mine(host).values():
                assert "secret://" not in json.dumps([container.command, container.environment])
            for file in host.parts.files:
                if APP in file.path and ("#password" in file.content or "#key" in file.content):
                    assert file.mode == 0o400 and file.owner in ("10200", "10080"), file.path


def test_the_database_is_the_units_own_over_verified_tls(shared: Model) -> None:
    made = plan(shared)
    for host, unit, server in (
        ("nd-1", "tt-thong-tin", "database-proxy:6432"),
        ("vnnic-1", "vnnic", "own-database:5432"),
    ):
        url = _file(made.host(host), f"app-{APP}/units/{unit}/database-url")
        name = f"phan_anh_{unit.replace('-', '_')}"
        password = f"secret://db/{APP}-{unit}#password"
        assert url == (
            f"postgresql://{name}:{password}@{server}/{name}"
            "?sslmode=verify-full&sslrootcert=/etc/app/ca.crt\n"
        )


@pytest.mark.parametrize(("serves", "count"), [("many-units", 1), ("one-unit", 2)])
def test_memory_is_what_the_description_states(tmp_path: Path, serves: str, count: int) -> None:
    model = load(added(tmp_path, *UNITS, serves=serves))
    nd1 = next(h for s in model.sites for h in s.hosts if h.id == "nd-1")
    stated = dict(demand(model, nd1).parts)[APP]
    assert stated == count * 128 * 2**20
    assert sum(c.memory for c in _mine(plan(model).host("nd-1")).values()) == stated


def test_an_instance_stays_where_it_is_when_another_comes(tmp_path: Path) -> None:
    before = load(added(tmp_path / "before", CENTRAL[0], serves="one-unit"))
    after = load(added(tmp_path / "after", *CENTRAL, serves="one-unit"))
    there, then = (
        {n: (c.address, c.mounts) for n, c in _mine(plan(m).host("nd-1")).items()}
        for m in (before, after)
    )
    assert len(there) == 2 and len(then) == 3
    assert there.items() <= then.items()
    assert len({address for address, _ in then.values()}) == 3


def test_every_place_on_a_host_can_be_taken() -> None:
    names = [f"app-{n}" for n in range(22)]
    assert sorted(slots(names, 22).values()) == list(range(22))


def test_addresses_are_nobody_elses(shared: Model) -> None:
    """At the end of the roadmap, when everything is there."""
    for host in plan(shared, shared.roadmap.waves[-1].id).hosts:
        addresses = [c.address for c in host.parts.containers]
        ports = [p.host_port for c in host.parts.containers for p in c.ports]
        assert len(set(addresses)) == len(addresses)
        assert len(set(ports)) == len(ports)


def test_ports_for_such_applications_are_no_services(shared: Model) -> None:
    made = plan(shared, shared.roadmap.waves[-1].id)
    taken = {p.host_port for h in made.hosts for c in h.parts.containers for p in c.ports}
    assert {port for port in taken if 8700 <= port <= 8999} == {8700}


def with_files(directory: Path) -> Path:
    """A description in which it keeps files."""
    sites = added(directory, *UNITS, serves="one-unit")
    text = (sites / "apps" / f"{APP}.yaml").read_text()
    volumes = "  volumes: [{name: files, path: /var/lib/phan-anh}]\n  set_up:"
    (sites / "apps" / f"{APP}.yaml").write_text(text.replace("  set_up:", volumes))
    return sites


def test_files_are_on_volumes_that_a_move_takes_along(tmp_path: Path) -> None:
    sites = with_files(tmp_path)
    homes = {(APP, "vnnic"): Home(Place("ddn-1"))}
    made = plan(load(sites), homes=homes)
    found = {d.place: d for d in made.data if d.unit == "vnnic" and d.application == APP}
    assert {p: d.serving for p, d in found.items()} == {"central/ddn-1": True, "own/vnnic-1": False}
    assert {d.files for d in found.values()} == {(Files(f"{APP}-vnnic-files"),)}
    packages = {h.id: h.parts.packages for h in made.hosts}
    assert [h for h, p in packages.items() if "rsync" in p] == ["ddn-1", "vnnic-1"]
    container = _mine(made.host("vnnic-1"))[f"app-{APP}-vnnic"]
    assert [(m.source, m.target) for m in container.mounts if m.kind == "volume"] == [
        (f"{APP}-vnnic-files", "/var/lib/phan-anh")
    ]
    roles = {r.name: r.login for r in made.host("vnnic-1").parts.roles}
    assert roles["phan_anh_vnnic"] is False
    assert [o.id for o in made.host("vnnic-1").parts.oneoffs if APP in o.id] == []
    (server,) = _backend(made, "nd-1", f"{APP}-vnnic-on-ddn-1")
    assert server.startswith("server ddn-1 ")
    # Users can be sent to either at once: only maps change.
    (server,) = _backend(made, "nd-1", f"{APP}-on-vnnic-1")
    assert server.startswith("server vnnic-1 ")
    back = plan(load(sites), homes={(APP, "vnnic"): Home(Place("vnnic-1", True), Place("ddn-1"))})
    assert _backend(back, "nd-1", f"{APP}-vnnic-on-ddn-1")


def test_of_two_copies_with_one_database_one_is_let_in(tmp_path: Path) -> None:
    """The other is shown out by the database itself, whatever the application is."""
    unit = CENTRAL[0]
    described = load(with_files(tmp_path))
    first, second = Place("nd-1"), Place("tdh-1")

    def urls(home: Home) -> list[bool]:
        """Whether the copies at both places have a password."""
        made = plan(described, homes={(APP, unit): home})
        refuse_unmovable(made)
        path = f"app-{APP}-{unit}/units/{unit}/database-url"
        told = (_file(made.host(str(p.host)), path) for p in (first, second))
        return [f":secret://db/{APP}-{unit}#password@" in url for url in told]

    assert urls(Home(first, second)) == [True, False]
    assert urls(Home(first, second, paused=True)) == [False, False]
    assert urls(Home(second, first)) == [False, True]


def test_what_keeps_no_files_does_not_move_between_the_sites(tmp_path: Path) -> None:
    described = load(added(tmp_path, *UNITS, serves="one-unit"))
    with pytest.raises(HanoiError, match="HN-T010"):
        refuse_unmovable(plan(described, homes={(APP, CENTRAL[0]): Home(Place("tdh-1"))}))


def test_renaming_a_unit_replaces_no_container(tmp_path: Path) -> None:
    sites = added(tmp_path, *UNITS)
    before = plan(load(sites))
    file = sites / "units" / "tt-thong-tin.yaml"
    file.write_text(file.read_text() + "label: trung-tam\n")
    after = plan(load(sites))
    assert _mine(before.host("nd-1")) == _mine(after.host("nd-1"))
    units = json.loads(_file(after.host("nd-1"), f"app-{APP}/units.json"))
    assert units[f"{APP}-trung-tam.mic.example"] == "tt-thong-tin"


def test_the_image_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = added(tmp_path, *UNITS)
    monkeypatch.setenv("HANOI_SITES", str(sites))
    spec = images.ImageSpec(f"app-{APP}", 10200)
    assert dict(plan(load(sites)).images)[spec.name] == 10200
    before = images.tag(spec)
    outside = tmp_path / "outside"
    outside.write_text("one")
    images.content.forget()
    (sites / "images" / APP / "link").symlink_to(outside)
    assert images.tag(spec) == before, "a link brought in what is outside"
    images.content.forget()
    program = sites / "images" / APP / "phan_anh.py"
    program.write_text(program.read_text() + "\n")
    assert images.tag(spec) != before
    images.content.forget()


def test_a_review_sees_a_changed_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each side by the image's files of its own revision, whatever is on disk."""
    sites = added(tmp_path, *UNITS)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    program = sites / "images" / APP / "phan_anh.py"
    program.write_text(program.read_text() + "# another\n")
    commit(tmp_path)
    program.write_text("on disk only\n")
    monkeypatch.chdir(tmp_path)
    for name in ("STATE", "CACHE", "SECRETS"):
        monkeypatch.setenv(f"HANOI_{name}", str(tmp_path / name.lower()))
    arguments = ["--sites", str(sites), "diff", "HEAD~1..HEAD", "--format", "json"]
    told = json.loads(CliRunner().invoke(cli.main, arguments).stdout)
    found = {(c["operation"], c["kind"], c["name"]) for c in told["changes"]}
    assert found == {
        ("update", "image", f"app-{APP}"),
        ("replace", "container", f"app-{APP}"),
    }


def test_the_guide_shows_what_is_tested() -> None:
    guide = (paths.REPOSITORY / "docs" / "applications.md").read_text("utf-8")
    assert len(guide.splitlines()) <= 80
    yaml, dockerfile = (
        re.search(rf"```{kind}\n(.*?)```", guide, re.DOTALL)[1] for kind in ("yaml", "dockerfile")
    )
    tested = parse((HERE / "apps" / f"{APP}.yaml").read_text("utf-8")).data
    tested.pop("illustrative")
    assert parse(yaml).data == tested
    lines = (HERE / "images" / APP / "Dockerfile").read_text("utf-8").splitlines()
    assert set(dockerfile.splitlines()) <= set(lines)


def test_a_change_is_told_to_whom_it_concerns(shared: Model) -> None:
    owners = Owners(shared)
    assert owners.container(f"app-{APP}") == ((), (APP,))
    assert owners.container(f"tls-{APP}") == ((), (APP,))
    assert owners.container(f"app-{APP}-vnnic") == (("vnnic",), (APP,))
    path = f"/etc/hanoi/app-{APP}/units/tt-thong-tin/database-url"
    assert owners.file(path) == (("tt-thong-tin",), (APP,))
    assert owners.database("phan_anh_vnnic") == (("vnnic",), (APP,))


def test_the_module_is_found_by_registration() -> None:
    assert any(r.part == PART for r in registered()[0])
