"""Files in Ansible's vault format: whole files, so that `ansible-vault edit` works on them.

Reading is done here, because importing Ansible costs more than everything else of a command
that changes nothing (0.4–1 s against 10 ms a file). Writing is rare and is Ansible's own.
Format: https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from binascii import unhexlify
from pathlib import Path
from typing import Any

import yaml

from infra.errors import Exit, HanoiError, error
from infra.files import private_directory, write_atomically

ITERATIONS = 10_000
PASSWORD_FILE = ".vault-password"
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class WrongPassword(Exception):
    """The password does not open the file, or the file was altered."""


class Damaged(Exception):
    """Not a vault file that can be read. Its text never holds anything of the content."""


def password_path(directory: Path) -> Path:
    """HANOI_VAULT_PASSWORD_FILE, else <directory>/.vault-password."""
    value = os.environ.get("HANOI_VAULT_PASSWORD_FILE")
    return Path(value).expanduser() if value else directory / PASSWORD_FILE


def read_password(path: Path) -> bytes:
    """Raises HN-S003 (others may read it), HN-S004 (missing or empty)."""
    try:
        mode = path.stat().st_mode
        password = path.read_bytes().strip()
    except OSError as failure:
        raise _no_password(path, failure.strerror or "it cannot be read") from None
    if mode & 0o077:
        raise too_open(path, f"chmod 600 {path}")
    if not password:
        raise _no_password(path, "the file is empty")
    return password


def new_password(path: Path) -> bytes:
    """Generate the vault's password, and keep it out of a git tree that the directory is in."""
    private_directory(path.parent)
    password = secrets.token_urlsafe(32).encode()
    write_atomically(path, password + b"\n")
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, f"{path.name}\n.lock\n".encode(), mode=0o644)
    return password


def check_modes(directory: Path, files: list[Path]) -> None:
    """Raises HN-S003 where somebody else could replace what is in the directory."""
    for path in (directory, *files):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o022:
            raise too_open(path, f"chmod go-w {path}")


def too_open(path: Path, remedy: str) -> HanoiError:
    return error(
        "HN-S003", str(path), "other users may read or change it", remedy, Exit.ENVIRONMENT
    )


def _no_password(path: Path, why: str) -> HanoiError:
    return error(
        "HN-S004",
        str(path),
        f"there is no vault password: {why}",
        "put back the password's copy, or name its file in HANOI_VAULT_PASSWORD_FILE",
        Exit.ENVIRONMENT,
    )


def load(path: Path, password: bytes) -> dict[str, Any]:
    """The mapping in a vault file; a missing file is empty. Raises WrongPassword, Damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    clear = decrypt(content, password)
    try:
        mapping = yaml.load(clear, Loader=Loader)
    except (yaml.YAMLError, UnicodeDecodeError):
        mapping = None  # the parser's own message quotes the content
    if not isinstance(mapping, dict):
        raise Damaged("its content is not a YAML mapping")
    return mapping


def save(path: Path, mapping: dict[str, Any], password: bytes) -> None:
    """Encrypt with Ansible's own code and replace the file atomically."""
    from ansible.parsing.vault import VaultLib, VaultSecret

    clear = yaml.dump(mapping, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=4096)
    encrypted = VaultLib([("default", VaultSecret(password))]).encrypt(clear.encode())
    write_atomically(path, encrypted)


def decrypt(content: bytes, password: bytes) -> bytes:
    """The clear content of a vault file (format 1.1 or 1.2, AES256)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    header, _, body = content.partition(b"\n")
    parts = header.strip().split(b";")
    if parts[0] != b"$ANSIBLE_VAULT" or len(parts) < 3 or parts[2] != b"AES256":
        raise Damaged("it does not begin as an ansible-vault file")
    try:
        salt, digest, hidden = map(unhexlify, unhexlify(b"".join(body.split())).split(b"\n", 2))
    except ValueError:
        raise Damaged("its encrypted part is cut off or altered") from None
    derived = hashlib.pbkdf2_hmac("sha256", password, salt, ITERATIONS, 80)
    if not hmac.compare_digest(hmac.digest(derived[32:64], hidden, "sha256"), digest):
        raise WrongPassword
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CTR(derived[64:80])).decryptor()
    clear = cipher.update(hidden) + cipher.finalize()
    return clear[: -clear[-1]] if clear else clear


class _Dumper(yaml.SafeDumper):
    """Keys and certificates as blocks, for whoever opens the file with ansible-vault edit."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
