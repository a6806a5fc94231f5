"""On the full lab: a unit's documents move to another site's host and back while its users put in
more. Both hosts have one database; of the two instances never more than one works on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.lab.conftest import hanoi
from tests.lab.documents import APP, TOLD, about_to_move, each_is_found, files
from tests.lab.moving import Ministry, Mover, at_work, went_on
from tests.lab.test_full import WAVE

pytestmark = pytest.mark.full

MOVER = Mover(APP, "thanh-tra", "tt-thong-tin", "tdh-1", "", WAVE)
FIRST, SECOND = "central/nd-1", MOVER.there
WAITING = f"docker exec {APP}-{MOVER.unit} grep -c 'not the copy that works' /etc/mayan/instance.py"


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    with about_to_move(MOVER, tmp_path_factory.mktemp("sites")) as made:
        yield made


def test_documents_move_to_another_site_and_are_taken_back_while_users_put_in_more(
    ministry: Ministry,
) -> None:
    """By the description and a deploy; taken back by a command."""
    archive = ministry.user(MOVER.unit)
    with at_work(ministry, TOLD) as mine:
        ministry.choose(there=True)
        ministry.deploy()
        assert ministry.home() == {"serving": SECOND, "other": FIRST, "paused": False}
        assert waits("nd-1") and not waits("tdh-1")
        went_on(mine)
        each_is_found(archive, [name for name, _ in mine.acknowledged[:9]])
        status = ministry.moved()
        assert status["phase"] == "kept" and status["files_left"] > 0, status
        print(f"to {SECOND}: pause {status['pause_seconds']} s")
        changed = hanoi(
            *("deploy", "--quiet", "--no-verify", "--json", *MOVER.through), sites=ministry.sites
        ).json
        assert (changed["pulumi_changes"], changed["ansible_changes"]) == (0, 0)
        assert waits("nd-1") and not waits("tdh-1"), "a deploy wakes nobody"
        ministry.move("undo")
        assert ministry.home() == {"serving": FIRST, "other": SECOND, "paused": False}
        assert waits("tdh-1") and not waits("nd-1")
        print(f"back: pause {ministry.moved()['pause_seconds']} s")
        went_on(mine)
    each_is_found(archive, [name for name, _ in mine.acknowledged])


def test_the_copys_files_go_and_the_database_stays(ministry: Ministry) -> None:
    ministry.choose(there=False)
    before = ministry.user(MOVER.unit).names("mine")
    assert len(before) > 5 and files("nd-1", MOVER.unit) > len(before)
    ministry.move("finish", "--yes")
    assert ministry.home() == {"serving": FIRST, "other": None, "paused": False}
    assert files("nd-1", MOVER.unit) > len(before) and files("tdh-1", MOVER.unit) == 0
    ministry.deploy()
    assert ministry.user(MOVER.unit).names("mine") == before


def waits(host: str) -> bool:
    """Whether the instance on the host is one that waits."""
    said = hanoi("lab", "ssh", host, f"sudo sh -c {shlex.quote(WAITING + ' || true')}").out
    return said.strip() != "0"
