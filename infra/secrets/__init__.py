"""Secrets: generated once, kept in ansible-vault files under the operator's control.

secrets = Secrets.open()
secrets.ensure(plan.secrets)
text = secrets.resolve(file.content)
"""

from __future__ import annotations

from infra.secrets.keeper import Changes, Secrets

__all__ = ["Changes", "Secrets"]
