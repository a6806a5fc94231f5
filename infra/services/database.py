"""Where the applications of a host find their database.

On the sites' hosts it is the cluster, through the host's own proxy; on a unit's host it is the
unit's own PostgreSQL. Either shows a certificate with the name of `host`.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.resources import Database, DatabaseRole, Parts, Password, secret
from infra.services import HostContext, own_database, proxy


@dataclass(frozen=True)
class Endpoint:
    """host: the container's name on the container network, which others need running first."""

    host: str
    port: int


def endpoint(ctx: HostContext) -> Endpoint:
    """The database's read and write endpoint, as seen by a container of the host."""
    if ctx.own:
        return Endpoint(own_database.NAME, own_database.PORT)
    return Endpoint(proxy.NAME, proxy.PORT)


def password_of(database: str) -> str:
    """The secret's id of a database's role. The same at both ends of a move."""
    return f"db/{database.replace('_', '-')}"


def login(database: str) -> str:
    """The database's line of a password file, as libpq reads it."""
    return f"*:*:{database}:{database}:{secret(password_of(database), 'password')}\n"


def owned(database: str, extensions: tuple[str, ...] = (), *, login: bool = True) -> Parts:
    """A database with a role of its own and of the same name, which reaches no other one."""
    password = password_of(database)
    return Parts(
        secrets=(Password(password),),
        roles=(DatabaseRole(database, password, login=login),),
        databases=(Database(database, database, extensions),),
    )
