"""Rendered files that are gone or were changed."""

from __future__ import annotations

from collections.abc import Iterator

from infra.live import diffs
from infra.live.drift.registry import Drifted, Seen, detector
from infra.report.content import Operation
from infra.resources import File


@detector("file-content", needs="current")
def content(seen: Seen) -> Iterator[Drifted]:
    """A rendered file with another content."""
    yield from _files(seen, "content", "update", "its content is another")


@detector("file-missing", needs="current")
def missing(seen: Seen) -> Iterator[Drifted]:
    """A rendered file that is gone, or a link or directory in its place."""
    yield from _files(seen, "missing", "delete", "it is gone")


@detector("file-mode", needs="current", danger=True)
def mode(seen: Seen) -> Iterator[Drifted]:
    """A rendered file with another mode."""
    yield from _files(seen, "mode", "update", "its mode is another")


@detector("file-owner", needs="current", danger=True)
def owner(seen: Seen) -> Iterator[Drifted]:
    """A rendered file with another owner or group."""
    yield from _files(seen, "owner", "update", "it belongs to another")


@detector("action-due", needs="")
def due(seen: Seen) -> Iterator[Drifted]:
    """A reload that an earlier change asked for and that was never done."""
    for action in seen.look.due:
        yield Drifted(
            "service", action, "reload", "a change of its files was never put into effect"
        )


def _files(seen: Seen, why: str, operation: Operation, what: str) -> Iterator[Drifted]:
    planned = {f.path: f for f in seen.host.parts.files}
    for found in seen.look.files:
        if found.why == why:
            yield _file(seen, planned[found.path], operation, what)


def _file(seen: Seen, file: File, operation: Operation, what: str) -> Drifted:
    live = seen.answers["current"]["files"].get(file.path, {})
    kind = live.get("kind", "absent")
    if operation == "delete" and kind != "absent":
        what = f"a {kind} stands in its place"
    properties, diff = diffs.differences(
        file, live, seen.secrets.resolve, seen.secrets.hider(), live_first=False
    )
    if diffs.closed(file):
        what += f" ({diffs.secrets_of(file)})"
    return Drifted(
        "file",
        file.path,
        operation,
        what,
        properties=properties,
        # The whole text of a file that is gone says nothing more than its name.
        diff="" if operation == "delete" else diff,
        words=(file.path, file.path.rsplit("/", 1)[-1]),
        when=live.get("changed"),
    )
