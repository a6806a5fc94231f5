"""Pulumi's preview and our own comparison, merged: no replacement is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra import facts
from infra.containers import Images
from infra.live import containers
from infra.pulumi_events import Previewed, Steps
from infra.supply import tags
from tests.unit.livehost import facts_of, sample

_, PLAN = sample()
HOST = PLAN.host("nd-1")
TAGS = tags(PLAN)
IMAGES = Images({name: f"registry/hanoi/{name}@sha256:1" for name in TAGS}, TAGS)


def told(operations: dict[str, tuple[str, ...]], seen: facts.Look | None = None) -> dict[str, str]:
    """ "kind name" → operation, of what is merged."""
    look = seen or facts.parse(HOST.id, facts_of(HOST, PLAN))
    previewed = Previewed(HOST.id, operations, {})
    merged = containers.changes(PLAN, HOST, look, IMAGES, previewed)
    return {f"{c.kind} {c.name}": c.operation for c in merged.changes}


def test_nothing_differs() -> None:
    assert told({}) == {}


REPLACED = ("delete-replaced", "replace", "create-replacement")


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ({"container/etcd": ("update",)}, {"container etcd": "update"}),
        ({"container/etcd": REPLACED}, {"container etcd": "replace"}),
        ({"network/hanoi": ("create",)}, {"network hanoi": "create"}),
        ({"container/old": ("delete",)}, {"container old": "delete"}),
        # The provider tells of the image alone: the new image's id is not known before the pull.
        ({"image/etcd": REPLACED}, {"image etcd": "replace", "container etcd": "replace"}),
        ({"image/etcd": ("update",)}, {"image etcd": "update", "container etcd": "replace"}),
        # One image, two containers.
        (
            {"image/haproxy": REPLACED},
            {"image haproxy": "replace", "container gateway": "replace",
             "container database-proxy": "replace"},
        ),
        # It tells of an update where the image's change makes it a replacement.
        (
            {"image/etcd": REPLACED, "container/etcd": ("update",)},
            {"image etcd": "replace", "container etcd": "replace"},
        ),
    ],
)  # fmt: skip
def test_previewed_operations(
    operations: dict[str, tuple[str, ...]], expected: dict[str, str]
) -> None:
    assert told(operations) == expected


def with_container(name: str, **changes: object) -> facts.Look:
    look = facts.parse(HOST.id, facts_of(HOST, PLAN))
    found = (replace(c, **changes) if c.name == name else c for c in look.containers)
    return replace(look, containers=tuple(found))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"spec": "0" * 12 + "-" + TAGS["etcd"] + "-{logs}"}, "its description changes"),
        ({"spec": "{digest}-" + "0" * 16 + "-{logs}"}, "its image changes"),
        ({"spec": "{digest}-" + TAGS["etcd"] + "-1x1"}, "its log's limits change"),
        ({"spec": None}, "it was not made from a plan"),
    ],
)
def test_a_replacement_that_pulumi_does_not_tell_of(changes: dict[str, str], why: str) -> None:
    """The label that the container carries is another, and the preview says nothing at all."""
    digest, _, logs = facts_of(HOST, PLAN)["containers"][0]["spec"].split("-")
    digest = next(
        c["spec"].split("-")[0] for c in facts_of(HOST, PLAN)["containers"] if c["name"] == "etcd"
    )
    spec = changes["spec"] and changes["spec"].format(digest=digest, logs=logs)
    look = with_container("etcd", spec=spec)
    merged = containers.changes(PLAN, HOST, look, IMAGES, Previewed(HOST.id, {}, {}))
    assert [(c.name, c.operation, c.why) for c in merged.changes] == [("etcd", "replace", why)]
    assert merged.started == {"etcd"}


def test_a_container_that_is_not_there_is_created() -> None:
    look = facts.parse(HOST.id, facts_of(HOST, PLAN))
    gone = replace(look, containers=tuple(c for c in look.containers if c.name != "gateway"))
    assert told({"container/gateway": ("create",)}, gone) == {"container gateway": "create"}
    assert told({}, gone) == {"container gateway": "create"}


def test_a_container_that_stands_still_is_started() -> None:
    look = with_container("gateway", state="exited")
    assert told({"container/gateway": ("update",)}, look) == {"container gateway": "update"}
    assert told({}, look) == {"container gateway": "update"}


def test_a_volume_that_leaves_the_plan_stays_with_its_data() -> None:
    look = facts.parse(HOST.id, facts_of(HOST, PLAN))
    previewed = Previewed(HOST.id, {"volume/old-data": ("delete",)}, {})
    merged = containers.changes(PLAN, HOST, look, IMAGES, previewed)
    assert merged.changes == ()
    assert [(d.what, d.effect, d.host) for d in merged.data] == [
        ("volume old-data", "left behind", "nd-1")
    ]


def test_a_name_that_somebody_else_has_taken() -> None:
    names = {"etcd": True, "gateway": False, "unrelated": False}
    assert containers.by_hand(HOST, names) == ["gateway"]


def test_events_of_a_preview() -> None:
    """What Pulumi's engine sends, reduced to operations by name."""
    from pulumi.automation.events import (
        EngineEvent,
        OpType,
        ResourcePreEvent,
        StepEventMetadata,
    )

    def event(name: str, op: OpType, diffs: list[str] | None = None) -> EngineEvent:
        urn = f"urn:pulumi:nd-1::hanoi::docker:index/container:Container::{name}"
        metadata = StepEventMetadata(op, urn, "docker:index/container:Container", "", diffs=diffs)
        return EngineEvent(0, 0, resource_pre_event=ResourcePreEvent(metadata))

    steps = Steps()
    for e in (
        event("hanoi-nd-1", OpType.SAME),
        event("container/etcd", OpType.SAME),
        event("container/gateway", OpType.DELETE_REPLACED),
        event("container/gateway", OpType.REPLACE, ["labels", "image"]),
        event("container/gateway", OpType.CREATE_REPLACEMENT),
    ):
        steps(e)
    assert steps.previewed("nd-1") == Previewed(
        "nd-1", {"container/gateway": REPLACED}, {"container/gateway": ("image", "labels")}
    )
