"""Versions: nothing goes back, and a database's major version is no ordinary change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from infra.diff.side import Side
from infra.policies import Danger, policy
from infra.report.content import Change

SUITES = ("bullseye", "bookworm", "trixie", "forky", "duke")
_PINNED = re.compile(r"^\s*(?:#.*|)$|([a-z][a-z0-9.+-]*)=(\d[\w.:~+-]*)", re.MULTILINE)
_NUMBERED = re.compile(r"(?<![\w/.-])(postgresql)-(\d+)(?![\w.-])")


def versions(recipe: str) -> dict[str, tuple[int, ...]]:
    """Packages of a Dockerfile whose version it states: "name=1.2" and "postgresql-17"."""
    text = re.sub(r"^\s*#.*$", "", recipe, flags=re.MULTILINE)
    found = {name: _numbers(v) for name, v in _NUMBERED.findall(text)}
    return found | {m[1]: _numbers(m[2]) for m in _PINNED.finditer(text) if m[1]}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version.split("-")[0]))


@policy(
    "downgrade",
    severity="refused",
    reason="an earlier version may not read what a later one has written, and lacks its security"
    " corrections",
    remedy="go forward; to go back, restore a backup that the earlier version has written",
)
def downgrade(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """An earlier Debian release or package version of an image, where both are known."""
    old, new = before.recipes, after.recipes
    suites = [s.get("suite", "") for s in (old, new)]
    if all(s in SUITES for s in suites) and SUITES.index(suites[0]) > SUITES.index(suites[1]):
        yield Danger("every image", f"Debian {suites[0]} → {suites[1]}")
    for image in sorted(set(old) & set(new) - {"suite"}):
        was, now = versions(old[image]), versions(new[image])
        for name in sorted(set(was) & set(now)):
            if now[name] < was[name]:
                told = (".".join(map(str, v)) for v in (was[name], now[name]))
                yield Danger(f"image {image}", f"{name} {' → '.join(told)}")


@policy(
    "database-upgrade",
    severity="danger",
    reason="PostgreSQL does not start on the data directory of another major version",
    remedy="upgrade by dump and restore, or by replication into a new cluster; not by a deploy",
)
def database_upgrade(before: Side, after: Side, changes: Sequence[Change]) -> Iterator[Danger]:
    """A later major version of PostgreSQL (an earlier one is a downgrade)."""
    for image in sorted(set(before.recipes) & set(after.recipes)):
        was, now = (versions(s.recipes[image]).get("postgresql") for s in (before, after))
        if was and now and now > was:
            yield Danger(f"image {image}", f"PostgreSQL {was[0]} → {now[0]}")
