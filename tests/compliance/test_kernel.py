"""Kernel settings in force."""

from __future__ import annotations

import pytest

from infra.verify.checks import control, gate

pytestmark = [gate("infrastructure")]

CIS = "CIS Debian Linux 12 Benchmark, section 3.3"
NETWORK = (
    ("KERN-01", "net.ipv4.conf.all.accept_redirects", 0),
    ("KERN-02", "net.ipv4.conf.all.send_redirects", 0),
    ("KERN-03", "net.ipv4.conf.all.accept_source_route", 0),
    ("KERN-04", "net.ipv4.conf.all.secure_redirects", 0),
    ("KERN-05", "net.ipv4.conf.default.accept_redirects", 0),
    ("KERN-06", "net.ipv4.icmp_echo_ignore_broadcasts", 1),
    ("KERN-07", "net.ipv4.icmp_ignore_bogus_error_responses", 1),
    ("KERN-08", "net.ipv4.tcp_syncookies", 1),
    ("KERN-09", "net.ipv4.conf.all.log_martians", 1),
    ("KERN-10", "net.ipv4.conf.all.rp_filter", 1),
)
MACHINE = (
    ("KERN-20", "kernel.kptr_restrict", 1),
    ("KERN-21", "kernel.dmesg_restrict", 1),
    ("KERN-22", "kernel.randomize_va_space", 2),
    ("KERN-23", "fs.protected_hardlinks", 1),
    ("KERN-24", "fs.protected_symlinks", 1),
    ("KERN-25", "fs.suid_dumpable", 0),
)


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(k, v, marks=control(i, CIS), id=k) for i, k, v in NETWORK]
)
def test_network(host, key: str, value: int) -> None:
    """The setting of the host's network is in force.

    Break: `sysctl -w net.ipv4.conf.all.accept_redirects=1`.
    """
    if not host.file("/proc/sys/" + key.replace(".", "/")).exists:
        pytest.skip("this kernel has no such setting")
    found = host.sysctl(key)
    assert found == value, f"{key} is {found}, required: {value}"


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(k, v, marks=control(i, "CIS 1.5"), id=k) for i, k, v in MACHINE]
)
def test_machine(host, key: str, value: int) -> None:
    """The setting of the whole machine is in force (at least as strict)."""
    if host.run("systemd-detect-virt --container").rc == 0:
        pytest.skip("the host is a container: the machine around it decides")
    found = host.sysctl(key)
    ok = found == value if value == 0 else found >= value
    assert ok, f"{key} is {found}, required: {value}"


@control("KERN-30", "own requirement")
def test_settings_stay(host) -> None:
    """The settings are in a file that is read at every start."""
    file = host.file("/etc/sysctl.d/60-hanoi.conf")
    assert file.is_file, "there is no /etc/sysctl.d/60-hanoi.conf"
    assert file.user == "root" and not file.mode & 0o022, "others may write it"
