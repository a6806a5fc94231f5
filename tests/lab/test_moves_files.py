"""On the full lab: a unit's documents move to its own host and back while its users put in more.
None is lost or there twice, and each is found by its text afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import hanoi
from tests.lab.documents import APP, TOLD, about_to_move, each_is_found, files
from tests.lab.moving import Ministry, Mover, at_work, went_on
from tests.lab.test_full import WAVE

pytestmark = pytest.mark.full

MOVER = Mover(APP, "thanh-tra", "tt-thong-tin", "ttra-1", "10.77.9.42", WAVE)
CENTRAL, OWN = "central/nd-1", MOVER.there


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    with about_to_move(MOVER, tmp_path_factory.mktemp("files")) as made:
        yield made


def test_documents_move_and_are_taken_back_while_users_put_in_more(ministry: Ministry) -> None:
    archive = ministry.user(MOVER.unit)
    with at_work(ministry, TOLD) as mine:
        ministry.choose(there=True)
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
    ministry.choose(there=False)
    before = ministry.user(MOVER.unit).names("mine")
    assert len(before) > 5 and files("nd-1", MOVER.unit) > len(before)
    ministry.move("finish", "--yes")
    assert ministry.home() == {"serving": CENTRAL, "other": None, "paused": False}
    assert files("nd-1", MOVER.unit) > len(before)
    assert ministry.user(MOVER.unit).names("mine") == before
    again = hanoi(
        *("deploy", "--quiet", "--no-verify", "--json", *MOVER.through), sites=ministry.sites
    )
    assert again.json["pulumi_changes"] == 0
