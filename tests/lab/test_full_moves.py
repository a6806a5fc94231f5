"""On the full lab: a unit's site of online public services moves to the unit's own host and back
while citizens write to it. Nothing that was taken is lost or kept twice; no other unit notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.citizens import Citizen
from tests.lab.conftest import hanoi
from tests.lab.moving import CENTRAL, Ministry, Mover, at_work, described, went_on
from tests.lab.test_full import WAVE

pytestmark = pytest.mark.full

APP = "online-services"
ANSWERS = {200, 302, 503}  # 302: to who has logged in
MOVER = Mover(APP, "cuc-xuat-ban", "cuc-phat-thanh-truyen-hinh", "cxb-1", "10.77.9.41", WAVE)


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    plan = make_plan(load(paths.sites()), WAVE)
    hanoi("lab", "up", "--through", WAVE, "--quiet")
    hanoi("deploy", "--through", WAVE, "--quiet", "--no-verify")

    def citizen(secrets: Secrets, unit: str) -> Citizen:
        page = next(p for p in plan.common.pages if (p.application, p.unit) == (APP, unit))
        return Citizen(
            [h.address for h in plan.running("gateway")],
            page.url_host,
            secrets.value(f"{APP}/admin/{unit}", "password"),
            secrets.resolve(secret("ca", "cert")),
        )

    with described(MOVER, tmp_path_factory.mktemp("moves"), citizen) as made:
        try:
            yield made
        finally:
            made.take_back()


def test_a_site_moves_to_its_units_own_host_and_is_taken_back(ministry: Ministry) -> None:
    """By the description and a deploy; taken back by a command."""
    ministry.choose(there=True)
    with at_work(ministry, ANSWERS) as mine:
        ministry.deploy()
        assert ministry.home() == {"serving": MOVER.there, "other": CENTRAL, "paused": False}
        went_on(mine)
        ministry.move("undo")
        assert ministry.home() == {"serving": CENTRAL, "other": MOVER.there, "paused": False}
        went_on(mine)


def test_it_moves_again_by_a_command_and_back_by_the_description(ministry: Ministry) -> None:
    with at_work(ministry, ANSWERS) as mine:
        ministry.move("run")
        assert ministry.home()["serving"] == MOVER.there
        went_on(mine)
        ministry.choose(there=False)
        ministry.deploy()
        assert ministry.home()["serving"] == CENTRAL
        went_on(mine)
