"""On the full lab: a unit's documents move to its own host and back while its users put in more.
None is lost or there twice, and each is found by its text afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.archive import Archive
from tests.lab.conftest import hanoi
from tests.lab.moving import Ministry, Mover, at_work, described, went_on
from tests.lab.staff import Staff, User
from tests.lab.test_full import WAVE

pytestmark = pytest.mark.full

APP = "documents"
# The other unit is one of another application on the same hosts.
MOVER = Mover(APP, "thanh-tra", "tt-thong-tin", "ttra-1", "10.77.9.42", WAVE)
CENTRAL, OWN = "central/nd-1", MOVER.own
INSTANCE = f"{APP}-{MOVER.unit}"
FILES = f"find /var/lib/docker/volumes/{INSTANCE}-media/_data -type f | wc -l"
SEARCHED = 300  # seconds until the last document is read and indexed


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    plan = make_plan(load(paths.sites()), WAVE)
    hanoi("lab", "up", "--through", WAVE, "--quiet")
    hanoi("deploy", "--through", WAVE, "--quiet", "--no-verify")
    gateways = [h.address for h in plan.running("gateway")]

    def user(secrets: Secrets, unit: str) -> User:
        app = APP if unit == MOVER.unit else "personnel"
        of_it = [p for p in plan.common.pages if (p.application, p.unit) == (app, unit)]
        password = secrets.value(f"{app}/admin/{unit}", "password")
        trust = secrets.resolve(secret("ca", "cert"))
        if app == APP:
            return Archive(gateways, of_it[0].url_host, password, trust)
        (data,) = (d for d in plan.data if (d.application, d.unit, d.serving) == (app, unit, True))
        return Staff(gateways, of_it[0].url_host, data.database, password, trust)

    with described(MOVER, tmp_path_factory.mktemp("files"), user) as made:
        try:
            yield made
        finally:
            made.take_back()


def test_documents_move_and_are_taken_back_while_users_put_in_more(ministry: Ministry) -> None:
    archive = ministry.user(MOVER.unit)
    assert isinstance(archive, Archive)
    with at_work(ministry, {200, 201, 429, 503}) as mine:
        ministry.choose(own=True)
        ministry.deploy()
        assert ministry.home() == {"serving": OWN, "other": CENTRAL, "paused": False}
        went_on(mine)
        each_is_found(archive, [name for name, _ in mine.acknowledged[:9]])
        status = ministry.moved()
        assert status["phase"] == "kept" and status["files_left"] > 0, status
        print(f"to {OWN}: pause {status['pause_seconds']} s, {status['files_left']} files behind")
        ministry.move("follow")
        ministry.move("undo")
        assert ministry.home() == {"serving": CENTRAL, "other": OWN, "paused": False}
        print(f"back: pause {ministry.moved()['pause_seconds']} s")
        went_on(mine)
    each_is_found(archive, [name for name, _ in mine.acknowledged])


def test_the_copy_that_does_not_serve_goes_with_its_files(ministry: Ministry) -> None:
    ministry.choose(own=False)
    before = ministry.user(MOVER.unit).names("mine")
    assert len(before) > 5 and files() > len(before)
    ministry.move("finish", "--yes")
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    assert files() > len(before)
    assert ministry.user(MOVER.unit).names("mine") == before
    again = hanoi(
        *("deploy", "--quiet", "--no-verify", "--json", *MOVER.through), sites=ministry.sites
    )
    assert again.json["pulumi_changes"] == 0


def files() -> int:
    """How many the sites' host keeps."""
    return int(hanoi("lab", "ssh", "nd-1", f"sudo sh -c '{FILES}'").out)


def each_is_found(user: Archive, names: list[str]) -> None:
    """By its text, and nothing else is."""
    left, end = list(names), time.monotonic() + SEARCHED
    while left:
        assert time.monotonic() < end, f"not found by their text: {left}"
        left = [name for name in left if user.found(name) != [name]]
        time.sleep(1)
