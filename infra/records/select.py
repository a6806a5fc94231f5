"""Which records of a unit a transfer takes: all that can be carried, or a stated selection."""

from __future__ import annotations

from infra.records.content import Content, Record, identifiers, stated


def selected(source: Content, chosen: tuple[str, ...] | None) -> tuple[Content, tuple[str, ...]]:
    """The records that are to come, and what of `chosen` fits nobody.

    chosen None: everybody. A login takes its user with the user's employees; an identifier takes
    the party with its employees and their users. With employees come their parties and companies,
    with users their groups.
    """
    if chosen is None:
        everybody = (dict(source.of(kind)) for kind in ("user", "employee", "party"))
        return _closed(source, *everybody), ()
    logins = {u["login"]: u for u in source.of("user").values()}
    owners = {i: p for p in source.of("party").values() for i in identifiers(p)}
    users: dict[int, Record] = {}
    employees: dict[int, Record] = {}
    parties: dict[int, Record] = {}
    unknown = []
    for word in chosen:
        if ":" in word and (party := owners.get(stated(word))):
            parties[party["id"]] = party
        elif user := logins.get(word):
            users[user["id"]] = user
            employees |= {e: source.of("employee")[e] for e in user["employees"]}
        else:
            unknown.append(word)
    employees |= {e["id"]: e for e in source.of("employee").values() if e["party"] in parties}
    users |= {
        u["id"]: u for u in source.of("user").values() if set(u["employees"]) & set(employees)
    }
    return _closed(source, users, employees, parties), tuple(unknown)


def _closed(
    source: Content,
    users: dict[int, Record],
    employees: dict[int, Record],
    parties: dict[int, Record],
) -> Content:
    """With everything that these refer to; a user's links to others than these are left out."""
    companies = {e["company"] for e in employees.values()}
    companies |= {c for u in users.values() for c in u["companies"] if not u["employees"]}
    groups = {g for u in users.values() for g in u["groups"]}
    persons = {e["party"] for e in employees.values()}
    firms = {c: source.of("company")[c] for c in sorted(companies)}
    persons |= {c["party"] for c in firms.values()} | set(parties)
    return Content(
        {
            "group": {g: source.of("group")[g] for g in sorted(groups)},
            "party": {p: source.of("party")[p] for p in sorted(persons)},
            "company": firms,
            "employee": {e: employees[e] for e in sorted(employees)},
            "user": {u: _linked(users[u], set(employees), companies) for u in sorted(users)},
        },
        source.others,
    )


def _linked(user: Record, employees: set[int], companies: set[int]) -> Record:
    """The user with links only to what comes along."""
    return {
        **user,
        "employees": [e for e in user["employees"] if e in employees],
        "companies": [c for c in user["companies"] if c in companies],
        "employee": user["employee"] if user["employee"] in employees else None,
        "company": user["company"] if user["company"] in companies else None,
    }
