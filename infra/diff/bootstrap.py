"""Plans a description with the toolkit of another revision, and hands the plan back as JSON.

Started by own_code.py in a process of its own, with the directory that holds that revision's
`infra`, the description's directory, the wave ("" for its current one) and where data is by then
(JSON, a list of application, unit and place). It relies on as little of that code as it can:
infra.model.load, infra.plan.plan, and dataclasses; content tags and moves where it knows them.
"""

import dataclasses
import json
import sys
from typing import Any


def plain(value: Any) -> Any:
    """A value for JSON; dataclasses with their class's name under ""."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"": type(value).__name__, **named}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def tags(plan: Any) -> dict[str, str]:
    try:
        from infra.images.content import ImageSpec, tag

        return {name: tag(ImageSpec(name, uid)) for name, uid in plan.images}
    except Exception:
        return {}


def planned(model: Any, wave: str | None, places: str) -> Any:
    from infra import plan

    if not hasattr(plan, "plan_after"):
        return plan.plan(model, wave)
    return plan.plan_after({(app, unit): p for app, unit, p in json.loads(places)}, model, wave)


def answer(code: str, sites: str, through: str, places: str) -> dict[str, Any]:
    sys.path.insert(0, code)
    from pathlib import Path

    from infra.model import load

    try:
        model = load(Path(sites))
        waves = [w.id for w in model.roadmap.waves]
        made = planned(model, through if through in waves else None, places)
    except Exception as failure:
        told = getattr(failure, "problems", None)
        if told is None:
            raise
        names = ("where", "code", "what", "remedy")
        return {"problems": [{n: str(getattr(p, n, "")) for n in names} for p in told]}
    return {"plan": plain(made), "tags": tags(made), "wave_known": not through or through in waves}


if __name__ == "__main__":
    json.dump(answer(*sys.argv[1:5]), sys.stdout)
