"""Which compliance checks apply to which host: read from their source, without running pytest.

A check names its control, the container or role it is for and what it asks (its fixtures) as
literals in tests/compliance (infra/verify/checks.py says how); that is all that is needed here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.report.content import CheckChange
from infra.resources import HostPlan, Plan

# A plan names no roles: what a role brings is a container (as in infra/verify/plugin.py).
_ROLES = {"database": "postgres", "gateway": "gateway", "applications": "tryton"}


@dataclass(frozen=True)
class Check:
    """control: its id, or the function's name where the id is computed; title: the
    requirement; containers: it concerns only hosts with all of them; each: it is asked of
    every container of a host."""

    control: str
    title: str
    containers: tuple[str, ...]
    each: bool

    def concerns(self, host: HostPlan) -> bool:
        names = {c.name for c in host.parts.containers}
        return names >= set(self.containers) and (bool(names) or not self.each)


def read(sources: Mapping[str, str]) -> tuple[Check, ...]:
    """The checks of the files (name → text), in order. A file that is not Python has none."""
    found: list[Check] = []
    for _, text in sorted(sources.items()):
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append(_check(node, _marks(_module_marks(tree))))
    return tuple(found)


def _module_marks(tree: ast.Module) -> Iterable[ast.expr]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
        ):
            yield from node.value.elts if isinstance(node.value, ast.List) else [node.value]


def _marks(nodes: Iterable[ast.expr]) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """(name, positional, named) of marker calls with literal arguments."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = {k.arg: _literal(k.value) for k in node.keywords if k.arg}
            found.append((node.func.id, [_literal(a) for a in node.args], named))
    return found


def _literal(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _check(node: ast.FunctionDef, inherited: list[tuple[str, list[Any], dict[str, Any]]]) -> Check:
    marks = [*inherited, *_marks(node.decorator_list)]
    control = next((a[0] for name, a, _ in marks if name == "control" and a and a[0]), None)
    needed = {
        _ROLES.get(v, v) for name, _, named in marks if name == "on" for v in named.values() if v
    }
    lines = (ast.get_docstring(node) or node.name).strip().splitlines()
    asks = {a.arg for a in node.args.args}
    return Check(
        str(control or node.name), lines[0].rstrip("."), tuple(sorted(needed)), "container" in asks
    )


def changes(
    before: Mapping[str, str], planned: Plan, after: Mapping[str, str], plan: Plan
) -> tuple[CheckChange, ...]:
    """Checks that begin or stop to apply to a host, those of one control together.

    before, after: the checks' sources of each side (name → text).
    """
    if before == after and _containers(planned) == _containers(plan):
        return ()
    known = read(before)
    old = _applied(known, planned)
    new = _applied(known if before == after else read(after), plan)
    found: list[CheckChange] = []
    pairs: tuple[tuple[Literal["create", "delete"], Applied, Applied], ...] = (
        ("create", new, old),
        ("delete", old, new),
    )
    for operation, here, there in pairs:
        for key, (title, hosts) in here.items():
            also = there.get(key, ("", ()))[1]
            if only := tuple(h for h in hosts if h not in also):
                found.append(CheckChange(key, title, operation, only))
    return tuple(sorted(found, key=lambda c: (c.control, c.operation)))


Applied = dict[str, tuple[str, tuple[str, ...]]]


def _containers(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {h.id: tuple(c.name for c in h.parts.containers) for h in plan.hosts}


def _applied(checks: tuple[Check, ...], plan: Plan) -> Applied:
    """Control → its title and the hosts that it applies to."""
    found: Applied = {}
    for check in checks:
        title, known = found.get(check.control, (check.title, ()))
        hosts = {h.id for h in plan.hosts if check.concerns(h)}
        found[check.control] = (title, tuple(sorted(hosts | set(known))))
    return found
