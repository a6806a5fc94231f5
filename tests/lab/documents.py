"""What tests of moves of documents share: the full lab with one unit's documents about to move, how
many files a host keeps of them, and whether each is found by its text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import paths
from infra.model import load
from infra.plan import plan as make_plan
from infra.resources import secret
from infra.secrets import Secrets
from tests.lab.archive import Archive
from tests.lab.conftest import hanoi
from tests.lab.moving import Ministry, Mover, described
from tests.lab.staff import Staff, User

APP = "documents"
TOLD = frozenset({200, 201, 429, 503})
SEARCHED = 300  # seconds until the last document is read and indexed
_FILES = "find /var/lib/docker/volumes/{instance}-media/_data -type f | wc -l"


@contextmanager
def about_to_move(mover: Mover, directory: Path) -> Iterator[Ministry]:
    """Deployed; the other unit's users are those of another application on the same hosts."""
    plan = make_plan(load(paths.sites()), mover.wave)
    hanoi("lab", "up", *mover.through, "--quiet")
    hanoi("deploy", *mover.through, "--quiet", "--no-verify")
    gateways = [h.address for h in plan.running("gateway")]

    def user(secrets: Secrets, unit: str) -> User:
        app = APP if unit == mover.unit else "personnel"
        of_it = [p for p in plan.common.pages if (p.application, p.unit) == (app, unit)]
        password = secrets.value(f"{app}/admin/{unit}", "password")
        trust = secrets.resolve(secret("ca", "cert"))
        if app == APP:
            return Archive(gateways, of_it[0].url_host, password, trust)
        (data,) = (d for d in plan.data if (d.application, d.unit, d.serving) == (app, unit, True))
        return Staff(gateways, of_it[0].url_host, data.database, password, trust)

    with described(mover, directory, user) as made:
        try:
            yield made
        finally:
            made.take_back()


def files(host: str, unit: str) -> int:
    """How many the host keeps of the unit's documents."""
    counted = _FILES.format(instance=f"{APP}-{unit}")
    return int(hanoi("lab", "ssh", host, f"sudo sh -c '{counted}'").out)


def each_is_found(user: User, names: list[str]) -> None:
    """By its text, and nothing else is."""
    assert isinstance(user, Archive)
    left, end = list(names), time.monotonic() + SEARCHED
    while left:
        assert time.monotonic() < end, f"not found by their text: {left}"
        left = [name for name in left if user.found(name) != [name]]
        time.sleep(1)
