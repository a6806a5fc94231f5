"""The image registry at the hub site, and every engine's certificate to use it.

Docker Registry 2.8. It answers only to clients with a certificate of the private authority.
"""

from __future__ import annotations

from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Health,
    Mount,
    Parts,
    Password,
    Published,
    Volume,
    secret,
)
from infra.services import HostContext, on_host, render
from infra.services.tls import (
    AUTHORITY,
    CA,
    CERT,
    KEY,
    directory,
    joined,
    mounted,
    opening,
    tls_files,
)

NAME = "registry"
PORT = 5000
ADDRESS = 10
UID = 10500
CONFIG = "/etc/docker-registry"
DATA = "/var/lib/docker-registry"
VOLUME = "registry-data"
MEMORY = 192 * 2**20
HTTP_SECRET = "registry/http"
RESTART = "registry-restart"

# With its own certificate, because it answers nobody who shows none.
_HEALTH = (
    f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error"
    f" -connect localhost:{PORT} -CAfile {CONFIG}/{CA} -cert {CONFIG}/{CERT} -key {CONFIG}/{KEY}"
    " 2>/dev/null | grep -q ' 200 '"
)


@on_host("infrastructure")
def registry(ctx: HostContext) -> Parts:
    """Every host: the engine's trust and certificate. The hub's host: the registry itself."""
    engine = _engine(ctx)
    return joined(engine, _server(ctx)) if ctx.host.id == ctx.hub_host.id else engine


def _engine(ctx: HostContext) -> Parts:
    """Docker reads certs.d at every pull and push, so nothing has to be restarted."""
    certificate = Certificate(f"engine/{ctx.host.id}", f"{ctx.host.id} engine", usages=("client",))
    base = f"/etc/docker/certs.d/{ctx.hub_host.address}:{PORT}"
    return Parts(
        files=(
            File(f"{base}/ca.crt", AUTHORITY, 0o444),
            File(f"{base}/client.cert", secret(certificate.id, "cert") + "\n", 0o444),
            File(f"{base}/client.key", secret(certificate.id, "key") + "\n", 0o400),
        ),
        secrets=(certificate,),
    )


def _server(ctx: HostContext) -> Parts:
    own = ctx.container_address(ADDRESS)
    certificate = Certificate(
        f"registry/{ctx.host.id}",
        NAME,
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    config = File(
        f"{directory(NAME)}/config.yml",
        render(
            "registry/config.yml.j2", port=PORT, config=CONFIG, data=DATA, secret_id=HTTP_SECRET
        ),
        0o400,
        str(UID),
        str(UID),
        actions=(RESTART,),
    )
    return Parts(
        files=(config, *tls_files(NAME, UID, certificate.id, (RESTART,))),
        actions=(Action(RESTART, ("docker", "restart", NAME), NAME),),
        volumes=(Volume(VOLUME),),
        containers=(
            Container(
                name=NAME,
                image=NAME,
                user=f"{UID}:{UID}",
                command=("docker-registry", "serve", f"{CONFIG}/config.yml"),
                address=own,
                memory=MEMORY,
                mounts=(mounted(NAME, CONFIG), Mount("volume", VOLUME, DATA, read_only=False)),
                ports=(Published(PORT, PORT, str(ctx.host.address)),),
                health=Health(("CMD", "bash", "-c", _HEALTH), interval=15),
            ),
        ),
        openings=opening(
            ctx, PORT, (*ctx.hosts(), *ctx.own_hosts), "container images, by client certificate"
        ),
        secrets=(certificate, Password(HTTP_SECRET)),
    )
