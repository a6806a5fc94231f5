"""A small application, and what adds it to a copy of the sample: its YAML file, its image, and
a line for each unit and in the roadmap. docs/applications.md tells operators the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra import paths

HERE = Path(__file__).parent
APP = "phan-anh"
CENTRAL = ("tt-thong-tin", "vu-to-chuc-can-bo")
EXTERNAL, OWN = "thanh-tra", "vnnic"
CHOICES = {
    **dict.fromkeys(CENTRAL, f"  {APP}: {{mode: central}}\n"),
    EXTERNAL: f'  {APP}: {{mode: external, endpoint: "https://phananh.thanhtra.example/"}}\n',
    OWN: f"""  {APP}:
    mode: self-hosted
    host: vnnic-1
    backup: {{directory: /srv/backup, at: "01:30", keep: 14}}
""",
}
ENTRY = "      - app: personnel\n        units: [tt-thong-tin, vu-to-chuc-can-bo]\n"


def added(directory: Path, *units: str, serves: str = "many-units") -> Path:
    """A copy of the sample below the directory, with the application for these units in the
    roadmap's current wave."""
    sites = Path(shutil.copytree(paths.sites(), directory / "sites"))
    shutil.copytree(HERE / "images", sites / "images")
    description = (HERE / "apps" / f"{APP}.yaml").read_text("utf-8")
    (sites / "apps" / f"{APP}.yaml").write_text(
        description.replace("serves: many-units", f"serves: {serves}"), "utf-8"
    )
    for unit in units:
        _insert(sites / "units" / f"{unit}.yaml", "applications:\n", CHOICES[unit])
    entry = f"      - app: {APP}\n        units: [{', '.join(units)}]\n"
    _insert(sites / "roadmap.yaml", ENTRY, entry)
    return sites


def _insert(file: Path, after: str, text: str) -> None:
    content = file.read_text("utf-8")
    assert content.count(after) == 1, f"{file.name} no longer holds {after!r} once"
    file.write_text(content.replace(after, after + text), "utf-8")
