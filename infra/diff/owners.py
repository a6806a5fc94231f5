"""Whom a thing of the plan concerns: units and applications, by the ids in its name."""

from __future__ import annotations

from infra.images.content import MINISTRYS
from infra.model.schema import Model
from infra.services.relying_party import CLIENTS
from infra.services.web import FRONT

Concerned = tuple[tuple[str, ...], tuple[str, ...]]  # ids of units, ids of applications
NOBODY: Concerned = ((), ())


class Owners:
    """Looks names up; made of the models of both sides, so that what goes has an owner too."""

    def __init__(self, *models: Model | None) -> None:
        known = [m for m in models if m is not None]
        self._services = {a.service: a.id for m in known for a in m.apps if a.service}
        self._apps = {a.id for m in known for a in m.apps}
        self._units = {u.id for m in known for u in m.units}
        self._databases = {u.replace("-", "_"): u for u in self._units}
        self._app_databases = {a.replace("-", "_"): a for a in self._apps}

    def container(self, name: str) -> Concerned:
        """An application's container has its service's name; one that its YAML file describes,
        its own id or its unit's instance behind a prefix."""
        if app := self._services.get(name):
            return (), (app,)
        for prefix in (MINISTRYS, FRONT):
            if name.startswith(prefix):
                rest = name.removeprefix(prefix)
                return ((), (rest,)) if rest in self._apps else self.oneoff(rest)
        return NOBODY

    def file(self, path: str) -> Concerned:
        """/etc/hanoi/<container>/…; a unit's own file, or its directory, has its id as a name."""
        parts = path.split("/")
        if path.startswith("/etc/hanoi/") and len(parts) > 4:
            units, apps = self.container(parts[3])
            named = tuple(p for p in parts[4:] if p in self._units)
            return (units or named if apps else (), apps)
        return NOBODY

    def database(self, name: str) -> Concerned:
        """<application>_<unit>, hyphens as underscores."""
        for at, letter in enumerate(name):
            if letter == "_" and name[:at] in self._app_databases:
                unit = self._databases.get(name[at + 1 :])
                return ((unit,) if unit else (), (self._app_databases[name[:at]],))
        return NOBODY

    def oneoff(self, name: str) -> Concerned:
        """<application>-<unit>."""
        for at, letter in enumerate(name):
            if letter == "-" and name[:at] in self._apps and name[at + 1 :] in self._units:
                return ((name[at + 1 :],), (name[:at],))
        return NOBODY

    def secret(self, name: str) -> Concerned:
        """<application>/…/<unit>, a client's of sign-on, or a container's."""
        if name.startswith(CLIENTS):
            return self.oneoff(name.removeprefix(CLIENTS))
        first, _, rest = name.partition("/")
        unit = rest.rsplit("/", 1)[-1]
        if first in self._apps:
            return ((unit,) if unit in self._units else (), (first,))
        return self.container(first)
