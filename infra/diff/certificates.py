"""Certificates that a deploy issues anew, because the names in them change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.resources import Certificate, File, Plan


@dataclass(frozen=True)
class Reissued:
    """Certificates that a deploy issues anew, by id: every file that holds one changes."""

    ids: frozenset[str]

    @classmethod
    def between(cls, before: Plan, after: Plan) -> Reissued:
        old = {s.id: s for s in before.secrets}
        return cls(
            frozenset(
                s.id
                for s in after.secrets
                if isinstance(s, Certificate)
                and isinstance(known := old.get(s.id), Certificate)
                and _names(known) != _names(s)
            )
        )

    def held_by(self, file: File) -> tuple[str, ...]:
        """The reissued certificates whose text is in the file."""
        if not self.ids or "secret://" not in file.content:
            return ()
        return tuple(sorted({r.split("#")[0] for r in _references(file)} & self.ids))


def _names(certificate: Certificate) -> tuple[object, ...]:
    """What a leaf depends on (infra/secrets/authority.py); order does not matter."""
    c = certificate
    return c.common_name, sorted(c.dns), sorted(c.addresses), sorted(c.usages)


def _references(file: File) -> Iterator[str]:
    for part in file.content.split("secret://")[1:]:
        yield re.split(r"[\s\"'}]", part, maxsplit=1)[0]
