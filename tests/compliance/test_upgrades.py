"""Security updates come in by themselves."""

from __future__ import annotations

import re

from infra.verify.checks import control, gate, look

pytestmark = [gate("infrastructure")]


def apt(host) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r'^(\S+) "(.*)";$', look(host, "apt-config dump"), re.M):
        found.setdefault(key.rstrip(":"), []).append(value)
    return found


@control("UPG-01", "CIS 1.2.2", "Debian wiki, UnattendedUpgrades")
def test_installed(host) -> None:
    """The package that installs security updates is there."""
    assert host.package("unattended-upgrades").is_installed, "it is not installed"


@control("UPG-02", "Debian wiki, UnattendedUpgrades")
def test_switched_on(host) -> None:
    """Lists are refreshed and updates installed every day.

    Break: APT::Periodic::Unattended-Upgrade "0".
    """
    found = apt(host)
    for key in ("APT::Periodic::Update-Package-Lists", "APT::Periodic::Unattended-Upgrade"):
        value = found.get(key, ["(not set)"])[-1]
        assert value == "1", f"{key} is {value}"


@control("UPG-03", "own requirement")
def test_timers(host) -> None:
    """Both timers run and start with the host."""
    for name in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(name).is_enabled, f"{name} is not enabled"
        assert host.service(name).is_running, f"{name} does not run"


@control("UPG-04", "own requirement")
def test_security_only(host) -> None:
    """Only Debian's security updates come by themselves."""
    found = apt(host).get("Unattended-Upgrade::Origins-Pattern", [])
    assert found, "no origin is set"
    other = [o for o in found if o and "Debian-Security" not in o]
    assert not other, f"also: {'; '.join(other)}"


@control("UPG-05", "own requirement")
def test_no_reboot(host) -> None:
    """No host restarts by itself: a quorum could lose two members in one night."""
    found = apt(host).get("Unattended-Upgrade::Automatic-Reboot", ["false"])[-1]
    assert found == "false", f"Automatic-Reboot is {found}"


@control("UPG-06", "own requirement")
def test_debian_13(host) -> None:
    """The host runs Debian 13, which the toolkit is tried with."""
    assert host.system_info.distribution == "debian", host.system_info.distribution
    assert host.system_info.codename == "trixie", host.system_info.codename


@control("UPG-07", "own requirement")
def test_lists(host) -> None:
    """apt knows what its sources have: without lists nothing is updated or installed.

    Break: an emptied /var/lib/apt/lists.
    """
    found = look(host, "find /var/lib/apt/lists -maxdepth 1 -name '*Release' -printf '%f\\n'")
    assert "security" in found, "there are no lists of Debian's security updates"
