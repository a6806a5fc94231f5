"""The databases beside the plan; the cluster's are answered by the member that leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Property
from infra.resources import HostPlan
from infra.runtime import objects
from infra.services import postgres

OWN_ROLES = {postgres.SUPERUSER, postgres.REPLICATOR, postgres.REWINDER, postgres.MOVER}
OWN_DATABASES = {"postgres"}
_WORDS = re.compile(r"(role|database) (.+?): (.+)")
_HBA = re.compile(r"^    - ((?:local|host\S*) .+)$", re.MULTILINE)


@detector("database-role-unknown", needs="database", danger=True, everywhere=True)
def roles(seen: Seen) -> Iterator[Drifted]:
    """A role of the database that nobody planned."""
    planned = {r.name for r in objects(seen.plan, seen.host).roles} | OWN_ROLES
    for role in _leader(seen).get("roles", ()):
        if role["name"] not in planned:
            power = "a superuser" if role["super"] else "a role"
            yield Drifted(
                "database role",
                role["name"],
                "create",
                f"{power} beside the plan",
                remedy=f'DROP ROLE "{role["name"]}", once nothing belongs to it',
                danger=True,
                words=(role["name"],),
            )


@detector("database-role", needs="", danger=True, everywhere=True)
def planned_roles(seen: Seen) -> Iterator[Drifted]:
    """A planned role that is gone or has other rights or another password."""
    yield from _differing(seen, "role", "database role")


@detector("database-membership", needs="database", danger=True, everywhere=True)
def members(seen: Seen) -> Iterator[Drifted]:
    """A role that has been given another role's rights."""
    planned = {(g, r.name) for r in objects(seen.plan, seen.host).roles for g in r.member_of}
    for entry in _leader(seen).get("members", ()):
        pair = (entry["role"], entry["member"])
        if pair not in planned and entry["member"] not in OWN_ROLES:
            yield Drifted(
                "database role",
                entry["member"],
                "update",
                f"it is a member of {entry['role']} beside the plan",
                remedy=f'REVOKE "{entry["role"]}" FROM "{entry["member"]}"',
                danger=True,
                properties=(Property("member of", None, entry["role"]),),
                words=(entry["member"],),
            )


@detector("database-unknown", needs="database", everywhere=True)
def databases(seen: Seen) -> Iterator[Drifted]:
    """A database that nobody planned."""
    planned = {d.name for d in objects(seen.plan, seen.host).databases} | OWN_DATABASES
    for name in _leader(seen).get("databases", ()):
        if name not in planned:
            yield Drifted(
                "database",
                name,
                "create",
                "a database beside the plan; it may hold data",
                remedy=f'look what is in it before DROP DATABASE "{name}"',
                words=(name,),
            )


@detector("database", needs="", danger=True, everywhere=True)
def planned_databases(seen: Seen) -> Iterator[Drifted]:
    """A planned database that is gone, has another owner, or is open to all."""
    yield from _differing(seen, "database", "database")


@detector("database-setting", needs="database", everywhere=True)
def settings(seen: Seen) -> Iterator[Drifted]:
    """A setting by ALTER SYSTEM, ALTER ROLE or ALTER DATABASE; the plan has none of them."""
    live = seen.answers.get("database") or {}
    for entry in live.get("settings", ()):
        # Kept on each member, so it is told of the host.
        yield Drifted(
            "database setting",
            f"{entry['name']} on {seen.host.id}",
            "update",
            f"set by ALTER SYSTEM to “{seen.secrets.hider().text(entry['setting'])}”",
            remedy=f"ALTER SYSTEM RESET {entry['name']}, then reload; settings belong in the"
            " description",
            words=(entry["name"], "ALTER SYSTEM"),
        )
    for entry in _leader(seen).get("role_settings", ()):
        whom = " in ".join(filter(None, (entry["role"], entry["database"]))) or "everybody"
        names = ", ".join(entry["names"])
        yield Drifted(
            "database setting",
            f"{names} of {whom}",
            "create",
            "set by ALTER ROLE or ALTER DATABASE",
            remedy="ALTER ROLE … RESET, or ALTER DATABASE … RESET",
            words=tuple(entry["names"]),
        )


@detector("database-access-rule", needs="database", danger=True)
def rules(seen: Seen) -> Iterator[Drifted]:
    """A rule of pg_hba.conf that is not planned, or a planned one that is gone."""
    live = seen.answers.get("database")
    if not live:
        return
    planned, there = _planned_rules(seen.host), [_rule(r) for r in live["rules"]]
    for rule in sorted({*planned, *there}):
        if (rule in planned) == (rule in there):
            continue
        yield Drifted(
            "database access rule",
            rule,
            "create" if rule in there else "delete",
            "it lets in whom the plan does not" if rule in there else "it is gone",
            remedy="on the host: docker exec postgres sh -c 'kill -HUP 1', with which Patroni"
            " writes its own rules again",
            danger=True,
            words=("pg_hba.conf",),
        )


@detector("one-off-undone", needs="", everywhere=True)
def undone(seen: Seen) -> Iterator[Drifted]:
    """Work done once that is no longer done (the cluster's settings, a unit's first contents)."""
    for name in seen.oneoffs:
        yield Drifted(
            "one-off", name, "delete", "what it made is not there any more", words=(name,)
        )


def _leader(seen: Seen) -> dict[str, Any]:
    live = seen.answers.get("database") or {}
    return live if live.get("leads") else {}


def _differing(seen: Seen, kind: str, noun: str) -> Iterator[Drifted]:
    for words in seen.inside:
        match = _WORDS.fullmatch(words)
        if match and match[1] == kind:
            gone = match[3] == "missing"
            yield Drifted(
                noun,
                match[2],
                "delete" if gone else "update",
                "it is gone" if gone else f"it differs: {match[3]}",
                danger=True,
                properties=() if gone else (Property(match[3], "as planned", "differs"),),
                words=(match[2],),
            )


def _planned_rules(host: HostPlan) -> list[str]:
    """The planned rules, as one line each: in patroni.yaml, or in a unit's own pg_hba.conf."""
    files = {f.path.rsplit("/", 1)[1]: f.content for f in host.parts.files}
    if own := files.get("pg_hba.conf"):
        rules = [line for line in own.splitlines() if line and not line.startswith("#")]
    else:
        rules = _HBA.findall(files.get("patroni.yaml", "").partition("pg_hba:")[2])
    return [" ".join(rule.split()) for rule in rules]


def _rule(row: dict[str, Any]) -> str:
    """A row of pg_hba_file_rules in the same form."""
    parts = [row["type"], ",".join(row["database"]), ",".join(row["user"])]
    if row["address"]:
        bits = sum(f"{int(x):b}".count("1") for x in (row["mask"] or "").split(".") if x.isdigit())
        parts.append(f"{row['address']}/{bits}" if row["mask"] else row["address"])
    return " ".join((*parts, row["method"], *(row["options"] or ())))
