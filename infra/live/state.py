"""A private copy of Pulumi's state, for a preview that must not write to the real one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra import stack as program
from infra.containers import Images, Stacks, backend_url
from infra.errors import error

if TYPE_CHECKING:
    from infra.engine import Engine
    from infra.live.session import Reading
    from infra.resources import HostPlan

FILES = "file://"


@dataclass(frozen=True)
class Copy:
    """stacks: Pulumi on the copy; checkpoints: host → digest of its resources ("" for none)."""

    stacks: Stacks
    checkpoints: Mapping[str, str]


@contextlib.contextmanager
def copied(
    reading: Reading, engine: Engine, images: Images, hosts: tuple[HostPlan, ...], passphrase: str
) -> Iterator[Copy]:
    """The state of the hosts' stacks in a directory of its own, gone afterwards.

    Raises HN-R039 when it cannot be copied.
    """
    source = backend_url(reading.state)
    with tempfile.TemporaryDirectory(prefix="hanoi-plan-") as name:
        work, target = Path(name), Path(name) / "pulumi"
        target.mkdir(mode=0o700)

        def stacks(url: str) -> Stacks:
            connections = reading.connections
            return Stacks(reading.plan, engine, connections, work, passphrase, reading.say, url)

        if source.startswith(FILES):
            _copy_files(Path(source[len(FILES) :]), target)
        else:
            with stacks(source) as remote:
                exported = {h: remote.exported(h, images) for h in hosts}
            with stacks(f"{FILES}{target}") as local:
                for host, state in exported.items():
                    if state is not None:
                        local.imported(host, images, state)
        found = {h.id: checkpoint(target, h.id) for h in hosts}
        with stacks(f"{FILES}{target}") as copy:
            yield Copy(copy, found)


def _copy_files(source: Path, target: Path) -> None:
    """Without locks: in the copy nobody else is at work. Twice, as a file that is replaced
    meanwhile may vanish under the first attempt."""
    if not source.is_dir():
        return
    for last in (False, True):
        try:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("locks", "backups", "history")
            )
            return
        except OSError as failure:
            if last:
                why = failure.strerror or str(failure)
                raise error(
                    "HN-R039",
                    str(source),
                    f"Pulumi's state cannot be copied for the preview: {why}",
                    "wait until no deploy is under way, check the directory's rights and the"
                    " room in the temporary directory, then run again",
                ) from None


def checkpoint(backend: Path, host_id: str) -> str:
    """A digest of what the stack's state holds of each resource; "" where there is none.

    Of identities and inputs only: a run that changed nothing writes new times all the same.
    """
    path = backend / ".pulumi" / "stacks" / program.PROJECT / f"{host_id}.json"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return "unreadable"
    latest = (content.get("checkpoint") or {}).get("latest") or {}
    return _digest(latest.get("resources") or [])


def _digest(resources: list[dict[str, Any]]) -> str:
    kept = [[r.get("urn"), r.get("id"), r.get("inputs")] for r in resources]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
