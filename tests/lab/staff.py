"""Users of the personnel application, as the gateways see them: they log in, add people, and
try again when they are told to wait."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.lab.gateway import connected

SECONDS = 20


class NotNow(Exception):
    """The request was not answered, or not with what was asked for; args: what came instead."""


class User(Protocol):
    """Somebody who adds things by name and can look which are there. statuses: of all answers."""

    statuses: list[int]

    def add(self, name: str) -> object:
        """Raises NotNow: it may have been made all the same."""

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, as often as they are there. Raises NotNow."""


@dataclass
class Staff:
    """One user of one unit. gateways: addresses, asked in turn; name: the unit's host name."""

    gateways: list[str]
    name: str
    database: str
    password: str
    authority: str
    user: str = "admin"
    statuses: list[int] = field(default_factory=list)
    _session: list[Any] | None = None

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.gateways)
        self._trust = ssl.create_default_context(cadata=self.authority)

    def add(self, name: str) -> int:
        """Create a person; the id. Raises NotNow: it may have been made all the same."""
        return int(self.call("model.party.party.create", [{"name": name}], {})[0])

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, as often as they are there."""
        ids = self.call("model.party.party.search", [["name", "like", f"{prefix}%"]], {})
        rows = self.call("model.party.party.read", ids, ["name"], {})
        return [str(r["name"]) for r in rows]

    def call(self, method: str, *params: Any) -> Any:
        """Log in where that is needed, then call. Raises NotNow."""
        if self._session is None:
            login = {"password": self.password}
            answer = self._ask("common.db.login", [self.user, login, "en"], None)
            if not answer:
                raise NotNow("no login")
            self._session = answer
        return self._ask(method, list(params), self._session)

    def _ask(self, method: str, params: list[Any], session: list[Any] | None) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params})
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if session:
            token = f"{self.user}:{session[0]}:{session[1]}".encode()
            headers["Authorization"] = f"Session {base64.b64encode(token).decode()}"
        try:
            with connected(next(self._turn), self.name, self._trust, SECONDS) as connection:
                connection.request("POST", f"/{self.database}/", body, headers)
                response = connection.getresponse()
                text = response.read()
                self.statuses.append(response.status)
                if response.status == 503:
                    assert response.getheader("Retry-After"), "told to wait, but not how long"
        except (OSError, http.client.HTTPException) as failure:
            raise NotNow(str(failure)) from None
        if response.status in (401, 403):
            self._session = None
        try:
            answer = json.loads(text)
        except ValueError:
            raise NotNow(f"status {response.status}") from None
        if response.status != 200 or not isinstance(answer, dict) or answer.get("error"):
            raise NotNow(f"status {response.status}: {text[:120]!r}")
        return answer["result"]


class Adding:
    """A thread that adds things one after the other until it is stopped.

    What failed is looked for before it is added again: it is to be there once, whatever became of
    the answer. acknowledged: (name, when); errors: what came instead.
    """

    def __init__(self, user: User, prefix: str) -> None:
        self.acknowledged: list[tuple[str, float]] = []
        self.errors: list[str] = []
        self.user, self._prefix = user, prefix
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            self._one(f"{self._prefix}-{number:06d}")
            self._stop.wait(0.05)

    def _one(self, name: str) -> None:
        doubtful = False
        while not self._stop.is_set():
            try:
                if not (doubtful and self.user.names(name)):
                    self.user.add(name)
                self.acknowledged.append((name, time.time()))
                return
            except NotNow as failure:
                self.errors.append(str(failure))
                doubtful = True
                self._stop.wait(0.5)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()

    def stored(self) -> list[str]:
        """What is there of it, asked of the application; again when an answer breaks off."""
        for _ in range(2):
            try:
                return self.user.names(self._prefix)
            except NotNow as failure:
                print(f"asked again: {failure}")
        return self.user.names(self._prefix)

    def pause(self) -> float:
        """The longest time between two acknowledgements, in seconds."""
        times = [t for _, t in self.acknowledged]
        return max((b - a for a, b in itertools.pairwise(times)), default=float("inf"))
