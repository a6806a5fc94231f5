"""The Docker engine of each host."""

from __future__ import annotations

import json

from infra.verify.checks import control, gate, look

pytestmark = [gate("infrastructure")]

CIS = "CIS Docker Benchmark 1.6"


def info(host) -> dict:
    return dict(json.loads(look(host, "docker info --format '{{json .}}'")))


@control("DOCK-01", CIS + ", 2.15")
def test_live_restore(host) -> None:
    """Containers run on while the engine restarts."""
    assert info(host)["LiveRestoreEnabled"] is True, "live-restore is off"


@control("DOCK-02", CIS + ", 2.7")
def test_no_tcp(host) -> None:
    """The engine is on no network, only on its local socket.

    Whoever reaches the socket is root. Break: dockerd or another process on 2375.
    """
    found = look(host, "ss -Hltnp")
    lines = [
        s
        for s in found.splitlines()
        if '"dockerd"' in s or s.split()[3].endswith((":2375", ":2376"))
    ]
    assert not lines, f"listening: {', '.join(line.split()[3] for line in lines)}"


@control("DOCK-03", CIS + ", 2.12")
def test_log_limits(host) -> None:
    """New containers have log files with limits."""
    assert info(host)["LoggingDriver"] == "json-file", f"driver {info(host)['LoggingDriver']}"
    options = json.loads(look(host, "cat /etc/docker/daemon.json")).get("log-opts", {})
    assert {"max-size", "max-file"} <= set(options), "max-size and max-file are not both set"


@control("DOCK-04", CIS + ", 3.15")
def test_socket(host) -> None:
    """The engine's socket is root's and group docker's only."""
    file = host.file("/var/run/docker.sock")
    assert file.exists, "there is no socket"
    found = look(host, "stat -L -c '%a %U %G' /var/run/docker.sock").strip()
    assert found == "660 root docker", f"it is {found}"


@control("DOCK-05", "own requirement")
def test_service(host) -> None:
    """The engine runs and starts with the host.

    Break: the service stopped (containers run on, by live-restore).
    """
    assert host.service("docker").is_running, "docker.service does not run"
    assert host.service("docker").is_enabled, "docker.service is not enabled"


@control("DOCK-06", CIS + ", 2.5")
def test_no_insecure_registry(host) -> None:
    """Images come over verified TLS only."""
    config = info(host)["RegistryConfig"]["IndexConfigs"]
    insecure = [name for name, entry in config.items() if not entry["Secure"]]
    assert not insecure, f"insecure: {', '.join(insecure)}"


@control("DOCK-07", CIS + ", 2.6")
def test_storage_driver(host) -> None:
    """The storage driver is overlay2."""
    assert info(host)["Driver"] == "overlay2", info(host)["Driver"]


@control("DOCK-08", CIS + ", 3.17")
def test_settings_file(host) -> None:
    """Only root writes the engine's settings."""
    file = host.file("/etc/docker/daemon.json")
    assert file.user == "root" and not file.mode & 0o022, f"{file.user} {file.mode:o}"


@control("DOCK-09", CIS + ", 2.10")
def test_no_swarm(host) -> None:
    """Swarm mode, which opens ports of its own, is off."""
    assert info(host)["Swarm"]["LocalNodeState"] == "inactive", "swarm mode is on"


@control("DOCK-10", "own requirement")
def test_package(host) -> None:
    """The engine is Debian's own package, which Debian keeps secure."""
    assert host.package("docker.io").is_installed, "docker.io is not installed"
