"""A real lab of one host under its own name: up, SSH, off and on, reset, gone."""

from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Network

import pytest

from infra import lab
from infra.errors import HanoiError
from infra.lab import keys, machine, making, network

pytestmark = pytest.mark.lab


@pytest.fixture
def one(tmp_path):
    """(host, state, lab name) in the first free network from 10.78.0.0/16 on."""
    engine = machine.ensure_engine(print)
    for second in range(78, 100):
        try:
            wanted = IPv4Network(f"10.{second}.0.0/16")
            network.check_free(wanted, making._engine_subnets(engine), network.routes())
            break
        except HanoiError:
            continue
    else:
        pytest.fail("no free network for a test lab")
    name = f"hanoi-t-{os.getpid()}"
    yield lab.LabHost("t-1", f"10.{second}.1.10"), tmp_path, name
    lab.down(tmp_path, name)


def inside(host, state, command):
    call = [*lab.ssh_command(host, state), command]
    return subprocess.run(call, capture_output=True, text=True, timeout=60).stdout.strip()


def left(name):
    engine = machine.client()
    label = {"label": f"hanoi.lab={name}"}
    return (
        len(engine.containers.list(all=True, filters=label)),
        len(engine.volumes.list(filters=label)),
        len(engine.networks.list(filters=label)),
    )


def test_one_host_lives_and_leaves_nothing(one):
    host, state, name = one
    said: list[str] = []
    lab.up([host], state, said.append, name)
    assert any("waiting for systemd" in text for text in said)
    assert inside(host, state, "id -un; hostname; . /etc/os-release; echo $VERSION_CODENAME") == (
        "root\nt-1\ntrixie"
    )
    assert inside(host, state, "command -v docker dockerd || echo bare") == "bare"
    assert inside(host, state, "apt-get -q update >/dev/null 2>&1 && echo reached") == "reached"
    machine_id = inside(host, state, "cat /etc/machine-id; touch /root/kept")
    known = keys.known_hosts_file(state).read_text()

    lab.stop_host(host.id, name)
    assert [(s.running, s.ssh) for s in lab.status(name)] == [(False, False)]
    lab.up([host], state, said.append, name)
    lab.kill_host(host.id, name)
    lab.start_host(host.id, name)
    lab.up([host], state, said.append, name)
    assert inside(host, state, "cat /etc/machine-id; ls /root/kept") == f"{machine_id}\n/root/kept"
    assert keys.known_hosts_file(state).read_text() == known

    with pytest.raises(HanoiError, match="HN-L007"):
        lab.up([lab.LabHost(host.id, host.address + "1")], state, said.append, name)
    with pytest.raises(HanoiError, match="HN-L008"):
        lab.stop_host("t-2", name)

    lab.reset(host.id, name)
    assert keys.known_hosts_file(state).read_text() != known
    assert inside(host, state, "ls /root/kept 2>/dev/null || echo fresh") == "fresh"

    assert left(name) == (1, 1, 1)
    lab.down(state, name)
    assert left(name) == (0, 0, 0)
    assert list((state / "ssh").iterdir()) == []


def test_a_host_whose_package_cache_was_deleted_is_mended(one, monkeypatch, tmp_path):
    host, state, name = one
    monkeypatch.setenv("HANOI_CACHE", str(tmp_path / "cache"))
    lab.up([host], state, print, name)
    subprocess.run(["rm", "-r", str(tmp_path / "cache" / "lab" / "apt" / host.id)], check=True)
    try_apt = "test -d /var/cache/apt/archives/partial && echo whole || echo broken"
    assert inside(host, state, try_apt) == "broken"
    lab.up([host], state, print, name)
    assert inside(host, state, try_apt) == "whole"
