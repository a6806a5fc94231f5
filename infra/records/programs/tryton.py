"""Records of one unit's Tryton database, read or taken in. Runs inside the application's container.

The first line of the input is a wish: {"verb", "database", "password", "config", "session", …}.
`read` writes what the unit has, one JSON object a line; `take` reads such lines and writes them in
one transaction, with a marker for each, so that a repeat makes nothing twice. Passwords' hashes
are written only where the wish asks for them (`hashes`).
"""

import datetime
import json
import os
import sys

FIRST_USER = "admin"  # every database has its own, whose password the toolkit keeps
MARKERS = "hanoi_carried"
CARRIED = (
    "res.user", "res.group", "party.party", "party.identifier", "party.contact_mechanism",
    "company.company", "company.employee", "currency.currency",
)  # fmt: skip
OF_USERS = ("ir.attachment", "ir.note")  # models of Tryton itself that hold what users wrote


def opened(wish):
    """The pool of the wish's database, reached with its own role's password."""
    os.environ |= {"PGPASSWORD": wish["password"], "PGAPPNAME": wish["session"]}
    os.environ["TRYTOND_CONFIG"] = f"{wish['config']}/trytond.conf"
    sys.path.insert(0, wish["config"])
    import roles

    roles.open_databases_as_their_own_roles()
    from trytond.pool import Pool

    Pool.start()
    pool = Pool(wish["database"])
    pool.init()
    return pool


def transaction(database, readonly):
    from trytond.transaction import Transaction

    return Transaction().start(
        database, 0, readonly=readonly, context={"active_test": False, "language": "en"}
    )


def installed(pool, model):
    """Ids of the model's records that Tryton's modules made: every database has its own."""
    data = pool.get("ir.model.data").search([("model", "=", model), ("db_id", "!=", None)])
    return {d.db_id for d in data}


def every(pool, model):
    return pool.get(model).search([], order=[("id", "ASC")])


def carried():
    """(unit, kind, its id there) → (id here, whether it was made here by a transfer)."""
    from sql import Table
    from trytond import backend
    from trytond.transaction import Transaction

    if not backend.TableHandler.table_exist(MARKERS):
        return {}
    table, cursor = Table(MARKERS), Transaction().connection.cursor()
    cursor.execute(*table.select(table.unit, table.kind, table.source, table.here, table.made))
    return {(u, k, s): (h, bool(m)) for u, k, s, h, m in cursor.fetchall()}


def hashes_of(pool):
    """Users' ids → their passwords' hashes, which Tryton's own reading leaves out."""
    from trytond.transaction import Transaction

    table, cursor = pool.get("res.user").__table__(), Transaction().connection.cursor()
    cursor.execute(*table.select(table.id, table.password_hash))
    return dict(cursor.fetchall())


# What a unit has


def read(pool, wish):
    with transaction(wish["database"], readonly=True):
        yield from groups(pool)
        yield from companies(pool)
        yield from parties(pool)
        yield from employees(pool)
        yield from users(pool, wish.get("hashes", False))
        yield from others(pool)
        for (unit, kind, source), (here, made) in sorted(carried().items()):
            yield {
                "is": "marker", "unit": unit, "kind": kind, "source": source, "here": here,
                "made": made,
            }  # fmt: skip


def groups(pool):
    for group in every(pool, "res.group"):
        yield {"is": "group", "id": group.id, "name": group.name}


def companies(pool):
    for company in every(pool, "company.company"):
        currency = company.currency
        yield {
            "is": "company", "id": company.id, "party": company.party.id,
            "name": company.party.name or "", "timezone": company.timezone,
            "currency": {
                "code": currency.code, "name": currency.name, "symbol": currency.symbol or "",
                "digits": currency.digits, "rounding": str(currency.rounding),
            },
        }  # fmt: skip


def parties(pool):
    for party in every(pool, "party.party"):
        yield {
            "is": "party", "id": party.id, "name": party.name or "", "active": bool(party.active),
            "lang": party.lang.code if party.lang else None,
            "identifiers": [[i.type or "", i.code] for i in party.identifiers],
            "contacts": [
                [c.type, c.value or "", c.name or "", c.comment or "", bool(c.active)]
                for c in party.contact_mechanisms
            ],
        }  # fmt: skip


def employees(pool):
    for employee in every(pool, "company.employee"):
        yield {
            "is": "employee", "id": employee.id, "party": employee.party.id,
            "company": employee.company.id, "start": day(employee.start_date),
            "end": day(employee.end_date),
            "supervisor": employee.supervisor.id if employee.supervisor else None,
        }  # fmt: skip


def users(pool, hashes):
    own, kept = installed(pool, "res.user"), hashes_of(pool) if hashes else {}
    for user in every(pool, "res.user"):
        if user.id in own or user.id == 0 or user.login == FIRST_USER:
            continue
        record = {
            "is": "user", "id": user.id, "login": user.login, "name": user.name or "",
            "email": user.email, "active": bool(user.active),
            "lang": user.language.code if user.language else None,
            "groups": [g.id for g in user.groups],
            "companies": [c.id for c in user.companies],
            "employees": [e.id for e in user.employees],
            "company": user.company.id if user.company else None,
            "employee": user.employee.id if user.employee else None,
        }  # fmt: skip
        yield {**record, "hash": kept[user.id]} if hashes else record


def others(pool):
    """How many records of every other kind there are, without those that modules bring."""
    from trytond.model import ModelSingleton, ModelSQL

    titles = {m.model: m.name for m in pool.get("ir.model").search([])}
    for name, model in sorted(pool.iterobject()):
        technical = name.startswith(("ir.", "res.")) and name not in OF_USERS
        if technical or name in CARRIED or "-" in name:
            continue
        if not issubclass(model, ModelSQL) or issubclass(model, ModelSingleton):
            continue
        if callable(model.table_query) and model.table_query():
            continue
        if any(c.__name__ == "ValueMixin" for c in model.__mro__):
            continue
        count = model.search([], count=True) - len(installed(pool, name))
        if count > 0:
            yield {"is": "other", "model": name, "title": titles.get(name) or name, "count": count}


def day(date):
    return date.isoformat() if date else None


# Taking in


class Taking:
    """One transfer into the open transaction. given: kind → id there → id here, of what is the
    same on both sides; unit: where the records come from."""

    def __init__(self, pool, wish):
        self.pool, self.unit = pool, wish["unit"]
        self.given = {
            (kind, int(there)): here
            for kind, pairs in wish["given"].items()
            for there, here in pairs.items()
        }
        self.markers = carried()
        self.made = {}

    def here(self, kind, there):
        """The id here of a record there. Raises KeyError where it has not come."""
        marker = self.markers.get((self.unit, kind, there))
        return marker[0] if marker else self.given[kind, there]

    def each(self, kind, records, values):
        """Make each record that is not here yet, and mark it."""
        for record in records:
            if (self.unit, kind, record["id"]) in self.markers:
                continue
            here = self.given.get((kind, record["id"]))
            made = here is None
            if made:
                here = self.make(kind, values(record))
            self.mark(kind, record["id"], here, made)

    def make(self, kind, values):
        model = self.pool.get(
            {"group": "res.group", "party": "party.party", "company": "company.company",
             "employee": "company.employee", "user": "res.user"}[kind]
        )  # fmt: skip
        (record,) = model.create([values])
        self.made[kind] = self.made.get(kind, 0) + 1
        return record.id

    def mark(self, kind, there, here, made):
        from sql import Table
        from trytond.transaction import Transaction

        table, cursor = Table(MARKERS), Transaction().connection.cursor()
        columns = [table.unit, table.kind, table.source, table.here, table.made]
        cursor.execute(*table.insert(columns, [[self.unit, kind, there, here, made]]))
        self.markers[self.unit, kind, there] = (here, made)

    def all(self, records):
        kinds: dict[str, list[dict[str, object]]] = {}
        for record in records:
            kinds.setdefault(record["is"], []).append(record)
        self.each("group", kinds.get("group", ()), lambda r: {"name": r["name"]})
        self.each("party", kinds.get("party", ()), self.party)
        self.each("company", kinds.get("company", ()), self.company)
        staff = kinds.get("employee", ())
        new = [e for e in staff if (self.unit, "employee", e["id"]) not in self.markers]
        self.each("employee", staff, self.employee)
        for employee in new:
            self.supervised(employee)
        self.each("user", kinds.get("user", ()), self.user)

    def party(self, record):
        contacts = [
            {
                "type": kind,
                "value": value,
                "name": name or None,
                "comment": comment or None,
                "active": active,
            }
            for kind, value, name, comment, active in record["contacts"]
        ]
        return {
            "name": record["name"], "active": record["active"],
            **self.language("lang", record["lang"]),
            "identifiers": [
                ("create", [{"type": t or None, "code": c} for t, c in record["identifiers"]])
            ],
            "contact_mechanisms": [("create", contacts)], "addresses": [],
        }  # fmt: skip

    def company(self, record):
        return {
            "party": self.here("party", record["party"]), "timezone": record["timezone"],
            "currency": self.currency(record["currency"]),
        }  # fmt: skip

    def currency(self, wanted):
        from decimal import Decimal

        Currency = self.pool.get("currency.currency")
        found = Currency.search([("code", "=", wanted["code"])], limit=1)
        if not found:
            found = Currency.create([{**wanted, "rounding": Decimal(wanted["rounding"])}])
        return found[0].id

    def employee(self, record):
        return {
            "party": self.here("party", record["party"]),
            "company": self.here("company", record["company"]),
            "start_date": from_day(record["start"]), "end_date": from_day(record["end"]),
        }  # fmt: skip

    def supervised(self, record):
        there = record["supervisor"]
        here, made = self.markers[self.unit, "employee", record["id"]]
        if made and there is not None and (self.unit, "employee", there) in self.markers:
            Employee = self.pool.get("company.employee")
            Employee.write([Employee(here)], {"supervisor": self.here("employee", there)})

    def user(self, record):
        def those(kind, ids):
            return [("add", sorted({self.here(kind, i) for i in ids}))] if ids else []

        def that(kind, there):
            return None if there is None else self.here(kind, there)

        return {
            "login": record["login"], "name": record["name"], "email": record["email"],
            "active": record["active"], "password_hash": record["hash"],
            **self.language("language", record["lang"]),
            "groups": those("group", record["groups"]),
            "companies": those("company", record["companies"]),
            "employees": those("employee", record["employees"]),
            "company": that("company", record["company"]),
            "employee": that("employee", record["employee"]),
        }  # fmt: skip

    def language(self, field, code):
        wanted = [("code", "=", code), ("translatable", "=", True)]
        found = self.pool.get("ir.lang").search(wanted, limit=1) if code else ()
        return {field: found[0].id} if found else {}


def from_day(text):
    return datetime.date.fromisoformat(text) if text else None


def take(pool, wish, records):
    from trytond.transaction import Transaction

    with transaction(wish["database"], readonly=False) as current:
        current.connection.cursor().execute(
            f"CREATE TABLE IF NOT EXISTS {MARKERS} (unit VARCHAR NOT NULL, kind VARCHAR NOT NULL,"
            " source INTEGER NOT NULL, here INTEGER NOT NULL, made BOOLEAN NOT NULL,"
            " PRIMARY KEY (unit, kind, source))"
        )
        taking = Taking(pool, wish)
        taking.all(records)
        Transaction().commit()
        yield {"is": "taken", "made": taking.made}


def main(lines):
    wish = json.loads(next(lines))
    pool = opened(wish)
    if wish["verb"] == "read":
        answers = read(pool, wish)
    else:
        answers = take(pool, wish, [json.loads(line) for line in lines])
    for answer in answers:
        print(json.dumps(answer, ensure_ascii=True))


if __name__ == "__main__":
    try:
        main(iter(sys.stdin))
    except Exception as fault:
        # The first line alone: what follows may quote a whole record.
        first = (str(fault).strip().splitlines() or [""])[0]
        raise SystemExit(f"{type(fault).__name__}: {first[:300]}") from None
