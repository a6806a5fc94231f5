"""The form for programs: its shape, and nothing lost in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from report_forms import everywhere
from reports import DANGEROUS, EMPTY, RENAME, SMALL, large

from infra.report import render
from infra.report.content import Report

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("of", [EMPTY, RENAME, SMALL, DANGEROUS, large(50), everywhere("x")])
def test_every_report_is_as_the_schema_says(of: Report) -> None:
    jsonschema.validate(json.loads(render(of, "json")), SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), 2),
        (("source",), "guess"),
        (("changes", 0, "operation"), "destroy"),
        (("changes", 0, "more"), "x"),
        (("summary", "findings", 0, "severity"), "low"),
        (("summary", "data", 0, "effect"), "lost"),
        (("counts", "all", "destroy"), 1),
        (("empty",), "no"),
    ],
)
def test_the_schema_refuses_another_shape(place, value) -> None:
    document = json.loads(render(DANGEROUS, "json"))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_the_schema_closes_every_object() -> None:
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    assert [o for o in objects if o.get("additionalProperties") is True] == []
    assert all("additionalProperties" in o for o in objects if "properties" in o)


def test_everything_is_in_it() -> None:
    document = json.loads(render(DANGEROUS, "json"))
    assert document["format"] == 1
    assert document["ministry"] == {
        "vi": "Bộ Thông tin và Truyền thông",
        "en": "Ministry of Information and Communications",
    }
    plain = json.loads(json.dumps(asdict(DANGEROUS)))
    assert document["summary"] == plain["summary"]
    key = lambda c: (c["site"], c["host"], c["kind"], c["name"])  # noqa: E731
    assert sorted(document["changes"], key=key) == sorted(plain["changes"], key=key)
    assert [c["name"] for c in document["changes"]] == [
        "personnel_thanh_tra", "gateway", "tcp/443", "postgres", "postgres", "etcd",
    ]  # fmt: skip
    assert document["counts"]["all"] == {"delete": 2, "create": 2, "restart": 1, "update": 1}
    assert document["counts"]["hosts"][2] == {
        "site": "nguyen-du", "host": "nd-1", "counts": {"delete": 2}
    }  # fmt: skip
    assert document["hosts"][0] == {"host": "ddn-1", "site": "duong-dinh-nghe"}


def test_it_is_the_same_however_the_changes_come() -> None:
    turned = Report(**{**vars(DANGEROUS), "changes": DANGEROUS.changes[::-1]})
    assert render(turned, "json") == render(DANGEROUS, "json")


def test_an_empty_report_says_so() -> None:
    assert render(EMPTY, "json").startswith(
        '{\n  "base": "main (1a2b3c4)",\n  "changes": [],\n  "counts": {\n    "all": {},\n'
        '    "hosts": []\n  },\n  "empty": true,\n  "format": 1,\n'
    )
