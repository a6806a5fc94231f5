"""SSH: what sshd really goes by (`sshd -T`), not what some file says."""

from __future__ import annotations

import pytest

from infra.verify.checks import control, gate, look, settings

pytestmark = [gate("infrastructure")]

CIS = "CIS Debian Linux 12 Benchmark, section 5.1"
REQUIRED = (
    ("SSH-01", "permitrootlogin", "no"),
    ("SSH-02", "passwordauthentication", "no"),
    ("SSH-03", "kbdinteractiveauthentication", "no"),
    ("SSH-04", "permitemptypasswords", "no"),
    ("SSH-05", "pubkeyauthentication", "yes"),
    ("SSH-06", "x11forwarding", "no"),
    ("SSH-07", "allowtcpforwarding", "no"),
    ("SSH-08", "allowagentforwarding", "no"),
    ("SSH-09", "hostbasedauthentication", "no"),
    ("SSH-10", "permituserenvironment", "no"),
    ("SSH-11", "loglevel", "VERBOSE"),
    ("SSH-12", "gatewayports", "no"),
    ("SSH-13", "permittunnel", "no"),
    ("SSH-14", "authorizedkeysfile", "/etc/ssh/authorized_keys/%u"),
    ("SSH-15", "strictmodes", "yes"),
)
WEAK = ("cbc", "3des", "arcfour", "hmac-md5", "hmac-sha1", "umac-64", "sha1", "nistp")


def effective(host) -> dict[str, str]:
    return settings(look(host, "sshd -T"))


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(k, v, marks=control(i, CIS), id=k) for i, k, v in REQUIRED]
)
def test_setting(host, key: str, value: str) -> None:
    """sshd goes by the required value.

    Nobody logs in as root or with a password, and a session is a shell, not a tunnel.
    Break: `PermitRootLogin yes` in a drop-in and a reload.
    """
    found = effective(host).get(key, "(not set)")
    assert found.lower() == value.lower(), f"{key} is {found}, required: {value}"


@control("SSH-20", CIS)
def test_limits(host) -> None:
    """A login must come soon and may be tried few times.

    CIS allows 60 s and 4 tries.
    """
    found = effective(host)
    assert 0 < int(found["logingracetime"]) <= 60, f"LoginGraceTime {found['logingracetime']}"
    assert int(found["maxauthtries"]) <= 4, f"MaxAuthTries {found['maxauthtries']}"


@control("SSH-21", CIS, "BSI TR-02102-4")
def test_algorithms(host) -> None:
    """No weak cipher, MAC or key exchange is offered."""
    found = effective(host)
    offered = ",".join(found[k] for k in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"))
    weak = [a for a in offered.split(",") if any(w in a for w in WEAK)]
    assert not weak, f"weak: {', '.join(weak)}"


@control("SSH-22", CIS)
def test_only_named_users(host, plan) -> None:
    """Only named users may log in, and root is not among them."""
    users = [
        line.split(" ", 1)[1]
        for line in look(host, "sshd -T").splitlines()
        if line.startswith("allowusers ")
    ]
    assert users, "AllowUsers is not set"
    assert "root" not in " ".join(users).split(), "root is in AllowUsers"
    assert plan.ssh_user in " ".join(users).split(), f"{plan.ssh_user} is not in AllowUsers"


@control("SSH-23", "CIS 5.1.2", "own requirement")
def test_host_keys_are_private(host) -> None:
    """The host's private keys are root's alone."""
    found = look(host, "stat -c '%n %a %U' /etc/ssh/ssh_host_*_key").splitlines()
    wrong = [line for line in found if line.split()[1:] != ["600", "root"]]
    assert found and not wrong, f"wrong: {'; '.join(wrong)}"


@control("SSH-24", "own requirement")
def test_service(host) -> None:
    """The SSH service runs and starts with the host."""
    service = host.service("ssh")
    assert service.is_running, "ssh.service does not run"
    assert service.is_enabled, "ssh.service is not enabled"
