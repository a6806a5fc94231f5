"""A saved plan: what was promised, and what must still hold when it is applied.

The file is one line ("hanoi-plan/<format> <sha256 of the rest>") and compressed JSON. It holds
no secret and nothing that is applied: a deploy computes everything anew and compares, so the
checksum only has to find damage, not to keep out a forger.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from infra import __version__
from infra.errors import Exit, HanoiError, error
from infra.files import write_atomically
from infra.live.described import Source
from infra.live.fingerprint import hosts as fingerprints
from infra.live.preview import Ahead
from infra.resources import Plan, digest

MAGIC = b"hanoi-plan/"
FORMAT = 1
LARGEST = 64 * 2**20  # bytes, unpacked: a foreign file must not fill the memory


@dataclass(frozen=True)
class Saved:
    """One saved plan. sites: the chosen ones; through: the wave; nouns: each planned thing →
    its digest; hosts: see fingerprint.py; checkpoints: host → digest of Pulumi's state;
    images: name → content tag; changes: "host kind name" → operation; report: whole."""

    toolkit: str
    through: str
    sites: tuple[str, ...]
    source: Source
    nouns: Mapping[str, str]
    hosts: Mapping[str, Any]
    checkpoints: Mapping[str, str]
    images: Mapping[str, str]
    runtime: Mapping[str, Any]
    changes: Mapping[str, str]
    report: Mapping[str, Any]


def not_saved(path: Path, exit_code: Exit) -> HanoiError:
    """A plan of hosts that were not all seen, or that a deploy would refuse, is of no use."""
    return error(
        "HN-R038",
        str(path),
        "the plan is not saved: a deploy could not carry it out",
        "put right what is named before this, then plan again",
        exit_code,
    )


def save(path: Path, ahead: Ahead, sites: tuple[str, ...]) -> Saved:
    """Write what `ahead` saw. Raises HN-R040 when the file cannot be written."""
    if not path.absolute().parent.is_dir():
        raise _unwritable(path, "there is no such directory")
    saved = of(ahead, sites)
    body = zlib.compress(json.dumps(asdict(saved), sort_keys=True).encode(), 9)
    head = MAGIC + f"{FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode()
    try:
        write_atomically(path, head + body)
    except OSError as failure:
        raise _unwritable(path, failure.strerror or str(failure)) from None
    return saved


def _unwritable(path: Path, why: str) -> HanoiError:
    return error(
        "HN-R040",
        str(path),
        f"the plan cannot be written: {why}",
        "name a file in a directory that exists and that you may write",
        Exit.ENVIRONMENT,
    )


def of(ahead: Ahead, sites: tuple[str, ...]) -> Saved:
    """What is saved of a look ahead."""
    plan = ahead.described.plan
    return Saved(
        toolkit=__version__,
        through=plan.through,
        sites=sites,
        source=ahead.described.source,
        nouns=nouns(plan),
        hosts=fingerprints(plan, ahead.looks, ahead.current),
        checkpoints=dict(ahead.checkpoints),
        images=dict(ahead.images),
        runtime={"differs": list(ahead.runtime.differs), "oneoffs": list(ahead.runtime.oneoffs)},
        changes={_named(c.host, c.kind, c.name): c.operation for c in ahead.report.changes},
        report=asdict(ahead.report),
    )


def read(path: Path) -> Saved:
    """Raises HN-R030 (no saved plan), HN-R031 (damaged), HN-R032 (of a newer toolkit)."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except OSError as failure:
        raise _unusable("HN-R030", path, f"it cannot be read: {failure.strerror}") from None
    words = head[len(MAGIC) :].split() if head.startswith(MAGIC) else []
    if len(words) != 2 or not words[0].isdigit():
        raise _unusable("HN-R030", path, "this is not a plan saved by hanoi plan -o")
    if int(words[0]) > FORMAT:
        raise _unusable("HN-R032", path, f"its format {words[0].decode()} is newer than {FORMAT}")
    if hashlib.sha256(body).hexdigest().encode() != words[1]:
        raise _unusable("HN-R031", path, "its checksum does not match: it was cut off or altered")
    try:
        return _built(json.loads(_unpacked(body)))
    except (zlib.error, ValueError, TypeError, KeyError):
        raise _unusable("HN-R031", path, "its content is not a saved plan's") from None


def _unpacked(body: bytes) -> bytes:
    machine = zlib.decompressobj()
    content = machine.decompress(body, LARGEST)
    if machine.unconsumed_tail:
        raise ValueError("too large")
    return content


def _built(content: dict[str, Any]) -> Saved:
    known = {f.name for f in fields(Saved)}
    if set(content) != known or not all(
        isinstance(content[k], dict) for k in ("nouns", "hosts", "checkpoints", "images", "changes")
    ):
        raise ValueError("not the fields of a saved plan")
    source, sites = Source(**content["source"]), tuple(content["sites"])
    return Saved(**{**content, "source": source, "sites": sites})


def _unusable(code: str, path: Path, what: str) -> HanoiError:
    return error(code, str(path), what, "save a plan again: hanoi plan -o FILE", Exit.USAGE)


def nouns(plan: Plan) -> dict[str, str]:
    """Each planned thing by name → a digest of its whole description."""
    found: dict[str, str] = {}
    for name, value in _nouns(plan):
        found[name] = f"{found[name]} {value}" if name in found else value  # two openings, say
    return found


def _nouns(plan: Plan) -> Iterator[tuple[str, str]]:
    for host in plan.hosts:
        yield _named(host.id, "host", host.address), host.site
        for f in fields(host.parts):
            for number, item in enumerate(getattr(host.parts, f.name)):
                yield _named(host.id, f.name, _name(item, number)), _digest(item)
    for f in fields(plan.common):
        for number, item in enumerate(getattr(plan.common, f.name)):
            yield _named("", f.name, _name(item, number)), _digest(item)
    yield "plan settings", _settings(plan)


def _settings(plan: Plan) -> str:
    kept = {
        f.name: getattr(plan, f.name) for f in fields(plan) if f.name not in ("sites", "common")
    }
    return hashlib.sha256(repr(sorted(kept.items())).encode()).hexdigest()[:12]


def _name(item: Any, number: int) -> str:
    if isinstance(item, str):
        return item
    for attribute in ("path", "name", "id"):
        if found := getattr(item, attribute, None):
            return str(found)
    port = getattr(item, "port", None)
    return f"{item.protocol}/{port}" if port else str(getattr(item, "url_host", number))


def _digest(item: Any) -> str:
    return item if isinstance(item, str) else digest(item)


def _named(host: str, kind: str, name: str) -> str:
    return " ".join(filter(None, (host, kind, name)))
