"""Units as a list and one by one, in the form of JSON and as lines."""

from __future__ import annotations

from typing import Any

from infra.diff.description import mode
from infra.model.schema import Central, Model, SelfHosted, Unit


def rows(model: Model) -> list[dict[str, Any]]:
    """Every unit: id, names, home, label, mode of each application, closed."""
    return [
        {
            "id": u.id,
            "name": {"vi": u.name.vi, "en": u.name.en},
            "home": u.home,
            "label": u.host_label,
            "applications": {a: c.mode for a, c in u.applications.items()},
            "closed": u.closed.isoformat() if u.closed else None,
        }
        for u in model.units
    ]


def table(model: Model) -> str:
    """The same as lines: one a unit, with a column for each application."""
    apps = [a.id for a in model.apps if any(a.id in u.applications for u in model.units)]
    heads = ["unit", "home", *apps, ""]
    lines = [heads]
    for unit in model.units:
        modes = [getattr(unit.applications.get(a), "mode", "-") for a in apps]
        closed = f"closed {unit.closed}" if unit.closed else ""
        lines.append([unit.id, unit.home, *modes, closed])
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    padded = ("  ".join(c.ljust(w) for c, w in zip(x, widths, strict=True)) for x in lines)
    return "\n".join(line.rstrip() for line in padded)


def one(model: Model, unit: Unit) -> dict[str, Any]:
    """All that is known of a unit, and what others say of it."""
    return {
        **unit.model_dump(mode="json", exclude_none=True, exclude={"operators"}),
        "label": unit.host_label,
        "operators": [o.id for o in unit.operators],
        "pages": _pages(model, unit),
        "waves": _waves(model, unit),
        "followed_by": [u.id for u in model.units if unit.id in u.predecessors],
        "split_off": [u.id for u in model.units if u.split_from == unit.id],
    }


def lines(model: Model, unit: Unit) -> str:
    """The same for a person."""
    told = one(model, unit)
    rows = [
        ("unit", unit.id),
        ("name", f"{unit.name.vi} · {unit.name.en}"),
        ("home", unit.home),
        ("closed", told.get("closed", "")),
        ("label", unit.host_label),
        ("labels before", ", ".join(unit.former_labels)),
        ("came from", ", ".join(unit.predecessors)),
        ("split off from", unit.split_from or ""),
        ("split off", ", ".join(told["split_off"])),
        ("followed by", ", ".join(told["followed_by"])),
    ]
    for app, choice in unit.applications.items():
        page, waves = told["pages"].get(app), told["waves"].get(app, [])
        parts = [mode(choice) or "", page or "", f"waves: {', '.join(waves)}" if waves else ""]
        rows.append((app, "; ".join(p for p in parts if p)))
    rows += [("host", f"{h.id} {h.address} {h.site or 'elsewhere'}") for h in unit.hosts]
    rows += [("operator", f"{o.id} {o.name}") for o in unit.operators]
    shown = [(name, text) for name, text in rows if text]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in shown)


def _pages(model: Model, unit: Unit) -> dict[str, str]:
    """Application → the host name at which the toolkit serves it."""
    return {
        app: f"{app}-{unit.host_label}.{model.ministry.domain}"
        for app, choice in unit.applications.items()
        if isinstance(choice, Central | SelfHosted)
    }


def _waves(model: Model, unit: Unit) -> dict[str, list[str]]:
    """Application → waves that bring it to this unit."""
    found: dict[str, list[str]] = {}
    for wave in model.roadmap.waves:
        for entry in wave.applications:
            if entry.app in unit.applications and (entry.units == "all" or unit.id in entry.units):
                found.setdefault(entry.app, []).append(wave.id)
    return {app: list(dict.fromkeys(waves)) for app, waves in found.items()}
