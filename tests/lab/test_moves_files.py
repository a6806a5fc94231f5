"""Documents of a unit moved to its own host and back while its users put in more: none is lost or
there twice, and each is found by its text afterwards."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.archive import Adding, Archive
from tests.lab.conftest import Lab, hanoi
from tests.lab.test_deploy import edit
from tests.lab.test_moves import PAUSE_MOST, wait_for

pytestmark = pytest.mark.long

UNIT, APP = "tt-thong-tin", "documents"
HOST, ADDRESS = "ttt-1", "10.77.9.40"
CENTRAL, OWN = "central/nd-1", f"own/{HOST}"
WAVE = """      - app: personnel
        units: [tt-thong-tin, vu-to-chuc-can-bo]
"""
DOCUMENTS = f"""      - app: {APP}
        units: [{UNIT}]
"""
PLAIN = "  documents:\n    mode: central\n"
OWN_CHOICE = f"""  documents:
    mode: self-hosted
    host: {HOST}
    backup:
      directory: /srv/backup
"""
OWN_HOST = f"""hosts:
  - id: {HOST}
    address: {ADDRESS}
    cpus: 2
    memory: 4GiB
    storage: 50GiB
"""
SEARCHED = 300  # seconds until the last document is read and indexed


@dataclass
class Unit:
    """A description in which one unit has its documents, and may host them itself."""

    lab: Lab
    sites: Path
    secrets: Secrets

    def archive(self) -> Archive:
        return Archive(
            [h.address for h in self.lab.plan.hosts],
            f"{APP}-{UNIT}.mic.example",
            self.secrets.value(f"{APP}/admin/{UNIT}", "password"),
            self.secrets.resolve(secret("ca", "cert")),
        )

    def choose(self, own: bool) -> None:
        edit(
            self.sites, f"units/{UNIT}.yaml", *((PLAIN, OWN_CHOICE) if own else (OWN_CHOICE, PLAIN))
        )

    def moved(self) -> dict[str, Any]:
        found = json.loads(hanoi("move", "status", "--json", sites=self.sites).out)
        return next(dict(m) for m in found if m["application"] == APP)

    def home(self) -> dict[str, Any]:
        homes = json.loads((paths.state() / "homes.json").read_text())
        return dict(homes[f"{APP}/{UNIT}"])


@pytest.fixture(scope="module")
def unit(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unit]:
    """The documents' application begins with the lab's present wave, for one unit only."""
    sites = Path(shutil.copytree(paths.sites(), tmp_path_factory.mktemp("files") / "sites"))
    edit(sites, "roadmap.yaml", WAVE, WAVE + DOCUMENTS)
    edit(sites, f"apps/{APP}.yaml", "gateway, sharing]\nshares: [documents]", "gateway]")
    with (sites / "units" / f"{UNIT}.yaml").open("a") as file:
        file.write(OWN_HOST)
    hanoi("lab", "up", "--also", HOST, "--quiet", sites=sites)
    try:
        hanoi("deploy", "--quiet", "--no-verify", sites=sites)
        yield Unit(deployed, sites, Secrets.open(paths.secrets()))
    finally:
        hanoi("lab", "down", HOST, "--yes", "--quiet", sites=sites, check=False)
        hanoi("deploy", "--quiet", "--no-verify", check=False)
        gone(deployed)


def gone(lab: Lab) -> None:
    """What a deploy leaves for somebody to decide about: the data."""
    name = f"{APP}_{UNIT}".replace("-", "_")
    lab.sql(lab.leader(), f"DROP DATABASE IF EXISTS {name}; ".strip())
    lab.sql(lab.leader(), f"DROP ROLE IF EXISTS {name}")
    lab.root("nd-1", f"docker volume rm -f {APP}-{UNIT}-media {APP}-{UNIT}-work")


def test_documents_move_and_are_taken_back_while_users_put_in_more(unit: Unit) -> None:
    prefix = f"hanoi{random.randrange(10**6):06d}"
    archive = unit.archive()
    adding = Adding(unit.archive(), prefix)
    try:
        wait_for(lambda: len(adding.acknowledged) > 5)
        unit.choose(own=True)
        hanoi("deploy", "--quiet", "--no-verify", sites=unit.sites)
        assert unit.home() == {"serving": OWN, "other": CENTRAL, "paused": False}
        went_on(adding)
        status = unit.moved()
        assert status["phase"] == "kept" and status["files_left"] > 0, status
        print(f"to {OWN}: pause {status['pause_seconds']} s")
        hanoi("move", "run", UNIT, APP, "--quiet", sites=unit.sites)
        hanoi("move", "undo", UNIT, APP, "--quiet", sites=unit.sites)
        assert unit.home() == {"serving": CENTRAL, "other": OWN, "paused": False}
        print(f"back: pause {unit.moved()['pause_seconds']} s")
        went_on(adding)
    finally:
        adding.stop()
    put = [label for label, _ in adding.acknowledged]
    print(f"{len(put)} documents, {len(adding.doubtful)} doubtful, pause {adding.pause():.1f} s")
    assert sorted(archive.labels(prefix)) == sorted(put), "lost, or there twice"
    assert adding.pause() <= PAUSE_MOST
    assert set(adding._archive.statuses) <= {200, 201, 503}
    each_is_found(archive, [label for label in put if label not in adding.doubtful])


def test_the_copy_that_does_not_serve_goes_with_its_files(unit: Unit) -> None:
    unit.choose(own=False)
    before = unit.archive().labels("hanoi")
    volume = f"/var/lib/docker/volumes/{APP}-{UNIT}-media/_data"
    there = f"find {volume} -type f | wc -l"
    assert int(hanoi("lab", "ssh", HOST, f"sudo sh -c '{there}'", sites=unit.sites).out) > 5
    hanoi("move", "finish", UNIT, APP, "--yes", "--quiet", sites=unit.sites)
    assert unit.home() == {"serving": CENTRAL, "other": None, "paused": False}
    assert int(unit.lab.root("nd-1", there)) > 5
    assert unit.archive().labels("hanoi") == before
    again = hanoi("deploy", "--quiet", "--no-verify", "--json", sites=unit.sites).json
    assert again["pulumi_changes"] == 0


def each_is_found(archive: Archive, labels: list[str]) -> None:
    """By its text, and nothing else is."""
    left, end = list(labels), time.monotonic() + SEARCHED
    while left:
        assert time.monotonic() < end, f"not found by their text: {left}"
        left = [label for label in left if archive.found(label) != [label]]
        time.sleep(1)


def went_on(adding: Adding) -> None:
    """Wait until documents are taken again."""
    before = len(adding.acknowledged)
    wait_for(lambda: len(adding.acknowledged) > before + 3, 180)
