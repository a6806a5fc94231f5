"""Which host carries a unit's own instance of an application.

Nothing is chosen by what is free, so another unit's wish never moves an instance.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.model.schema import Central, Host, SelfHosted, Site, Unit


def carrier(sites: Sequence[Site], unit: Unit, choice: object) -> Host | None:
    """The host that carries the unit's own instance of an application that it chose so, for an
    application with an instance per unit; None where there is none.

    Self-hosted: the named one of the unit's. Central: the named one of the sites', without a name
    the first of the home site that runs applications.
    """
    if isinstance(choice, SelfHosted):
        return next((h for h in unit.hosts if h.id == choice.host), None)
    if not isinstance(choice, Central):
        return None
    if choice.host is not None:
        return next((h for s in sites for h in s.hosts if h.id == choice.host), None)
    home = next((s.hosts for s in sites if s.id == unit.home), ())
    return next((h for h in home if "applications" in h.roles), None)
