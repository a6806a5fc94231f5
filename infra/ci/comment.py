"""One comment a target, kept up to date: found by its hidden first line, and only our own.

The first line says which report it is, the second which pipeline wrote it, so that a slow old
pipeline does not overwrite what a newer one wrote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from infra.ci import github, gitlab
from infra.ci.place import Comment, Place
from infra.errors import Exit, HanoiError, error

HostName = Literal["gitlab", "github"]
TARGET = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
MARKER = re.compile(r"\A<!-- hanoi-report:[^\n]*-->[ \t]*\n?")
RUN = re.compile(r"\A<!-- hanoi-run: ([0-9]{1,19}) -->\Z")
LARGEST = 16 * 2**20  # bytes of a report file that is read at all
NOTHING = "**Không còn thay đổi · No changes any more.**\n"
STALE = (
    "**Chưa so sánh được bản mới nhất · The latest commit could not be compared.**\n\n"
    "The job's log says why. An earlier report is no longer true and was removed.\n"
)


def comment(
    report: Path,
    host: HostName | None,
    target: str,
    change: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, bool]:
    """Bring the target's comment in line with the report (a file in the Markdown form).

    change: the request's number, where CI does not give it. Returns what was done, for the
    operator, and whether it is a warning: a fork's token only reads, and that is no failure.
    Raises HanoiError HN-R054 to HN-R061.
    """
    given = os.environ if environment is None else environment
    if not TARGET.fullmatch(target):
        raise error(
            "HN-R061",
            f"target {target!r}",
            "is no name for a report",
            "use small letters and digits, with single . _ or - between them",
            Exit.USAGE,
        )
    module = gitlab if (host or _host(given)) == "gitlab" else github
    try:
        place: Place = (
            gitlab.GitLab(given, change) if module is gitlab else github.GitHub(given, change)
        )
        try:
            text: str | None = read(report)
        except HanoiError:
            _Kept(place, target).publish(None, STALE)
            raise
        done = _Kept(place, target).publish(text, NOTHING)
    except HanoiError as failure:
        refused = {p.code for p in failure.problems} <= {"HN-R056", "HN-R057"}
        if not (refused and change is None and module.from_fork(given)):
            raise
        return "the change comes from a fork, whose token only reads: no comment; the report " \
            "stays in the job's artifact", True  # fmt: skip
    return f"{place.where}: {done}", False


def _host(environment: Mapping[str, str]) -> HostName:
    if environment.get("GITLAB_CI"):
        return "gitlab"
    if environment.get("GITHUB_ACTIONS"):
        return "github"
    raise error(
        "HN-R055",
        "host",
        "this is no job of GitLab or GitHub",
        "name the host with --host",
        Exit.USAGE,
    )


def read(report: Path) -> str | None:
    """The report without its own marker; None when it says that nothing changes.

    Raises HanoiError HN-R054.
    """
    try:
        if report.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
        text = report.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as failure:
        why = failure.strerror if isinstance(failure, OSError) else failure
        raise error(
            "HN-R054",
            str(report),
            f"the report cannot be read: {why}",
            "the job before writes it; its log says why it did not",
            Exit.FAILED,
        ) from None
    text = MARKER.sub("", text.replace("\r\n", "\n")).strip()
    if not text:
        raise error(
            "HN-R054",
            str(report),
            "the report is empty",
            "the job before writes it; its log says why it did not",
            Exit.FAILED,
        )
    return None if says_nothing(text) else text


def says_nothing(text: str) -> bool:
    """Whether a Markdown report is that of no change: one line, and no table or folded part.

    In doubt it says something: a comment too many does less harm than one too few.
    """
    lines = [line.strip() for line in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).split("\n")]
    said = [line for line in lines if line and not line.startswith("#")]
    return len(said) <= 1 and not any(line.startswith(("|", "<", "`", "~")) for line in said)


class _Kept:
    """One target's comment at its place."""

    def __init__(self, place: Place, target: str) -> None:
        self.place = place
        self.marker = f"<!-- hanoi-report: {target} -->"
        self.me = ""

    def publish(self, text: str | None, otherwise: str) -> str:
        """Create, update or leave the comment. `otherwise` replaces an old one without text."""
        wanted = self._body(otherwise if text is None else text)
        self.me = self.place.me()
        mine = self._mine()
        if mine:
            return self._settle(mine, wanted)
        if text is None:
            return "nothing changes, so there is no comment"
        self.place.create(wanted)
        mine = self._mine()
        if len(mine) > 1:  # another job created one at the same moment, or a try came through twice
            self._settle(mine, wanted)
        return "comment created"

    def _settle(self, mine: list[Comment], wanted: str) -> str:
        """One comment is left, the oldest, with what the newest pipeline says."""
        ours = Comment(0, self.me, wanted)
        newest = max([*mine, ours], key=lambda c: (_run(c.body), c is ours))
        newest = newest if self.place.run else ours
        keep, *others = mine
        for other in others:
            self.place.delete(other.id)
        if _said(keep.body) == _said(newest.body):
            return "the comment says so already"
        if not self.place.update(keep.id, newest.body):
            self.place.create(newest.body)  # deleted in between
        return "comment updated" if newest is ours else "a newer pipeline has written the comment"

    def _mine(self) -> list[Comment]:
        found = [
            c
            for c in self.place.comments()
            if c.author == self.me and c.body.split("\n", 1)[0].strip() == self.marker
        ]
        return sorted(found, key=lambda c: c.id)

    def _body(self, text: str) -> str:
        """Marker, pipeline, text. Raises HanoiError HN-R058."""
        text = self.place.safe(text.strip())
        body = f"{self.marker}\n{text}\n"
        if len(body) > self.place.limit:
            raise error(
                "HN-R058",
                self.place.where,
                f"the report has {len(body):,} characters; a comment takes {self.place.limit:,}",
                "the Markdown form shortens itself to fit; give the whole as an artifact",
                Exit.FAILED,
            )
        run = f"<!-- hanoi-run: {self.place.run} -->\n" if self.place.run else ""
        named = f"{self.marker}\n{run}{text}\n"
        return named if len(named) <= self.place.limit else body


def _run(body: str) -> int:
    """The number of the pipeline that wrote the comment; 0 when it does not say."""
    lines = body.split("\n", 2)
    found = RUN.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    return int(found[1]) if found else 0


def _said(body: str) -> str:
    """What a reader sees of it: the same text needs no update, whichever pipeline wrote it."""
    lines = [line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n")]
    return "\n".join(line for n, line in enumerate(lines) if n != 1 or not RUN.fullmatch(line))
