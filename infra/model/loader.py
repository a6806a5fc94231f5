"""Files → Model: the only way in, and every problem at once.

Each file is read, parsed and held against its class; the rules between objects run on
whatever was sound, so that one broken file hides no problem of another. Positions are looked
up only for files that have a problem.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.errors import Exit, HanoiError, Problem
from infra.model import explain
from infra.model.files import Place, Source, collect
from infra.model.positions import Lines, clip, lines
from infra.model.rules import Finding, View, findings
from infra.model.schema import KINDS, Model, Strict
from infra.model.yamltext import Fault, Parsed, parse

_WHERE = re.compile(r"(.*\.yaml):([0-9]+)(.*)")
LONGEST = 600  # characters of a message's part


Known = dict[tuple[str, str, str], Strict]  # kind, id and text of a sound file → its object


def load(place: Path | Place, *, shown: str | None = None, known: Known | None = None) -> Model:
    """Reads and checks the model in `place` (sites/ of the ministry).

    shown: what messages call the place (default: a directory's path); known: objects of files read
    before, so that of two models the same file is parsed once; gains those of this model.
    Raises HanoiError (Exit.FINDINGS) with all problems, sorted by file and line.
    """
    found = collect(place, shown)
    known = {} if known is None else known
    reports = [_Report(source, known) for source in found.sources]
    objects = [(r, o) for r in reports if (o := r.validated()) is not None]
    by_kind: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for report, obj in objects:
        by_kind[report.source.kind].append(obj)
    complete = not found.problems and len(objects) == len(reports)
    view = View(
        ministry=next(iter(by_kind["ministry"]), None),
        roadmap=next(iter(by_kind["roadmap"]), None),
        sites=_sorted(by_kind["site"]),
        units=_sorted(by_kind["unit"]),
        apps=_sorted(by_kind["app"]),
        known=frozenset(found.stems),
        unread=frozenset(found.unread),
        complete=complete,
    )
    owners = {id(obj): report for report, obj in objects}
    for finding in findings(view):
        owners[id(finding.owner)].add(finding)
    problems = found.problems + [p for r in reports for p in r.problems()]
    if problems:
        raise HanoiError(sorted(problems, key=_place), Exit.FINDINGS)
    assert view.ministry and view.roadmap  # their absence is a problem of its own
    return Model(
        ministry=view.ministry,
        roadmap=view.roadmap,
        sites=view.sites,
        units=view.units,
        apps=view.apps,
    )


class _Report:
    """One file on its way to an object, with its faults."""

    def __init__(self, source: Source, known: Known) -> None:
        self.source = source
        self._known = known
        self.faults: list[Fault] = []
        self._lines: Lines | None = None

    def validated(self) -> Strict | None:
        """The file's object, or None with at least one fault noted."""
        key = (self.source.kind, self.source.stem, self.source.text)
        if (same := self._known.get(key)) is not None:
            return same
        obj = self._read()
        if obj is not None:
            self._known[key] = obj
        return obj

    def _read(self) -> Strict | None:
        parsed = parse(self.source.text)
        self.faults += parsed.faults
        if not parsed.complete:
            return None
        if not isinstance(parsed.data, dict):
            self.faults.append(explain.not_a_mapping(parsed.data, self.source.kind))
            return None
        try:
            obj = KINDS[self.source.kind].model_validate(parsed.data)
        except ValidationError as err:
            self._explain(err, parsed)
            obj = None
        self._check_name(parsed)
        return None if self.faults else obj

    def _explain(self, err: ValidationError, parsed: Parsed) -> None:
        known = {f.path for f in self.faults}
        found = explain.faults(self.source.kind, err, parsed.data, self.lines())
        self.faults += [f for f in found if f.path not in known]

    def _check_name(self, parsed: Parsed) -> None:
        stem, written = self.source.stem, parsed.data.get("id")
        named = self.source.kind in ("site", "unit", "app") and isinstance(written, str)
        if named and written != stem:
            line = self.lines().get(("id",), (1, ""))[0]
            self.faults.append(explain.wrong_name(line, written, stem))

    def add(self, finding: Finding) -> None:
        line = explain.nearest_line(self.lines(), finding.path)
        self.faults.append(Fault(line, finding.path, finding.code, finding.what, finding.remedy))

    def lines(self) -> Lines:
        if self._lines is None:
            self._lines = lines(self.source.text)
        return self._lines

    def problems(self) -> list[Problem]:
        """The faults as an operator sees them; whatever a file holds, each part is one line."""
        return [
            Problem(
                explain.where(self.source.shown, fault.line, fault.path),
                fault.code,
                clip(fault.what, LONGEST),
                clip(fault.remedy, LONGEST),
            )
            for fault in dict.fromkeys(self.faults)
        ]


def _sorted(objects: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(objects, key=lambda o: o.id))


def _place(problem: Problem) -> tuple[str, int, str, str, str]:
    """Sorts by file, then by line as a number."""
    match = _WHERE.fullmatch(problem.where)
    file, line, path = (match[1], int(match[2]), match[3]) if match else (problem.where, 0, "")
    return (file, line, path, problem.code, problem.what)
