"""Logins: the toolkit's own user and each operator, with keys and sudo, without passwords."""

from __future__ import annotations

from infra.host.ssh import AUTHORIZED_KEYS
from infra.resources import File, Parts, User, secret
from infra.services import HostContext, on_host, render

SUDOERS = "/etc/sudoers.d/hanoi"
HEADER = "# Rendered by hanoi; changes made here are replaced by the next deploy.\n"


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    ministry = context.model.ministry
    own = ministry.ssh.user
    operators = context.operators
    # Whoever operates may also log in as the toolkit's user, so that a lost deploy key is no
    # lock-out.
    deployers = [secret("ssh/deploy", "public"), *(k for o in operators for k in o.keys)]
    sudoers = render("sudoers.j2", package="infra.host", users=(own, *(o.id for o in operators)))
    return Parts(
        packages=("sudo",),
        users=(
            User(own, groups=("docker",)),
            *(User(o.id, groups=("docker", "adm")) for o in operators),
        ),
        files=(
            _keys(own, deployers),
            *(_keys(o.id, o.keys) for o in operators),
            File(SUDOERS, sudoers, mode=0o440, validate=("/usr/sbin/visudo", "-cqf", "{}")),
        ),
    )


def _keys(user: str, keys: list[str] | tuple[str, ...]) -> File:
    """Root owns the file, so that nobody can add a key to an account. Public, hence 0644:
    sshd reads it with the user's rights."""
    lines = "".join(f"{key.strip()}\n" for key in keys)
    return File(f"{AUTHORIZED_KEYS}/{user}", HEADER + lines)
