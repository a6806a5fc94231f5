"""The operator's secrets as they are, read only: a look must not generate any."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from pathlib import Path

from infra.live.hidden import Hider
from infra.resources import SECRET, Password, Plan, Secret
from infra.secrets import Secrets

PASSPHRASE = Password("pulumi/passphrase")
AUTHORITY = "ca"
DEPLOY_KEY = "ssh/deploy"


class Known:
    """What can be resolved. pending: id → why, for what the next deploy makes ("" for a first
    one). A pending secret resolves to a stand-in that equals nothing on any host."""

    def __init__(self, secrets: Secrets | None, pending: Mapping[str, str]) -> None:
        self.pending = dict(pending)
        self._secrets = secrets
        self._unlike = randomness.token_hex(16)

    @classmethod
    def read(cls, plan: Plan, directory: Path) -> Known:
        """Of the directory; nothing is written there. Raises HN-S001 to HN-S004."""
        wanted: list[Secret] = [PASSPHRASE, *plan.secrets]
        if Secrets.unmade(directory):
            return cls(None, {w.id: "" for w in wanted} | {AUTHORITY: ""})
        secrets = Secrets.open(directory, create=False)
        pending = secrets.pending(wanted)
        if not secrets.has_authority:
            pending[AUTHORITY] = ""
        return cls(secrets, pending)

    def value(self, secret_id: str, part: str) -> str:
        if secret_id in self.pending or self._secrets is None:
            if secret_id == DEPLOY_KEY:
                from infra.secrets.deploykey import public_key

                return public_key()
            return f"stand-in-{self._unlike}"
        return self._secrets.value(secret_id, part)

    def resolve(self, text: str) -> str:
        """The text with every reference replaced. Raises HN-S005 for an unknown one."""
        return SECRET.sub(lambda m: self.value(m[1], m[2]), text) if "secret://" in text else text

    def hider(self) -> Hider:
        return Hider(self._secrets.values() if self._secrets else {})
