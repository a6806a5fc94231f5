"""Names that users know: whose they are, whose they were, and which are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model.positions import Path
from infra.model.rules import Broken, View, rule
from infra.model.schema import Unit

PLATFORM_NAMES = ("gateway", "database")  # host names in the domain that the platform has itself


def _names(unit: Unit) -> Iterator[tuple[str, Path, str]]:
    """Every label that is or was a unit's, where it is written, and what it is."""
    yield unit.id, ("id",), "the id"
    if unit.label:
        yield unit.label, ("label",), "the label"
    for n, label in enumerate(unit.former_labels):
        yield label, ("former_labels", n), "a former label"


@rule("HN-M038")
def a_label_leads_to_one_unit(view: View) -> Iterator[Broken]:
    """Old names lead to the present ones for ever, so nobody else may be called by them.

    Two units that are called alike at present are HN-M033's.
    """
    owners: dict[str, tuple[Unit, str]] = {}
    for kind in ("the id", "the label", "a former label"):
        for unit in view.units:
            for label, path, what_is in _names(unit):
                if what_is != kind:
                    continue
                first, was = owners.setdefault(label, (unit, kind))
                if first is unit:
                    continue
                if first.host_label == unit.host_label == label:
                    continue
                what = f'the label "{label}" is {was} of the unit {first.id}'
                yield Broken(unit, path, what, "choose a label that no unit has or had")


@rule("HN-M039")
def former_labels_are_former(view: View) -> Iterator[Broken]:
    """A name cannot lead to itself."""
    for unit in view.units:
        for n, label in enumerate(unit.former_labels):
            if label == unit.host_label:
                what = f'"{label}" is what the unit is called now'
                remedy = "take it out of former_labels, or change the label"
                yield Broken(unit, ("former_labels", n), what, remedy)


@rule("HN-M082")
def host_names_of_applications_are_free(view: View) -> Iterator[Broken]:
    """<application>.<domain> is the application's own, as gateway.<domain> is the gateways'."""
    apps = {a.id for a in view.apps}
    for app in view.apps:
        if app.id in PLATFORM_NAMES:
            what = f'the host name "{app.id}" is one of the platform'
            yield Broken(app, ("id",), what, "give the application another id")
    longer = {a: [b for b in apps if b.startswith(f"{a}-")] for a in apps}
    for unit in view.units:
        path: Path = ("label",) if unit.label else ("id",)
        for app_id, others in sorted(longer.items()):
            if (name := f"{app_id}-{unit.host_label}") in others:
                what = f'the host name "{name}" is that of the application {name}'
                yield Broken(unit, path, what, "give the unit another label")
