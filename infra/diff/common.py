"""What changes once for the ministry: images, secrets, databases, one-offs, pages, the toolkit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from infra.diff.owners import Owners
from infra.diff.side import Side
from infra.diff.values import properties
from infra.report.content import Change, Operation, Property
from infra.resources import Certificate, OneOff, Page, Password, Plan, Secret, SigningKey
from infra.services import plone, postgres, tryton
from infra.services.tls import directory


def changes(before: Side, after: Side, owners: Owners) -> Iterator[Change]:
    """Everything of the plans' common part, and what is beside the plan in the repository."""
    assert before.plan and after.plan
    yield from _images(before, after)
    yield from _secrets(before.plan, after.plan, owners)
    yield from _vaults(before, after)
    yield from _roles(before.plan, after.plan)
    yield from _databases(before.plan, after.plan, owners)
    yield from _oneoffs(before.plan, after.plan, owners)
    yield from _pages(before.plan, after.plan)
    yield from _toolkit(before, after)


def _images(before: Side, after: Side) -> Iterator[Change]:
    """Images whose content tag is another one, or new. A deploy builds what the registry does
    not have; of an earlier content it may have kept it."""
    for name, tag in sorted(after.tags.items()):
        old = before.tags.get(name)
        if old == tag or not before.tags:
            continue
        why = "its files change" if old else "a container begins to use it"
        operation: Operation = "update" if old else "create"
        yield Change("image", name, operation, why=why, properties=(Property("tag", old, tag),))


_KINDS = {Password: "password", Certificate: "certificate", SigningKey: "signing key"}


def _secrets(before: Plan, after: Plan, owners: Owners) -> Iterator[Change]:
    """By reference only. A password once made is kept whatever its length; a secret that
    nothing refers to any more stays in the vault (left.py)."""
    known = {s.id: s for s in before.secrets}
    for secret in after.secrets:
        old = known.get(secret.id)
        units, apps = owners.secret(secret.id)
        if old is None or type(old) is not type(secret):
            what = _KINDS[type(secret)]
            why = f"a {what} is generated"
            yield Change("secret", secret.id, "create", why=why, units=units, applications=apps)
        elif isinstance(secret, Certificate) and (shown := _names(old, secret)):
            yield Change(
                "secret", secret.id, "update", why="its names change, so it is issued anew",
                properties=shown, units=units, applications=apps,
            )  # fmt: skip


def _names(old: Secret, new: Certificate) -> tuple[Property, ...]:
    """Names that a certificate gains or loses; their order does not count."""
    assert isinstance(old, Certificate)
    found = properties(
        {"common_name": old.common_name, "usages": tuple(sorted(old.usages))},
        {"common_name": new.common_name, "usages": tuple(sorted(new.usages))},
    )
    for name, was, now in (
        ("dns", old.dns, new.dns),
        ("addresses", old.addresses, new.addresses),
    ):
        gone, come = sorted(set(was) - set(now)), sorted(set(now) - set(was))
        if gone or come or len(was) != len(now):
            found += (Property(f"{name} that differ", ", ".join(gone), ", ".join(come)),)
    return found


def _vaults(before: Side, after: Side) -> Iterator[Change]:
    """Encrypted files beside the model: that they change, never what is in them."""
    for path in sorted({*before.vaults, *after.vaults}):
        was, now = before.vaults.get(path), after.vaults.get(path)
        if was != now:
            yield Change(
                "secret", path, "create" if was is None else "delete" if now is None else "update",
                why="an encrypted file; which secrets in it change cannot be told without its"
                " password, and the hosts get them with the next deploy",
            )  # fmt: skip


def _roles(before: Plan, after: Plan) -> Iterator[Change]:
    known = {r.name: r for r in before.common.roles}
    for role in after.common.roles:
        old = known.get(role.name)
        if old is None or set(role.member_of) - set(old.member_of) or role.password != old.password:
            yield Change(
                "database role", role.name, "update" if old else "create",
                properties=properties(old, role, ("name",)),
            )  # fmt: skip


def _databases(before: Plan, after: Plan, owners: Owners) -> Iterator[Change]:
    """Extensions are only ever added."""
    known = {d.name: d for d in before.common.databases}
    for database in after.common.databases:
        old = known.get(database.name)
        more = old and set(database.extensions) - set(old.extensions)
        if old is None or more or old.owner != database.owner:
            units, apps = owners.database(database.name)
            yield Change(
                "database", database.name, "update" if old else "create",
                properties=properties(old, database, ("name",)), units=units, applications=apps,
            )  # fmt: skip


def _oneoffs(before: Plan, after: Plan, owners: Owners) -> Iterator[Change]:
    """New ones, and those whose probe will say that they have to be done again."""
    known = {o.id: o for o in before.common.oneoffs}
    settings = _file(before, SETTINGS) != _file(after, SETTINGS)
    modules = modules_of(_file(after, FACTS)) - modules_of(_file(before, FACTS))
    sites, sites_before = _sites(after), _sites(before)
    for oneoff in after.common.oneoffs:
        units, apps = owners.oneoff(oneoff.id)
        if oneoff.id not in known:
            yield Change("one-off", oneoff.id, "create", why=f"usually takes {oneoff.seconds} s",
                         units=units, applications=apps)  # fmt: skip
        elif oneoff.id == postgres.SETTINGS and settings:
            yield Change(
                "one-off", oneoff.id, "update", why="the cluster's settings change", units=units
            )
        elif oneoff.container == tryton.NAME and modules:
            why = f"modules are added: {', '.join(sorted(modules))}"
            yield Change("one-off", oneoff.id, "update", why=why, units=units, applications=apps)
        elif oneoff.container == plone.NAME and any(
            sites.get(unit) != sites_before.get(unit) for unit in units
        ):
            why = "the site's title or contents change"
            yield Change("one-off", oneoff.id, "update", why=why, units=units, applications=apps)
        elif _script(oneoff) == plone.SIGN_ON != _script(known[oneoff.id]):
            why = "the site's users will sign on"
            yield Change("one-off", oneoff.id, "update", why=why, units=units, applications=apps)


# Files that one-offs go by: the cluster's settings, Tryton's modules, Plone's sites.
SETTINGS = f"{directory(postgres.NAME)}/dcs.json"
FACTS = f"{directory(tryton.NAME)}/tryton.json"
SITES = f"{directory(plone.NAME)}/plone.json"


def _script(oneoff: OneOff) -> tuple[str, ...]:
    """What it runs, without the arguments."""
    return oneoff.argv[:2]


def _file(plan: Plan, path: str) -> str:
    """The file's content on the first host that has it."""
    return next((f.content for h in plan.hosts for f in h.parts.files if f.path == path), "")


def modules_of(facts: str) -> set[str]:
    """What Tryton's probe asks for, by the text of FACTS."""
    try:
        return set(json.loads(facts or "{}").get("modules", ()))
    except ValueError:
        return set()


def _sites(plan: Plan) -> dict[str, object]:
    """Unit → what Plone's probe asks of its site (plone.json)."""
    try:
        units = json.loads(_file(plan, SITES) or "{}").get("units", {})
    except ValueError:
        return {}
    return {unit: facts["site"] for unit, facts in units.items()}


def settings_of(text: str) -> dict[str, object]:
    """PostgreSQL's settings for the whole cluster, by the text of SETTINGS; {} without any."""
    try:
        return dict(json.loads(text or "{}").get("postgresql", {}).get("parameters", {}))
    except ValueError:
        return {}


# PostgreSQL takes these up at a restart only (source: PostgreSQL, "Server Configuration").
_AT_RESTART = frozenset(
    {"max_connections", "max_wal_senders", "max_replication_slots", "wal_level", "wal_log_hints",
     "hot_standby"}
)  # fmt: skip


def restarting(before: Plan, after: Plan) -> tuple[str, ...]:
    """Settings that change and for which each member's PostgreSQL has to restart."""
    return at_restart(settings_of(_file(before, SETTINGS)), settings_of(_file(after, SETTINGS)))


def at_restart(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    """The same of two sets of settings."""
    return tuple(sorted(n for n in _AT_RESTART if old and new and old.get(n) != new.get(n)))


def because(names: Sequence[str]) -> str:
    """Why PostgreSQL restarts."""
    return f"PostgreSQL in it takes up at a restart only: {', '.join(names)}"


def _pages(before: Plan, after: Plan) -> Iterator[Change]:
    """A page is its application's and unit's; at another address it is the same one renamed."""
    old, new = _by_owner(before), _by_owner(after)
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        page = now or was
        assert page
        operation = "create" if was is None else "delete" if now is None else "update"
        if was and now and was.url_host != now.url_host:
            operation = "rename"
        yield Change(
            "page",
            page.url_host,
            operation,  # type: ignore[arg-type]
            properties=properties(_address(was), _address(now)),
            units=(page.unit,) if page.unit else (),
            applications=(page.application,),
        )


def _by_owner(plan: Plan) -> dict[tuple[str, str | None], Page]:
    return {(p.application, p.unit): p for p in plan.common.pages}


def _address(page: Page | None) -> dict[str, object]:
    return (
        {}
        if page is None
        else {"address": f"https://{page.url_host}{page.path}", "status": page.status}
    )


def _toolkit(before: Side, after: Side) -> Iterator[Change]:
    """Roles and playbooks: how a deploy works on hosts, not what it brings there."""
    touched: dict[str, list[str]] = {}
    for path in sorted({*before.toolkit, *after.toolkit}):
        if before.toolkit.get(path) != after.toolkit.get(path):
            name = "/".join(path.split("/")[:2])
            touched.setdefault(name, []).append(path)
    for name, files in touched.items():
        gone = all(f not in after.toolkit for f in files)
        yield Change(
            "toolkit",
            name,
            "delete" if gone and not _there(after, name) else "update",
            why="how a deploy works changes; it counts wherever a host differs",
            properties=tuple(
                Property(f, _id(before.toolkit.get(f)), _id(after.toolkit.get(f))) for f in files
            ),
        )


def _there(side: Side, name: str) -> bool:
    return any(f == name or f.startswith(f"{name}/") for f in side.toolkit)


def _id(blob: str | None) -> str | None:
    return blob[:7] if blob else None
