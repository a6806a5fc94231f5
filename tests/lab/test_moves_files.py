"""Documents of a unit moved to its own host and back while its users put in more: none is lost or
there twice, and each is found by its text afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from infra import paths
from infra.moves import sql
from infra.resources import secret
from infra.secrets import Secrets
from infra.state.store import Store
from tests.lab.archive import Archive
from tests.lab.conftest import Lab, hanoi
from tests.lab.moving import PAUSE_MOST, Ministry, Mover, described, wait_for
from tests.lab.staff import Adding
from tests.lab.test_deploy import edit

pytestmark = pytest.mark.long

UNIT, APP = "tt-thong-tin", "documents"
MOVER = Mover(APP, UNIT, "", "ttt-1", "10.77.9.40")
CENTRAL, OWN = "central/nd-1", MOVER.own
INSTANCE = f"{APP}-{UNIT}"
# The application begins with the lab's present wave, for one unit only.
WAVE = "        units: [tt-thong-tin, vu-to-chuc-can-bo]\n    gates"
EARLIER = f"{WAVE[:-9]}      - app: {APP}\n        units: [{UNIT}]\n    gates"
SEARCHED = 300  # seconds until the last document is read and indexed


@pytest.fixture(scope="module")
def ministry(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    def archive(_: Secrets, unit: str) -> Archive:
        secrets = Secrets.open(paths.secrets())  # some are made by the first deploy here
        return Archive(
            [h.address for h in deployed.plan.hosts],
            f"{APP}-{unit}.mic.example",
            secrets.value(f"{APP}/admin/{unit}", "password"),
            secrets.resolve(secret("ca", "cert")),
        )

    try:
        with described(MOVER, tmp_path_factory.mktemp("files"), archive) as made:
            edit(made.sites, "roadmap.yaml", WAVE, EARLIER)
            needs = "gateway, sharing]\nshares: [documents]"
            edit(made.sites, f"apps/{APP}.yaml", needs, "gateway]")
            # Documents come faster than they are read; what waits is read all at once.
            edit(made.sites, f"apps/{APP}.yaml", "memory: 896MiB", "memory: 1536MiB")
            made.deploy()
            yield made
    finally:
        hanoi("deploy", "--quiet", "--no-verify", check=False)
        gone(deployed)


def gone(lab: Lab) -> None:
    """What a deploy leaves for somebody to decide about: the data, and where it was."""
    name, leader = INSTANCE.replace("-", "_"), lab.leader()
    link = f"move_{name}"
    if lab.sql(leader, sql.subscription(link)) == "1":  # the test ended between two places
        lab.sql(leader, sql.unsubscribe(link), name)
    lab.sql(leader, sql.drop_slot(link))
    lab.sql(leader, f"DROP DATABASE IF EXISTS {name}")
    lab.sql(leader, f"DROP ROLE IF EXISTS {name}")
    lab.root("nd-1", f"docker volume rm -f {INSTANCE}-media {INSTANCE}-work")
    for record in ("homes.json", "moves.json"):
        store = Store(paths.state() / record)
        store.write({k: v for k, v in store.read().items() if k != f"{APP}/{UNIT}"})


def test_documents_move_and_are_taken_back_while_users_put_in_more(ministry: Ministry) -> None:
    adding = Adding(ministry.user(UNIT), f"hanoi{random.randrange(10**6):06d}")
    try:
        wait_for(lambda: len(adding.acknowledged) > 5)
        ministry.choose(own=True)
        ministry.deploy()
        assert ministry.home() == {"serving": OWN, "other": CENTRAL, "paused": False}
        went_on(adding)
        each_is_found(ministry.user(UNIT), [name for name, _ in adding.acknowledged[:9]])
        status = ministry.moved()
        assert status["phase"] == "kept" and status["files_left"] > 0, status
        print(f"to {OWN}: pause {status['pause_seconds']} s, {status['files_left']} files behind")
        ministry.move("follow")
        ministry.move("undo")
        assert ministry.home() == {"serving": CENTRAL, "other": OWN, "paused": False}
        print(f"back: pause {ministry.moved()['pause_seconds']} s")
        went_on(adding)
    finally:
        adding.stop()
    put, user = [name for name, _ in adding.acknowledged], ministry.user(UNIT)
    print(f"{len(put)} documents, {len(adding.errors)} told to wait, pause {adding.pause():.1f} s")
    assert sorted(adding.stored()) == sorted(put), "lost, or there twice"
    assert adding.pause() <= PAUSE_MOST
    assert set(adding.user.statuses) <= {200, 201, 429, 503}
    each_is_found(user, put)


def test_the_copy_that_does_not_serve_goes_with_its_files(
    deployed: Lab, ministry: Ministry
) -> None:
    ministry.choose(own=False)
    before = ministry.user(UNIT).names("hanoi")
    files = f"find /var/lib/docker/volumes/{INSTANCE}-media/_data -type f | wc -l"
    assert len(before) > 5 and int(deployed.root("nd-1", files)) > len(before)
    ministry.move("finish", "--yes")
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    assert int(deployed.root("nd-1", files)) > len(before)
    assert ministry.user(UNIT).names("hanoi") == before
    again = hanoi("deploy", "--quiet", "--no-verify", "--json", sites=ministry.sites).json
    assert again["pulumi_changes"] == 0


def each_is_found(user: Archive, names: list[str]) -> None:
    """By its text, and nothing else is."""
    left, end = list(names), time.monotonic() + SEARCHED
    while left:
        assert time.monotonic() < end, f"not found by their text: {left}"
        left = [name for name in left if user.found(name) != [name]]
        time.sleep(1)


def went_on(adding: Adding) -> None:
    """Wait until documents are taken again."""
    before = len(adding.acknowledged)
    wait_for(lambda: len(adding.acknowledged) > before + 3, 180)
