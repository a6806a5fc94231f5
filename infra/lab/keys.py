"""The lab's SSH identity and the hosts' keys, under state/ssh.

Only what the lab made is ever changed or removed: the identity by the comment in its public
part, host keys by the comment at the end of their line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.errors import error

_SSH = serialization.Encoding.OpenSSH


def identity_file(state: Path) -> Path:
    return state / "ssh" / "identity"


def known_hosts_file(state: Path) -> Path:
    return state / "ssh" / "known_hosts"


def _comment(lab: str) -> str:
    return f"hanoi.lab={lab}"


def ensure_identity(state: Path, lab: str) -> str:
    """The public key line of state/ssh/identity; made (ed25519, mode 0600) where missing.

    An identity that is there already, the operator's own, is used and never removed.
    HN-L011 when it cannot be read or is of another kind.
    """
    private = identity_file(state)
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not private.exists():
        key = Ed25519PrivateKey.generate()
        public = f"{_public_part(key)} {_comment(lab)}"
        # The public part first: an interruption between the two leaves no unmarked identity.
        write_atomic(private.with_suffix(".pub"), public + "\n", 0o644)
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        write_atomic(private, text.decode(), 0o600)
        return public
    try:
        return f"{_public_part(_load(private))} {_comment(lab)}"
    except (OSError, ValueError, TypeError) as problem:
        raise error(
            "HN-L011",
            str(private),
            f"the SSH identity cannot be read: {problem}",
            "Run `hanoi lab down`, move the file away, and run `hanoi lab up` again.",
        ) from problem


def _load(private: Path) -> Ed25519PrivateKey:
    key = serialization.load_ssh_private_key(private.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is not an ed25519 key")
    return key


def _public_part(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(_SSH, serialization.PublicFormat.OpenSSH).decode()


def remember(state: Path, lab: str, address: str, host_id: str, keys: Iterable[str]) -> None:
    """Record a host's public keys (lines `type base64 …`) in place of what was known."""
    kept = [
        line
        for line in _lines(known_hosts_file(state))
        if not (_is_ours(line, lab) and address in line.split()[0].split(","))
    ]
    for key in keys:
        kind, value = key.split()[:2]
        kept.append(f"{address},{host_id} {kind} {value} {_comment(lab)}")
    write_atomic(known_hosts_file(state), "".join(f"{line}\n" for line in kept), 0o644)


def forget(state: Path, lab: str) -> None:
    """Remove the lab's identity and its hosts' keys; other entries stay."""
    known = known_hosts_file(state)
    if known.exists():
        kept = [line for line in _lines(known) if not _is_ours(line, lab)]
        if kept:
            write_atomic(known, "".join(f"{line}\n" for line in kept), 0o644)
        else:
            known.unlink()
    private = identity_file(state)
    public = private.with_suffix(".pub")
    if public.exists() and public.read_text().split()[2:] == [_comment(lab)]:
        private.unlink(missing_ok=True)
        public.unlink()


def _is_ours(line: str, lab: str) -> bool:
    return line.split()[-1:] == [_comment(lab)]


def _lines(file: Path) -> Sequence[str]:
    return file.read_text().splitlines() if file.exists() else []


def write_atomic(file: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, with this mode from the beginning."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w") as out:
            os.fchmod(out.fileno(), mode)
            out.write(text)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
