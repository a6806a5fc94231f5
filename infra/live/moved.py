"""What has moved on since a plan was saved, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra import __version__
from infra.errors import Exit, HanoiError, Problem
from infra.live.described import Described
from infra.live.preview import Ahead
from infra.live.saved import Saved, nouns, of
from infra.resources import Plan

SHOWN = 12  # named one by one; the rest is counted
REMEDY = "nothing was changed. Plan again, and look at the new plan before it is applied"


def differences(before: Mapping[str, Any], after: Mapping[str, Any], absent: str = "") -> list[str]:
    """Each key whose value is another one, with both. absent: what no value means."""
    return [
        f"{key}: was {before.get(key, absent or _absent(key))},"
        f" is {after.get(key, absent or _absent(key))}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _absent(key: str) -> str:
    things = ("container ", "network ", "volume ", "content of ")
    return "not there" if key.startswith(things) else "as planned"


def refuse_description(saved: Saved, now: Described) -> None:
    """Toolkit and description must be those of the saved plan. Raises HN-R033, HN-R034."""
    problems = []
    if saved.toolkit != __version__:
        problems.append(
            _problem(
                "HN-R033",
                "this toolkit",
                f"the plan was saved by hanoi {saved.toolkit}, this is {__version__}",
            )
        )
    if saved.source != now.source:
        changed = _changed_nouns(saved, now.plan)
        problems.append(
            _problem(
                "HN-R034",
                "the description",
                f"it was {saved.source} when the plan was saved, and is {now.source}; "
                + (f"what is planned differs in {changed}" if changed else "it plans the same"),
            )
        )
    elif changed := _changed_nouns(saved, now.plan):
        problems.append(
            _problem(
                "HN-R034",
                "the toolkit's own files",
                f"from the same description another plan follows: it differs in {changed}",
            )
        )
    if problems:
        raise HanoiError(problems, Exit.REFUSED)


def _changed_nouns(saved: Saved, plan: Plan) -> str:
    after = nouns(plan)
    keys = {*saved.nouns, *after}
    return _listed(sorted(k for k in keys if saved.nouns.get(k) != after.get(k)))


def refuse_sites(saved: Saved, ahead: Ahead) -> None:
    """Hosts, state and what would be done must be as saved. Raises HN-R035, HN-R036."""
    now = of(ahead, saved.sites)
    problems = host_problems(saved.hosts, now.hosts)
    inside = differences(_flat(saved.runtime), _flat(now.runtime))
    if inside:
        problems.append(_problem("HN-R035", "inside the services", _listed(inside)))
    for host, digest in sorted(saved.checkpoints.items()):
        if now.checkpoints.get(host) != digest:
            problems.append(
                _problem("HN-R036", f"Pulumi's state of {host}", "another run has written it since")
            )
    if images := differences(saved.images, now.images, "none"):
        problems.append(_problem("HN-R036", "images", _listed(images)))
    if not problems and (changes := differences(saved.changes, now.changes, "nothing")):
        problems.append(_problem("HN-R036", "what a deploy would do", _listed(changes)))
    if problems:
        raise HanoiError(problems, Exit.REFUSED)


def host_problems(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[Problem]:
    """One problem a host that is not as it was."""
    return [
        _problem("HN-R035", f"host {host}", _listed(found))
        for host in sorted({*before, *after})
        if (found := differences(before.get(host, {}), after.get(host, {})))
    ]


def _flat(runtime: Mapping[str, Any]) -> dict[str, str]:
    return {
        **{words: "differs" for words in runtime["differs"]},
        **{f"one-off {name}": "not done" for name in runtime["oneoffs"]},
    }


def _listed(items: Iterable[str]) -> str:
    all_items = list(items)
    more = len(all_items) - SHOWN
    return "; ".join(all_items[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _problem(code: str, where: str, what: str) -> Problem:
    return Problem(where, code, what, REMEDY)
