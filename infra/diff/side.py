"""One side of a comparison: a description, what is planned from it, and what was not to be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.model.schema import Model
from infra.resources import Plan


@dataclass(frozen=True)
class Side:
    """name: as a report shows it ("main (1a2b3c4)", "working tree"); model, plan: None when
    they could not be read; tags: image → content tag, empty when not known; checks: the
    compliance checks of this side's toolkit (file → source); toolkit, vaults: path → git's blob
    id of files beside the model that matter (roles and playbooks; encrypted secrets); recipes:
    image → its Dockerfile, and "suite" → the Debian release, empty when not known; unknown: what
    could not be told of this side, and why.
    """

    name: str
    model: Model | None = None
    plan: Plan | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    toolkit: Mapping[str, str] = field(default_factory=dict)
    vaults: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
