"""A unit's files, taken from the host of one place to that of the other by rsync.

The host that sends runs rsync's daemon for this one transfer, with a module that can only be read
(rsync(1), "Using rsync-daemon features via a remote-shell connection"); the host that receives
runs the client. Between the two is the operator's machine (infra.ssh.relay): no host is let into
the other and no port is opened. Nothing is ever deleted at the place that serves.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.errors import Exit, error
from infra.moves import manifest
from infra.moves.stores import LOCK, Store, failed, refuse_serving
from infra.placement import Place
from infra.resources import Files
from infra.ssh.relay import relay

QUIET_SECONDS = 600  # without a byte from the other end; one large file may be read that long
TELL_SECONDS = 5.0  # between two lines about a long transfer

_DAEMON = """exec {gentle}rsync --server --daemon --config=/dev/fd/3 . 3<<'END'
use chroot = yes
uid = 0
gid = 0
numeric ids = yes
read only = yes
list = no
log file = /dev/null
[files]
path = {path}
END
"""
# rsync's own remote shell is only a way to this program's standard input and output. Each end that
# is closed closes the other.
_BRIDGE = (
    'sh -c "exec 5<&0; cat <&5 >&4 3<&- & exec 4>&- 5<&- 0</dev/null;'
    ' cat <&3; kill $! 2>/dev/null; exit 0"'
)
_CLIENT = "exec {lock}{gentle}rsync {options} -e {bridge} there::files/ {path}/ 3<&0 4>&1 >&2"
# Contents, modes, owners by number, hard links, times to the nanosecond; no devices, no sockets.
_OPTIONS = (
    *("-rlptgoH", "--numeric-ids", "--modify-window=-1", "--delete", "--no-inc-recursive"),
    "--blocking-io",  # of the bridge's output; cat(1) knows no other
)
_PROGRESS = re.compile(r"^([\d,]+)\s+(\d+)%.*to-chk=(\d+)/")
_FILES = re.compile(r"^Number of regular files transferred: ([\d,]+)")
_BYTES = re.compile(r"^Total transferred file size: ([\d,]+)")


@dataclass(frozen=True)
class Passed:
    """What one pass took along, or would: files, bytes; seconds that it needed."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass
class Carrying:
    """The files of a move, from one store to the other. serving: where users' files are now."""

    name: str
    source: Store
    target: Store
    say: Callable[[str], None]
    serving: Callable[[], Place]

    def __bool__(self) -> bool:
        return bool(self.source.files)

    def still(self) -> None:
        """Nobody changes files at either place; what waits at the second would find a change."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(Store.still, (self.source, self.target)))

    def once(self, *, sums: bool = False, gentle: bool = True, durable: bool = False) -> Passed:
        """One pass over all volumes: what differs goes along, what is gone goes at the target.

        sums: by the contents of all files, not by size and time; gentle: at the lowest priority;
        durable: on the disk when it ends. Raises HN-T011 to HN-T013.
        """
        began = time.monotonic()
        self._refuse_serving()
        more = (*(("--checksum",) if sums else ()), *(("--fsync",) if durable else ()))
        done = [self._volume(f, more, gentle) for f in self.source.files]
        whole = Passed(sum(d.files for d in done), sum(d.bytes for d in done))
        return Passed(whole.files, whole.bytes, time.monotonic() - began)

    def behind(self) -> Passed:
        """What a pass would take along now; reads only."""
        done = [self._rsync(f, ("--dry-run",), True, lambda _: None) for f in self.source.files]
        return Passed(sum(d.files for d in done), sum(d.bytes for d in done))

    def known(self) -> None:
        """Read what has not been read yet at both ends, so that comparing is quick later."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda s: s.look(gentle=True), (self.source, self.target)))

    def differences(self) -> list[str]:
        """What differs between both copies, in words."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            there, here = pool.map(Store.look, (self.source, self.target))
        if all(there[v].digest == here[v].digest for v in there):
            files, size = (sum(getattr(s, n) for s in there.values()) for n in ("files", "bytes"))
            self.say(f"{self.name}: {files} files with {size} bytes are the same at both places")
            return []
        there, here = self.source.look(names=True), self.target.look(names=True)
        return [d for v in there for d in manifest.differences(v, there[v], here[v])]

    def finish(self) -> None:
        """Remove the target's files for good. Raises HN-T013 where users are served from there."""
        self._refuse_serving()
        if self:
            self.target.remove()
            self.source.forget()

    def _refuse_serving(self) -> None:
        refuse_serving("files", self.target.place, self.serving())

    def _volume(self, files: Files, more: tuple[str, ...], gentle: bool) -> Passed:
        volume, told = files.volume, time.monotonic()
        if not self.source.holds_any(volume) and self.target.holds_any(volume):
            raise error(
                "HN-T012",
                f"files at {self.source.place}",
                f"the volume {volume} is empty, and that at {self.target.place} is not",
                "was the host made anew? The files are still at the other place: take the move"
                " back with `hanoi move undo`, or put one file into the volume if it is to be so",
                Exit.REFUSED,
            )

        def heard(line: str) -> None:
            nonlocal told
            if (left := progress(line)) and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self.say(f"{self.name}: {volume}: {left[0]} files left, about {left[1]} bytes")

        return self._rsync(files, ("--info=progress2", *more), gentle, heard)

    def _rsync(
        self, files: Files, more: tuple[str, ...], gentle: bool, heard: Callable[[str], None]
    ) -> Passed:
        volume = files.volume
        nice = "nice -n 19 " if gentle else ""
        writes = "--dry-run" not in more
        excluded = (f"--exclude=/{name}" for name in files.leaves)
        options = (
            *_OPTIONS, "--stats", "--no-human-readable", f"--timeout={QUIET_SECONDS}", *more,
            *excluded,
        )  # fmt: skip
        lock = f"flock -w 60 {shlex.quote(LOCK.format(volume=volume))} " if writes else ""
        daemon = _DAEMON.format(gentle=nice, path=self.source.paths[volume])
        client = _CLIENT.format(
            lock=lock,
            gentle=nice,
            options=shlex.join(options),
            bridge=shlex.quote(_BRIDGE),
            path=shlex.quote(self.target.paths[volume]),
        )
        lines: list[str] = []

        def both(line: str) -> None:
            lines.append(line) if _FILES.match(line) or _BYTES.match(line) else heard(line)

        sent, received = relay(self.source.host, daemon, self.target.host, client, both)
        if received.rc not in (0, *_VANISHED):
            said = "\n".join(s for s in (sent.said, received.said) if s)
            raise failed(f"files from {self.source.place} to {self.target.place}", said)
        return Passed(_number(_FILES, lines), _number(_BYTES, lines))


_VANISHED = (24,)  # rsync(1): files went away while they were read; the next pass sees it


def progress(line: str) -> tuple[int, int] | None:
    """(entries, bytes) left by a line of rsync's progress."""
    found = _PROGRESS.match(line)
    if not found:
        return None
    done, percent = int(found[1].replace(",", "")), int(found[2])
    return int(found[3]), done * (100 - percent) // percent if percent else 0


def _number(pattern: re.Pattern[str], lines: list[str]) -> int:
    found = (m for line in lines if (m := pattern.match(line)))
    return next((int(m[1].replace(",", "")) for m in found), 0)
