"""The sample is the ministry of the report, and the model keeps what it promises."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from infra.model import Model, demand, json_schema, load
from infra.model.jsonschema import rendered
from infra.model.schema import KINDS, Central, External, SelfHosted
from infra.model.yamltext import parse

SITES = Path(__file__).resolve().parents[2] / "sites"
FOLDERS = {"sites": "site", "units": "unit", "apps": "app"}
FILES = sorted(SITES.rglob("*.yaml"))


def kind_of(file: Path) -> str:
    return FOLDERS.get(file.parent.name, "") if file.parent != SITES else file.stem


@pytest.fixture(scope="module")
def model() -> Model:
    return load(SITES)


def test_three_sites_each_with_one_host(model: Model) -> None:
    places = {s.id: [(h.id, str(h.address)) for h in s.hosts] for s in model.sites}
    assert places == {
        "duong-dinh-nghe": [("ddn-1", "10.77.3.10")],
        "nguyen-du": [("nd-1", "10.77.1.10")],
        "tran-duy-hung": [("tdh-1", "10.77.2.10")],
    }
    assert model.hub.id == "nguyen-du"
    assert [str(s.container_network) for s in model.sites] == [
        "172.30.3.0/24", "172.30.1.0/24", "172.30.2.0/24",
    ]  # fmt: skip


def test_the_units_are_those_of_the_decree(model: Model) -> None:
    assert len(model.units) == 25
    assert {u.name.vi for u in model.units} == {
        "Vụ Bưu chính", "Vụ Công nghệ thông tin", "Vụ Khoa học và Công nghệ",
        "Vụ Kế hoạch - Tài chính", "Vụ Quản lý doanh nghiệp", "Vụ Hợp tác quốc tế",
        "Vụ Pháp chế", "Vụ Thi đua - Khen thưởng", "Vụ Tổ chức cán bộ", "Thanh tra",
        "Văn phòng", "Cục Bưu điện Trung ương", "Cục Tần số vô tuyến điện", "Cục Viễn thông",
        "Cục Tin học hóa", "Cục An toàn thông tin", "Cục Báo chí",
        "Cục Phát thanh, truyền hình và thông tin điện tử", "Cục Xuất bản, In và Phát hành",
        "Cục Thông tin cơ sở", "Cục Thông tin đối ngoại", "Cục Công tác phía Nam",
        "Viện Chiến lược Thông tin và Truyền thông", "Trung tâm Thông tin",
        "Trung tâm Internet Việt Nam",
    }  # fmt: skip


def test_the_modes_are_mixed_and_the_sample_says_it_is_one(model: Model) -> None:
    modes = {type(c) for u in model.units for c in u.applications.values()}
    assert modes == {Central, SelfHosted, External}
    assert all(x.illustrative for x in (*model.units, *model.sites, *model.apps, model.roadmap))


def test_procedures_are_as_the_report_states_them(model: Model) -> None:
    procedures = model.ministry.procedures
    assert procedures is not None and procedures.total == 232
    assert [(g.level, g.count) for g in procedures.groups] == [
        (4, 17), (3, 12), (2, 11), (2, 14), (2, 51), (2, 130),
    ]  # fmt: skip
    assert procedures.difference == 3 and "does not say" in (procedures.note or "")


def test_waves_lead_to_the_pilot(model: Model) -> None:
    assert [w.id for w in model.waves_through()] == [
        "infrastructure",
        "database",
        "personnel-pilot",
    ]
    pilot = model.waves_through()[-1].applications[0]
    assert (pilot.app, pilot.units) == ("personnel", ("tt-thong-tin", "vu-to-chuc-can-bo"))


def test_a_host_is_asked_for_the_database_and_the_central_applications(model: Model) -> None:
    asked = demand(model, model.hub.hosts[0])
    assert asked.parts == (
        ("database", 2**30),
        ("documents", 15 * 2**30),  # an instance for each unit whose home is here
        ("online-services", 896 * 2**20),
        ("personnel", 512 * 2**20),
    )
    assert asked.memory == (2432 + 15 * 1024) * 2**20
    assert asked.cpus == 8.5


def test_a_unit_host_is_asked_for_what_its_unit_put_on_it(model: Model) -> None:
    assert demand(model, model.unit("vnnic").hosts[0]).parts == (("personnel", 512 * 2**20),)


def test_loading_twice_gives_the_same(model: Model) -> None:
    assert load(SITES).model_dump_json() == model.model_dump_json()


@pytest.mark.parametrize("kind", KINDS)
def test_committed_json_schema_is_the_generated_one(kind: str) -> None:
    committed = (SITES / ".schema" / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert committed == rendered(kind), "run python -m infra.model.jsonschema"
    jsonschema.Draft202012Validator.check_schema(json.loads(committed))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_an_editor_finds_the_schema_and_agrees(file: Path) -> None:
    first, _, rest = file.read_text(encoding="utf-8").partition("\n")
    marker = "# yaml-language-server: $schema="
    assert first.startswith(marker)
    assert (
        file.parent / first.removeprefix(marker)
    ).resolve().name == f"{kind_of(file)}.schema.json"
    jsonschema.validate(parse(rest).data, json_schema(kind_of(file)))


def test_an_editor_refuses_what_load_refuses() -> None:
    unit = parse((SITES / "units" / "vnnic.yaml").read_text(encoding="utf-8")).data
    unit["applications"]["personnel"] = {"mode": "central", "endpoint": "https://vnnic.example/"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(unit, json_schema("unit"))


def test_a_large_sound_model_costs_one_pass_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are looked up for faulty files only; of 1,000 units that is what keeps it fast."""
    for file in FILES:
        (tmp_path / file.relative_to(SITES)).parent.mkdir(exist_ok=True)
        (tmp_path / file.relative_to(SITES)).write_bytes(file.read_bytes())
    pattern = (SITES / "units" / "vu-buu-chinh.yaml").read_text(encoding="utf-8")
    for n in range(1000):
        text = pattern.replace("id: vu-buu-chinh", f"id: unit-{n}")
        text = text.replace("  documents:\n    mode: central\n", "")  # an instance each: no room
        (tmp_path / "units" / f"unit-{n}.yaml").write_text(text, encoding="utf-8")
    passes: list[str] = []
    real = yaml.CSafeLoader
    monkeypatch.setattr(yaml, "CSafeLoader", lambda text: passes.append(text) or real(text))
    assert len(load(tmp_path).units) == 1025
    assert len(passes) == len(list(tmp_path.rglob("*.yaml")))
