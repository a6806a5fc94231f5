"""What every service's TLS has in common: the files, and the openings between hosts.

A container's configuration directory is /etc/hanoi/<container>/ on the host; it is mounted
whole and read-only. Private keys are readable by the container's own user only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from infra.model.schema import Host
from infra.resources import CONFIGURATION, File, Mount, Opening, Parts, secret
from infra.services import HostContext

CA = "ca.crt"
CERT = "tls.crt"
KEY = "tls.key"
PEM = "tls.pem"  # certificate and key together, as HAProxy takes them

AUTHORITY = secret("ca", "cert") + "\n"


def directory(container: str) -> str:
    """The host's directory with the container's configuration."""
    return f"{CONFIGURATION}{container}"


def mounted(container: str, target: str) -> Mount:
    """The whole configuration directory, so that a file replaced by rename stays visible."""
    return Mount("bind", directory(container), target)


def tls_files(
    container: str, uid: int, certificate: str, actions: tuple[str, ...] = ()
) -> tuple[File, ...]:
    """ca.crt, tls.crt and tls.key of the container; certificate: a Certificate's id."""
    base, owner = directory(container), str(uid)
    return (
        File(f"{base}/{CA}", AUTHORITY, 0o444, actions=actions),
        File(f"{base}/{CERT}", secret(certificate, "cert") + "\n", 0o444, actions=actions),
        File(
            f"{base}/{KEY}", secret(certificate, "key") + "\n", 0o400, owner, owner, actions=actions
        ),
    )


def pem_files(
    container: str, uid: int, certificate: str, actions: tuple[str, ...] = ()
) -> tuple[File, ...]:
    """ca.crt, and tls.pem with certificate and key; certificate: a Certificate's id."""
    base, owner = directory(container), str(uid)
    both = f"{secret(certificate, 'cert')}\n{secret(certificate, 'key')}\n"
    return (
        File(f"{base}/{CA}", AUTHORITY, 0o444, actions=actions),
        File(f"{base}/{PEM}", both, 0o400, owner, owner, actions=actions),
    )


def opening(ctx: HostContext, port: int, hosts: Iterable[Host], reason: str) -> tuple[Opening, ...]:
    """The port, opened for exactly these hosts. Never for the host itself: what it sends to
    its own address does not arrive from outside. Nothing where no other host remains."""
    sources = tuple(f"{h.address}/32" for h in hosts if h.id != ctx.host.id)
    return (Opening(port, sources, reason),) if sources else ()


def joined(*parts: Parts) -> Parts:
    """Several contributions of one module as one."""
    return Parts(
        **{f.name: tuple(i for p in parts for i in getattr(p, f.name)) for f in fields(Parts)}
    )
