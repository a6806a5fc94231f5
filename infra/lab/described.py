"""Which hosts a lab stands in for: those of the description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.errors import Exit, HanoiError, Problem
from infra.lab.network import LabHost
from infra.model import Model


def described(model: Model, also: Sequence[str] = ()) -> list[LabHost]:
    """All hosts of the sites, and those hosts of units that `also` names by id.

    Raises HanoiError HN-P004 for a name that the description does not have.
    """
    sites = _sites(model)
    known = sites | _units(model)
    _refuse_unknown(also, known)
    return [LabHost(i, a) for i, a in known.items() if i in sites or i in also]


def find_described(model: Model, host_id: str) -> LabHost:
    """One host of the sites or of a unit. Raises HanoiError HN-P004."""
    known = _sites(model) | _units(model)
    _refuse_unknown([host_id], known)
    return LabHost(host_id, known[host_id])


def _sites(model: Model) -> dict[str, str]:
    return {h.id: str(h.address) for s in model.sites for h in s.hosts}


def _units(model: Model) -> dict[str, str]:
    return {h.id: str(h.address) for u in model.units for h in u.hosts}


def _refuse_unknown(names: Sequence[str], known: Mapping[str, str]) -> None:
    problems = [
        Problem(
            f"host {name}",
            "HN-P004",
            "there is no such host",
            f"choose from: {', '.join(known)}",
        )
        for name in names
        if name not in known
    ]
    if problems:
        raise HanoiError(problems, Exit.USAGE)
