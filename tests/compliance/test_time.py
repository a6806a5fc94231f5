"""Time: certificates, logs and quorums need the same one everywhere."""

from __future__ import annotations

import time

import pytest

from infra.verify.checks import control, fresh, gate, look

pytestmark = [gate("infrastructure")]


@control("TIME-01", "CIS 2.3.1", "own requirement")
def test_synchronised(host) -> None:
    """The clock is kept by a time service that starts with the host.

    In a container the clock belongs to the machine around it; there only `enabled` counts.
    Break: the service disabled.
    """
    service = host.service("systemd-timesyncd")
    assert service.is_enabled, "systemd-timesyncd is not enabled"
    if host.run("systemd-detect-virt --container").rc != 0:
        assert service.is_running, "systemd-timesyncd does not run"


@control("TIME-02", "own requirement")
def test_zone(host) -> None:
    """The host's time zone is Hanoi's.

    Break: the link points elsewhere.
    """
    found = look(host, "readlink -f /etc/localtime").strip()
    assert found in ("/usr/share/zoneinfo/Asia/Ho_Chi_Minh", "/usr/share/zoneinfo/Asia/Saigon"), (
        f"/etc/localtime is {found}"
    )


@control("TIME-03", "own requirement")
def test_offset(host) -> None:
    """The clock is within two seconds of the operator's."""
    before = time.time()
    theirs = float(fresh(host, "date +%s.%N").stdout)
    after = time.time()
    offset = max(before - theirs, theirs - after, 0.0)
    assert offset <= 2.0, f"{offset:.1f} s apart"


@control("TIME-04", "own requirement")
def test_one_service(host) -> None:
    """No second time service pulls at the clock."""
    others = [s for s in ("chrony", "ntpsec", "ntp", "openntpd") if host.package(s).is_installed]
    if others:
        pytest.fail(f"also installed: {', '.join(others)}", pytrace=False)
