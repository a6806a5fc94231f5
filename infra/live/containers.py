"""What a deploy would do to one host's containers, networks, volumes and images.

Two sources, merged: Pulumi's preview, which knows its state, and our own comparison of the
label that says what each container was made from. The second is needed: the Docker provider
may leave a container out of its preview when only its image changes, because the new image's
id is not known before it is pulled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra import stack as program
from infra.containers import Images
from infra.facts import Look, RunningContainer
from infra.pulumi_events import Previewed
from infra.report.content import Change, DataChange, Operation
from infra.resources import Container, HostPlan, Plan

REPLACING = {"replace", "create-replacement", "delete-replaced"}


@dataclass(frozen=True)
class EngineChanges:
    """changes: in order of name within a kind; data: volumes that stay behind without use;
    started: names of containers that start anew."""

    changes: tuple[Change, ...]
    data: tuple[DataChange, ...]
    started: frozenset[str]


def changes(
    plan: Plan, host: HostPlan, seen: Look, images: Images, previewed: Previewed
) -> EngineChanges:
    """The host's changes, each thing once. previewed: Pulumi's operations by resource name."""
    found: list[Change] = []
    data: list[DataChange] = []
    for name in sorted(previewed.operations):
        kind, _, thing = name.partition("/")
        if kind == "container":
            continue
        operation = _operation(previewed.operations[name])
        if kind == "volume" and operation == "delete":
            data.append(DataChange(f"volume {thing}", "left behind", host.id))
        elif operation and thing:
            found.append(Change(kind, thing, operation, host.id, host.site, why=_why(kind)))
    merged = _containers(plan, host, seen, images, previewed)
    started = frozenset(c.name for c in merged if c.operation in ("create", "replace"))
    return EngineChanges((*found, *merged), tuple(data), started)


def _containers(
    plan: Plan, host: HostPlan, seen: Look, images: Images, previewed: Previewed
) -> list[Change]:
    there = {c.name: c for c in seen.containers}
    planned = {c.name: c for c in host.parts.containers}
    names = {n.split("/", 1)[1] for n in previewed.operations if n.startswith("container/")}
    found = []
    for name in sorted({*planned, *names}):
        told = _operation(previewed.operations.get(f"container/{name}", ()))
        own, why = None, ""
        if name in planned:
            own, why = compared(plan, planned[name], there.get(name), images, previewed)
        operation = _stronger(told, own)
        if operation is None:
            continue
        if own != operation or not why:  # our reason would explain something else
            diffs = previewed.differences.get(f"container/{name}", ())
            why = f"Pulumi: {', '.join(diffs)}" if diffs else _missing(operation)
        found.append(Change("container", name, operation, host.id, host.site, why=why))
    return found


def compared(
    plan: Plan,
    planned: Container,
    there: RunningContainer | None,
    images: Images,
    previewed: Previewed,
) -> tuple[Operation | None, str]:
    """What becomes of a container by our own comparison, and why."""
    if there is None:
        return "create", "it is not there"
    wanted = program.spec(plan, planned, images.tags[planned.image])
    if there.spec != wanted:
        return "replace", _spec_why(there.spec, wanted)
    if _operation(previewed.operations.get(f"image/{planned.image}", ())):
        return "replace", "its image changes"
    if there.state != "running":
        return "update", f"it is {there.state}; it is started"
    return None, ""


def _spec_why(spec: str | None, wanted: str) -> str:
    """Which parts of "<description>-<image tag>-<log limits>" differ."""
    if not spec or spec.count("-") != 2:
        return "it was not made from a plan"
    reasons = ("its description changes", "its image changes", "its log's limits change")
    pairs = zip(reasons, spec.split("-"), wanted.split("-"), strict=True)
    return " and ".join(reason for reason, old, new in pairs if old != new)


def _operation(operations: Sequence[str]) -> Operation | None:
    """Pulumi's operations on one resource as one of ours; None for "same"."""
    if REPLACING & set(operations):
        return "replace"
    order: tuple[Operation, ...] = ("delete", "create", "update")
    return next((o for o in order if o in operations), None)


def _stronger(told: Operation | None, own: Operation | None) -> Operation | None:
    """A replacement that either of the two knows of wins; else Pulumi's word counts first."""
    if "replace" in (told, own) and told != "create":
        return "replace"
    return told or own


def _missing(operation: Operation) -> str:
    return "it is no longer in the plan" if operation == "delete" else ""


def _why(kind: str) -> str:
    return "pulled from the registry" if kind == "image" else ""


def by_hand(host: HostPlan, names: Mapping[str, bool]) -> list[str]:
    """Planned names that a container which is not the toolkit's has taken.

    names: of every container on the engine → whether it carries the toolkit's label.
    """
    return sorted(c.name for c in host.parts.containers if names.get(c.name) is False)
