"""Where things are: the toolkit's own files, the operator's model, state and caches.

The operator's model comes from --sites or HANOI_SITES; state (Pulumi backend, host keys,
identities, journal) from HANOI_STATE; caches (engine, images) from HANOI_CACHE. All three
have defaults that need no set-up.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent


def _packaged(name: str) -> Path:
    """A directory that a wheel carries inside the package and a checkout at its top level."""
    inside = PACKAGE / "_ansible" / name
    return inside if inside.is_dir() else REPOSITORY / name


def playbooks() -> Path:
    return _packaged("playbooks")


def roles() -> Path:
    return _packaged("roles")


def images() -> Path:
    return _packaged("images")


def compliance() -> Path:
    inside = PACKAGE / "_ansible" / "compliance"
    return inside if inside.is_dir() else REPOSITORY / "tests" / "compliance"


def sites() -> Path:
    """The model's directory: HANOI_SITES, else ./sites, else the sample in the checkout."""
    if value := os.environ.get("HANOI_SITES"):
        return Path(value).expanduser()
    here = Path.cwd() / "sites"
    return here if here.is_dir() else _packaged("sites")


def state() -> Path:
    """HANOI_STATE, else $XDG_STATE_HOME/hanoi. Holds nothing secret in clear."""
    return _directory("HANOI_STATE", "XDG_STATE_HOME", "~/.local/state")


def cache() -> Path:
    """HANOI_CACHE, else $XDG_CACHE_HOME/hanoi. May be deleted at any time."""
    return _directory("HANOI_CACHE", "XDG_CACHE_HOME", "~/.cache")


def secrets() -> Path:
    """HANOI_SECRETS, else <state>/secrets: ansible-vault files under the operator's control."""
    if value := os.environ.get("HANOI_SECRETS"):
        return Path(value).expanduser()
    return state() / "secrets"


def _directory(variable: str, xdg: str, fallback: str) -> Path:
    if value := os.environ.get(variable):
        return Path(value).expanduser()
    return Path(os.environ.get(xdg) or fallback).expanduser() / "hanoi"
