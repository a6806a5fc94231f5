"""What the operator's side remembers between commands, and the lock that keeps two apart.

Everything is under <state>, written atomically, readable by the operator only, and holds
nothing secret.
"""

from __future__ import annotations

from infra.state.homes import HomeRecord
from infra.state.journal import Journal, Run
from infra.state.left import Left, forget_sites
from infra.state.lock import Holder, Lock
from infra.state.tables import Digests, Identities, Identity

__all__ = [
    "Digests",
    "Holder",
    "HomeRecord",
    "Identities",
    "Identity",
    "Journal",
    "Left",
    "Lock",
    "Run",
    "forget_sites",
]
