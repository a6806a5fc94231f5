"""The public half of the SSH key that the toolkit itself logs in with."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.errors import Exit, HanoiError, error
from infra.ssh.paths import identity


def public_key() -> str:
    """The line for authorized_keys, without a newline. Raises HN-S006."""
    key = identity()
    if key is None:
        raise _missing("no key is configured")
    beside = key if key.suffix == ".pub" else key.with_name(key.name + ".pub")
    text = beside.read_text() if beside.is_file() else _derived(key)
    fields = text.split()
    if len(fields) < 2 or not fields[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise _missing(f"{beside} holds no public key")
    # Without the comment: it may name a person or a machine, and would differ between copies.
    return f"{fields[0]} {fields[1]} hanoi-deploy"


def _derived(key: Path) -> str:
    argv = ["ssh-keygen", "-y", "-P", "", "-f", str(key)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        raise _missing("ssh-keygen does not run") from None
    if done.returncode != 0:
        raise _missing(f"{key} cannot be read without its passphrase")
    return done.stdout


def _missing(why: str) -> HanoiError:
    return error(
        "HN-S006",
        "secret ssh/deploy#public",
        f"the key that the hosts shall let in is not known: {why}",
        "name the private or the public key's file in HANOI_SSH_KEY",
        Exit.ENVIRONMENT,
    )
