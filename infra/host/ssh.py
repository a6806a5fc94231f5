"""SSH: keys only, no root, only the people who operate the site, modern algorithms."""

from __future__ import annotations

from infra.resources import Action, File, Opening, Parts, Unit
from infra.services import HostContext, on_host, render

DROP_IN = "/etc/ssh/sshd_config.d/10-hanoi.conf"
AUTHORIZED_KEYS = "/etc/ssh/authorized_keys"

# What OpenSSH 9.2 and later have; no SHA-1, no CBC, no encrypt-and-MAC, no NIST curve.
KEY_EXCHANGES = (
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
)
CIPHERS = ("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
HOST_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    ministry = context.model.ministry
    content = render(
        "sshd.conf.j2",
        package="infra.host",
        port=ministry.ssh.port,
        deploy_user=ministry.ssh.user,
        users=(ministry.ssh.user, *(o.id for o in context.operators)),
        authorized_keys=AUTHORIZED_KEYS,
        key_exchanges=KEY_EXCHANGES,
        ciphers=CIPHERS,
        macs=MACS,
        host_keys=HOST_KEYS,
    )
    return Parts(
        packages=("openssh-server",),
        files=(
            # Debian's main file includes the drop-ins first and the first value counts. The
            # drop-in alone is a whole configuration too, so it can be validated by itself.
            File(
                DROP_IN,
                content,
                mode=0o600,
                validate=("/usr/sbin/sshd", "-t", "-f", "{}"),
                actions=("ssh",),
            ),
        ),
        units=(Unit("ssh.service"),),
        # Reload keeps the sessions that are open, ours among them.
        actions=(Action("ssh", ("systemctl", "reload-or-restart", "ssh.service")),),
        openings=(
            Opening(
                ministry.ssh.port,
                tuple(str(n) for n in ministry.management_networks),
                "SSH for the operators",
            ),
        ),
    )
