"""These checks are run by `hanoi verify`; a plain pytest run of the repository skips them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest

collect_ignore_glob = [] if os.environ.get("HANOI_VERIFY_JOB") else ["test_*.py"]


@dataclass(frozen=True)
class Vault:
    """The operator's secrets. values: name → value, for comparing only, never for showing."""

    _secrets: Any
    values: dict[str, str]

    def resolve(self, content: str) -> str:
        return str(self._secrets.resolve(content))


@pytest.fixture(scope="session")
def vault(plan) -> Vault:
    """Skips the check where the vault is not on this machine."""
    from infra import paths, secrets
    from infra.errors import HanoiError
    from infra.resources import Password

    try:
        opened = secrets.Secrets.open(paths.secrets())
        passwords = [s.id for s in plan.secrets if isinstance(s, Password)]
        values = {f"{i}": opened.value(i, "password") for i in passwords}
    except (HanoiError, OSError, KeyError):
        pytest.skip("not checked: the secrets are not on this machine")
    return Vault(opened, values)


@pytest.fixture(scope="session")
def authority(vault) -> str:
    """The private authority's certificate (PEM), from the operator's own store."""
    return vault.resolve("secret://ca#cert")
