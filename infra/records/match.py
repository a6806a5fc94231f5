"""Two units' records held against each other: what comes, what is the same, what stands against it.

Ids mean nothing across databases, nor does a party's number, which both number for themselves.
What is compared is a user's login and a party's identifiers; a name alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.records.content import KINDS, Content, Record, identifiers, stated, written
from infra.records.select import selected


@dataclass(frozen=True)
class Statement:
    """What the description says of a transfer. chosen: logins and identifiers, None: everything;
    same: logins and identifiers that are one person's on both sides."""

    source: str
    target: str
    chosen: tuple[str, ...] | None = None
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """What stands against a transfer, by name, and what to do."""

    what: str
    remedy: str


@dataclass
class Matched:
    """coming: the source's records that are to be there afterwards; given: kind → id there → id
    here, of those that are there already; notes: what administrators should know."""

    coming: Content
    given: dict[str, dict[int, int]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def matched(said: Statement, source: Content, target: Content) -> Matched:
    """Everything about a transfer before it begins. Writes nothing."""
    coming, unknown = selected(source, said.chosen)
    made = Matched(coming, {kind: {} for kind in KINDS})
    for name in unknown:
        made.conflicts.append(
            Conflict(
                f"{name} is to come from {said.source}, and nobody there has it",
                "correct the login or the identifier (TYPE:CODE) in carry:",
            )
        )
    sides = _Sides(said, source, target, made)
    sides.stated()
    sides.groups()
    sides.companies()
    sides.users()
    sides.parties()
    sides.employees()
    sides.not_added()
    return made


class _Sides:
    """One comparison on its way into a Matched."""

    def __init__(self, said: Statement, source: Content, target: Content, made: Matched):
        self.said, self.source, self.target, self.made = said, source, target, made
        self.come = {(m.kind, m.source): m.here for m in target.markers if m.unit == said.source}
        self.logins = {u["login"].casefold(): u for u in target.of("user").values()}
        self.same_logins = {s.casefold() for s in said.same if ":" not in s}
        self.same_identifiers = {stated(s) for s in said.same if ":" in s}

    def new(self, kind: str) -> Iterator[Record]:
        """Records to come that have not come before."""
        for there, record in self.made.coming.of(kind).items():
            if (kind, there) not in self.come:
                yield record

    def against(self, what: str, remedy: str) -> None:
        self.made.conflicts.append(Conflict(what, remedy))

    def stated(self) -> None:
        """Each login and identifier under same: is on both sides."""
        for unit, content in ((self.said.source, self.source), (self.said.target, self.target)):
            logins = {u["login"].casefold() for u in content.of("user").values()}
            known = {i for p in content.of("party").values() for i in identifiers(p)}
            missing = sorted(self.same_logins - logins)
            missing += sorted(map(written, self.same_identifiers - known))
            for name in missing:
                self.against(
                    f"{name} is stated under same: and {unit} has none", "correct or remove it"
                )

    def groups(self) -> None:
        """By name. Which groups a database has that is still to be made, nobody can tell yet."""
        made = any(group > 0 for group in self.target.of("group"))
        names = {g["name"]: g["id"] for g in self.target.of("group").values()}
        for group in self.new("group"):
            if (here := names.get(group["name"])) is not None:
                self.made.given["group"][group["id"]] = here
            elif made:
                self.made.notes.append(
                    f'the group "{group["name"]}" comes without rights: give them in'
                    f" {self.said.target}"
                )

    def companies(self) -> None:
        """To the company of the same name, else the one there is; where there is none it comes."""
        there = list(self.made.coming.of("company").values())
        here = list(self.target.of("company").values())
        names = {c["name"].casefold(): c for c in here}
        for company in self.new("company"):
            fits = names.get(company["name"].casefold())
            if fits is None and len(there) == len(here) == 1:
                fits = here[0]
            if fits:
                self.made.given["company"][company["id"]] = fits["id"]
                self.made.given["party"][company["party"]] = fits["party"]
                if fits["name"] != company["name"]:
                    self.made.notes.append(
                        f'employees of the company "{company["name"]}" become employees of'
                        f' "{fits["name"]}"'
                    )
            elif here:
                listed = ", ".join(f'"{c["name"]}"' for c in here)
                self.against(
                    f'the company "{company["name"]}" of {self.said.source} may be any of'
                    f" {self.said.target}: {listed}",
                    "give it the name of the one that its employees go to, in the application",
                )

    def users(self) -> None:
        for user in self.new("user"):
            login = user["login"]
            here = self.logins.get(login.casefold())
            if here is None:
                continue
            if login.casefold() in self.same_logins:
                self.made.given["user"][user["id"]] = here["id"]
                self._one_person(user, here)
                continue
            self.against(
                f'both units have a user "{login}": {user["name"]} in {self.said.source},'
                f" {here['name']} in {self.said.target}",
                f"rename one of them in the application, or state {login} under same: when it is"
                " one person",
            )

    def _one_person(self, user: Record, here: Record) -> None:
        """Both accounts of one person lead to one party, where each has one."""
        there = {self.source.of("employee")[e]["party"] for e in user["employees"]}
        ours = {self.target.of("employee")[e]["party"] for e in here["employees"]}
        if len(there) == len(ours) == 1:
            self.made.given["party"].setdefault(there.pop(), ours.pop())

    def parties(self) -> None:
        owners = {i: p for p in self.target.of("party").values() for i in identifiers(p)}
        names = {p["name"].casefold() for p in self.target.of("party").values() if p["name"]}
        twins = []
        for party in self.new("party"):
            if party["id"] in self.made.given["party"]:
                continue
            shared = sorted(i for i in identifiers(party) if i in owners)
            if not shared:
                if party["name"].casefold() in names:
                    twins.append(party["name"])
                continue
            here = {owners[i]["id"] for i in shared}
            told = ", ".join(map(written, shared))
            if len(here) > 1:
                self.against(
                    f"{party['name']} has the identifiers {told}, which are several parties' in"
                    f" {self.said.target}",
                    "correct the identifiers in one of the two applications",
                )
            elif self.same_identifiers & set(shared):
                self.made.given["party"][party["id"]] = here.pop()
            else:
                self.against(
                    f"{party['name']} in {self.said.source} has the identifier {told} of"
                    f" {owners[shared[0]]['name']} in {self.said.target}",
                    f'state "{written(shared[0])}" under same: when it is one person, else correct'
                    " one of them in the application",
                )
        if twins:
            self.made.notes.append(
                f"of the same name on both sides, and there twice afterwards: {_some(twins)};"
                ' where it is one person, Tryton\'s "Replace Party" makes one of two'
            )

    def employees(self) -> None:
        """The same person's same employment is there once; others of that person are told."""
        for employee in self.new("employee"):
            party = self._here("party", employee["party"])
            company = self._here("company", employee["company"])
            if party is None or company is None:
                continue
            ours = [
                e
                for e in self.target.of("employee").values()
                if (e["party"], e["company"]) == (party, company)
            ]
            equal = next((e for e in ours if e["start"] == employee["start"]), None)
            if equal:
                self.made.given["employee"][employee["id"]] = equal["id"]
            elif ours:
                name = self.source.of("party")[employee["party"]]["name"]
                self.made.notes.append(
                    f"{name} is an employee of {self.said.target} already, with other dates; both"
                    " employments are there afterwards"
                )

    def not_added(self) -> None:
        """What one person's record in the source has beyond the one in the target, by number."""
        companies = {c["party"] for c in self.made.coming.of("company").values()}
        for there, here in self.made.given["party"].items():
            if there in companies:
                continue
            ours, theirs = self.target.of("party")[here], self.source.of("party")[there]
            codes = len(identifiers(theirs) - identifiers(ours))
            known = [c[:2] for c in ours["contacts"]]
            contacts = sum(c[:2] not in known for c in theirs["contacts"])
            if codes or contacts:
                self.made.notes.append(
                    f"{theirs['name']}: {codes} identifiers and {contacts} contact mechanisms of"
                    f" {self.said.source} are not added to the record that is there"
                )
        for there, here in self.made.given["user"].items():
            has = {self._group(self.target, g) for g in self.target.of("user")[here]["groups"]}
            theirs = self.source.of("user")[there]
            if more := sorted({self._group(self.source, g) for g in theirs["groups"]} - has):
                self.made.notes.append(f"{theirs['login']} is not added to: {', '.join(more)}")

    @staticmethod
    def _group(content: Content, group: int) -> str:
        return str(content.of("group")[group]["name"])

    def _here(self, kind: str, there: int) -> int | None:
        return self.come.get((kind, there), self.made.given[kind].get(there))


def missing(said: Statement, coming: Content, before: Content, after: Content) -> list[str]:
    """What did not arrive, or arrived otherwise, by name; nothing when all is as it should be.

    before, after: the target. What had come before is its users' own, who may have changed it.
    """
    earlier = {(m.kind, m.source) for m in before.markers if m.unit == said.source}
    come = {(m.kind, m.source): m for m in after.markers if m.unit == said.source}
    found = []
    for record in coming.lines():
        if (record["is"], record["id"]) in earlier:
            continue
        marker = come.get((record["is"], record["id"]))
        here = after.of(record["is"]).get(marker.here) if marker else None
        if marker is None or here is None:
            found.append(f"{name(record)} is not there")
        elif marker.made and essence(record) != essence(here):
            found.append(f"{name(record)} differs")
    return found


def essence(record: Record) -> tuple[object, ...]:
    """What must be the same of a record on both sides; its references have other ids."""
    if record["is"] == "party":
        return record["name"], identifiers(record), sorted(map(repr, record["contacts"]))
    if record["is"] == "employee":
        return record["start"], record["end"]
    if record["is"] == "user":
        return record["login"], record["name"], record["email"], record["active"]
    return (record["name"],)


def name(record: Record) -> str:
    """A record as administrators are told of it; nothing of it is secret."""
    return f"{record['is']} {record.get('login') or record.get('name') or record['id']}"


def _some(names: list[str], most: int = 10) -> str:
    more = len(names) - most
    return ", ".join(sorted(names)[:most]) + (f" and {more} more" if more > 0 else "")


def as_wish(given: Mapping[str, Mapping[int, int]]) -> dict[str, dict[str, int]]:
    """given, as JSON carries it."""
    return {kind: {str(t): h for t, h in pairs.items()} for kind, pairs in given.items()}
