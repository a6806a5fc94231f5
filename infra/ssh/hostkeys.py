"""Host keys: read from the hosts for `bootstrap --accept-host-keys`, recorded on the
operator's word, forgotten when a host was replaced."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.errors import Exit, HanoiError, Problem
from infra.files import write_atomically
from infra.ssh import faults
from infra.ssh.paths import known_hosts
from infra.ssh.process import Children

SCAN_SECONDS = 8
KEY_TYPES = "ed25519,ecdsa,rsa"


@dataclass(frozen=True)
class HostKey:
    """One public key of a host; known: it is recorded already."""

    host_id: str
    name: str  # as in known_hosts: the address, or [address]:port
    kind: str
    key: str
    known: bool

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l shows it: SHA256:…"""
        digest = hashlib.sha256(base64.b64decode(self.key)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def line(self) -> str:
        return f"{self.name} {self.kind} {self.key}"


def learn_host_keys(hosts: Sequence[tuple[str, str]], port: int = 22) -> tuple[HostKey, ...]:
    """The keys that the hosts, given as (id, address), show now. Writes nothing.

    Raises together: HN-C001 for a host that does not answer, HN-C003 for one whose key is
    another than the recorded one (trust is given once; see forget_host_keys).
    """
    if not hosts:
        return ()
    recorded = _recorded()
    children = Children()
    with ThreadPoolExecutor(len(hosts)) as pool:
        try:
            scans = list(pool.map(lambda h: _scan(children, h[0], h[1], port), hosts))
        except BaseException:
            children.stop()
            raise
    problems = [p for scan in scans for p in scan if isinstance(p, Problem)]
    keys = [k for scan in scans for k in scan if isinstance(k, HostKey)]
    changed = {k.host_id: k for k in keys if recorded.get((k.name, k.kind), k.key) != k.key}
    problems += [
        faults.problem(k.host_id, k.name, "", "REMOTE HOST IDENTIFICATION HAS CHANGED")
        for k in changed.values()
    ]
    if problems:
        raise HanoiError(problems, Exit.UNREACHABLE)
    return tuple(
        HostKey(k.host_id, k.name, k.kind, k.key, (k.name, k.kind) in recorded) for k in keys
    )


def fingerprints(keys: Iterable[HostKey]) -> list[tuple[str, str, str]]:
    """(host id, kind, fingerprint) of every key that is not recorded yet, to be shown."""
    return [(k.host_id, k.kind, k.fingerprint) for k in keys if not k.known]


def record_host_keys(keys: Iterable[HostKey]) -> int:
    """Trust the keys from now on; how many were new. Call it only on the operator's word."""
    new = [k.line for k in keys if not k.known]
    if new:
        _write([*_lines(), *new])
    return len(new)


def forget_host_keys(address: str, port: int = 22) -> int:
    """Forget a replaced host's keys; how many there were."""
    name = _name(address, port)
    lines = _lines()
    kept = [line for line in lines if line.split(" ", 1)[0] != name]
    if len(kept) != len(lines):
        _write(kept)
    return len(lines) - len(kept)


def _scan(
    children: Children, host_id: str, address: str, port: int
) -> list[HostKey] | list[Problem]:
    argv = ["ssh-keyscan", "-T", str(SCAN_SECONDS), "-p", str(port), "-t", KEY_TYPES, address]
    try:
        _, out, err = children.run(argv, None, SCAN_SECONDS * 4)
    except subprocess.TimeoutExpired:
        out, err = b"", b"no answer"
    rows = [line.split() for line in out.decode(errors="replace").splitlines()]
    found = [r for r in rows if len(r) == 3 and not r[0].startswith("#")]
    if not found:
        return [faults.problem(host_id, address, "", err.decode(errors="replace"))]
    name = _name(address, port)
    return [HostKey(host_id, name, kind, key, False) for _, kind, key in sorted(found)]


def _name(address: str, port: int) -> str:
    return address if port == 22 else f"[{address}]:{port}"


def _lines() -> list[str]:
    path = known_hosts()
    return path.read_text().splitlines() if path.exists() else []


def _recorded() -> dict[tuple[str, str], str]:
    rows = [line.split() for line in _lines()]
    return {(r[0], r[1]): r[2] for r in rows if len(r) >= 3 and not r[0].startswith(("#", "@"))}


def _write(lines: Sequence[str]) -> None:
    path: Path = known_hosts()
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
