"""What tests of moves share: a description in which a unit's application may stand on another host,
its users at work while it moves, and those of another unit, who are to notice nothing."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import paths
from infra.secrets import Secrets
from infra.state import Identities
from tests.lab.conftest import Ran, hanoi
from tests.lab.staff import Adding, User
from tests.lab.test_deploy import edit

PAUSE_MOST = 60  # seconds; the bound that the toolkit promises
CENTRAL = "central"
ANSWERS = frozenset({200, 503})  # done, or wait a moment


@dataclass(frozen=True)
class Mover:
    """The unit whose application moves to another host, and another unit of the same application.
    address: of a host that the unit gets for the test, "" where it is one of the sites'; wave: what
    is deployed, "" for the current one."""

    application: str
    unit: str
    other: str
    host: str
    address: str
    wave: str = ""

    @property
    def there(self) -> str:
        """The place that it moves to."""
        return f"{'own' if self.address else 'central'}/{self.host}"

    @property
    def choices(self) -> tuple[str, str]:
        """The unit's lines for the application: as the sample has them, and for the other place."""
        central = f"  {self.application}:\n    mode: central\n"
        host = f"    host: {self.host}\n"
        own = f"  {self.application}:\n    mode: self-hosted\n{host}"
        backup = "    backup:\n      directory: /srv/backup\n"
        return central, own + backup if self.address else central + host

    @property
    def through(self) -> tuple[str, ...]:
        return ("--through", self.wave) if self.wave else ()


@dataclass
class Ministry:
    """The description, and the users: unit → one that begins to work."""

    mover: Mover
    sites: Path
    secrets: Secrets
    users: Callable[[Secrets, str], User]

    def user(self, unit: str) -> User:
        return self.users(self.secrets, unit)

    def choose(self, there: bool) -> None:
        """Only the choice; the host stays described."""
        here, away = self.mover.choices
        file = self.sites / "units" / f"{self.mover.unit}.yaml"
        is_there = away in file.read_text("utf-8")
        if is_there != there:
            edit(self.sites, str(file), *((here, away) if there else (away, here)))

    def take_back(self) -> None:
        """Whatever a test has left: users are at the sites again, and there is no second copy."""
        self.choose(there=False)
        self.deploy()
        if self.home()["other"]:
            self.move("finish", "--yes")
            self.deploy()

    def run(self, *arguments: str, check: bool = True) -> Ran:
        """A command on this description and wave."""
        return hanoi(*arguments, *self.mover.through, "--quiet", sites=self.sites, check=check)

    def deploy(self) -> None:
        self.run("deploy", "--no-verify")

    def move(self, verb: str, *options: str) -> None:
        self.run("move", verb, self.mover.unit, self.mover.application, *options)

    def moved(self) -> dict[str, Any]:
        said = hanoi("move", "status", "--json", *self.mover.through, sites=self.sites).out
        (found,) = (m for m in json.loads(said) if m["unit"] == self.mover.unit)
        return dict(found)

    def home(self) -> Mapping[str, Any]:
        """Where it is by the record."""
        homes = json.loads((paths.state() / "homes.json").read_text())
        home = homes[f"{self.mover.application}/{self.mover.unit}"]
        return {name: home[name] for name in ("serving", "other", "paused")}


@contextmanager
def described(
    mover: Mover, directory: Path, users: Callable[[Secrets, str], User]
) -> Iterator[Ministry]:
    """The description; with the unit's host, if it gets one, which joins the lab and leaves it."""
    sites = Path(shutil.copytree(paths.sites(), directory / "sites"))
    made = Ministry(mover, sites, Secrets.open(paths.secrets()), users)
    if not mover.address:
        yield made
        return
    with (sites / "units" / f"{mover.unit}.yaml").open("a") as file:
        file.write(
            f"hosts:\n  - id: {mover.host}\n    address: {mover.address}\n    cpus: 2\n"
            "    memory: 4GiB\n    storage: 50GiB\n"
        )
    hanoi("lab", "up", "--also", mover.host, "--quiet", sites=sites)
    try:
        yield made
    finally:
        hanoi("lab", "down", mover.host, "--yes", "--quiet", sites=sites, check=False)
    assert Identities(paths.state()).get(mover.host) is None, "another one would be refused"


@contextmanager
def at_work(ministry: Ministry, told: Set[int] = ANSWERS) -> Iterator[Adding]:
    """Two units' users add things meanwhile; afterwards everything acknowledged is there once, the
    unit's pause was short, nobody got a status other than these, and the other unit noticed
    nothing."""
    mine = Adding(ministry.user(ministry.mover.unit), f"mine{random.randrange(10**6)}")
    others = Adding(ministry.user(ministry.mover.other), f"others{random.randrange(10**6)}")
    try:
        wait_for(lambda: len(mine.acknowledged) > 3 and len(others.acknowledged) > 3)
        yield mine
    finally:
        mine.stop()
        others.stop()
    stored = mine.stored()
    acknowledged = [name for name, _ in mine.acknowledged]
    print(
        f"{len(acknowledged)} things acknowledged, {len(mine.errors)} requests told to wait,"
        f" longest pause {mine.pause():.1f} s;"
        f" the other unit: {len(others.acknowledged)}, {len(others.errors)} errors;"
        f" answers: {sorted(set(mine.user.statuses))}, {sorted(set(others.user.statuses))}"
    )
    assert sorted(stored) == sorted(acknowledged), "lost, or there twice"
    assert mine.pause() <= PAUSE_MOST
    assert others.errors == []
    assert set(mine.user.statuses) <= told, "users were told something else than to wait"


def went_on(adding: Adding) -> None:
    """Wait until things are added again."""
    before = len(adding.acknowledged)
    wait_for(lambda: len(adding.acknowledged) > before + 3)


def wait_for(condition: Any, seconds: float = 90, every: float = 0.2) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(every)
