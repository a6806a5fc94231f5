"""Applications that sign their users on (OpenID Connect relying parties), and what they need.

A module registers its clients with @signs_on; infra/services/sign_on.py lets exactly these in.
While the platform part "sign-on" is not in scope, provider() is None and an application keeps
its own login alone. With it, an application's own login stays beside it as a way in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from infra.model.schema import Host
from infra.resources import secret
from infra.services import Context, HostContext, unit_name
from infra.services.per_unit import instance_name

PART = "sign-on"
LABEL = "sign-on"
ALGORITHM = "RS256"
SCOPES = ("openid", "profile", "email")
CLIENTS = "sign-on/client/"  # what the secrets' ids of all clients begin with
UNIT_CLAIM = "unit"  # the unit's id, in the ID token and in userinfo


@dataclass(frozen=True)
class Client:
    """One relying party.

    id: its client id; unit: only users of the unit with this id are let in, None: of every unit;
    redirects: whole addresses that a user may come back to with a code; after_logout: the same
    after logging out.
    """

    id: str
    unit: str | None
    redirects: tuple[str, ...]
    after_logout: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provider:
    """How a container of one host reaches the provider.

    issuer: without a slash at the end, as in the ID token; hosts: for Container.hosts, so that
    the provider's name leads to a gateway.
    """

    issuer: str
    hosts: tuple[tuple[str, str], ...]

    @property
    def discovery(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def authorize(self) -> str:
        return f"{self.issuer}/oauth2/authorize"

    @property
    def token(self) -> str:
        return f"{self.issuer}/oauth2/token"

    @property
    def userinfo(self) -> str:
        return f"{self.issuer}/oauth2/userinfo"

    @property
    def jwks(self) -> str:
        return f"{self.issuer}/oauth2/jwks"

    @property
    def logout(self) -> str:
        return f"{self.issuer}/oauth2/logout"


Clients = Callable[[Context], tuple[Client, ...]]

_clients: dict[str, tuple[str, Clients]] = {}


def signs_on(part: str) -> Callable[[Clients], Clients]:
    """Register the clients of a module; part: as for @on_host."""

    def register(build: Clients) -> Clients:
        _clients[build.__module__] = (part, build)
        return build

    return register


def clients(ctx: Context) -> tuple[Client, ...]:
    """Every client in scope, sorted by id."""
    found = (c for part, build in _clients.values() if ctx.scope.offers(part) for c in build(ctx))
    return tuple(sorted(found, key=lambda c: c.id))


def of_units(ctx: Context, service: str, callback: str, after_logout: str) -> tuple[Client, ...]:
    """A client for each unit's application of the service, wherever it is served.

    callback, after_logout: what comes after the unit's host name. Only the present host name is
    in it: an application makes the address from the name that it is asked by, and whoever asks
    by a former one has been redirected before.
    """
    return tuple(
        Client(
            instance_name(p.app, p.unit),
            p.unit.id,
            (f"https://{unit_name(ctx, p.app, p.unit)}{callback}",),
            (f"https://{unit_name(ctx, p.app, p.unit)}{after_logout}",),
        )
        for p in ctx.placements(service, lambda _: True)
        if p.serving
    )


def client_password(client_id: str) -> str:
    """The id of the client's Password; whoever renders it into a file names it in its secrets."""
    return f"{CLIENTS}{client_id}"


def client_secret(client_id: str) -> str:
    """The reference to the client's secret, to put into a file's content."""
    return secret(client_password(client_id), "password")


def host_name(ctx: Context) -> str:
    """The provider's name for users and applications alike."""
    return f"{LABEL}.{ctx.model.ministry.domain}"


def in_scope(ctx: Context) -> bool:
    """Whether applications sign their users on."""
    return PART in ctx.scope.parts


def provider(ctx: HostContext) -> Provider | None:
    """The provider as seen from a container of the host; None while it is not in scope."""
    if not in_scope(ctx):
        return None
    name = host_name(ctx)
    return Provider(f"https://{name}", ((name, str(_way_in(ctx))),))


def without_gateway(ctx: Context) -> tuple[Host, ...]:
    """The hosts whose applications ask the provider through another host's gateway."""
    if not in_scope(ctx):
        return ()
    sites = tuple(h for h in ctx.hosts("applications") if "gateway" not in h.roles)
    return (*sites, *ctx.own_hosts)


def _way_in(ctx: HostContext) -> IPv4Address:
    """The gateway of the host itself, else of its site, else the first one."""
    gateways = ctx.hosts("gateway")
    near = {h.id for h in ctx.site.hosts} if ctx.site else set()
    return min(gateways, key=lambda h: (h.id != ctx.host.id, h.id not in near)).address
