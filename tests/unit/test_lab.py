"""The lab's pure rules: hosts, subnets, what the engine is asked for, keys, settings."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from infra import lab
from infra.errors import HanoiError
from infra.lab import container, faults, hosts, keys, machine, network, recipe
from infra.lab.network import LabHost, Route


def body(cgroup: int, privileged: bool) -> dict:
    return container.host_config(
        lab="hanoi-x",
        host_id="nd-1",
        address="10.77.1.10",
        state="/state",
        image="i:1",
        network="hanoi-x",
        apt_cache="/cache/nd-1",
        machine=container.Machine(cgroup, privileged),
    )


def codes(problem: HanoiError) -> list[str]:
    return [p.code for p in problem.problems]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["10.77.1.10", "10.77.2.10", "10.77.3.10"], "10.77.0.0/16"),
        (["10.77.1.10"], "10.77.0.0/16"),
        (["10.76.1.10", "10.77.1.10"], "10.76.0.0/15"),
        (["10.1.0.5", "10.200.0.5"], "10.0.0.0/8"),
        (["192.168.7.2", "192.168.9.2"], "192.168.0.0/16"),
        (["172.16.0.9", "172.31.0.9"], "172.16.0.0/12"),
    ],
)
def test_subnet_is_the_smallest_of_at_least_16_bits(addresses, expected):
    assert network.subnet(addresses) == IPv4Network(expected)


@pytest.mark.parametrize(
    "addresses",
    [["10.77.1.10", "192.168.1.1"], ["10.77.0.0"], ["10.77.255.255", "10.77.1.1"]],
)
def test_subnet_refuses_what_no_private_network_holds(addresses):
    with pytest.raises(HanoiError) as caught:
        network.subnet(addresses)
    assert codes(caught.value) == ["HN-L001"]


def test_gateway_is_never_a_hosts_address():
    assert network.gateway(IPv4Network("10.77.0.0/16"), ["10.77.0.1", "10.77.0.2"]) == "10.77.0.3"


def test_bad_hosts_are_all_said_at_once():
    bad = [
        LabHost("ND 1", "10.77.1.10"),
        LabHost("a", "8.8.8.8"),
        LabHost("a", "10.77.1.11"),
        LabHost("b", "10.77.1.11"),
        LabHost("c", "ten"),
    ]
    with pytest.raises(HanoiError) as caught:
        network.check_hosts(bad)
    assert [p.what for p in caught.value.problems] == [
        "the id is not usable as a host name",
        "'8.8.8.8' is not a private IPv4 address",
        "the id is there twice",
        "10.77.1.11 is also the address of a",
        "'ten' is not a private IPv4 address",
    ]


def test_no_host_and_a_bad_lab_name_are_refused(tmp_path):
    with pytest.raises(HanoiError, match="HN-L001: there is no host"):
        lab.up([], tmp_path, print, name="hanoi-x")
    with pytest.raises(HanoiError, match=r"HN-L001: '\.\./x' cannot name a lab"):
        lab.up([LabHost("a", "10.77.1.1")], tmp_path, print, name="../x")


def test_a_taken_subnet_names_who_has_it():
    wanted = IPv4Network("10.77.0.0/16")
    with pytest.raises(HanoiError, match=r"HN-L002: 10\.77\.0\.0/16 is taken by the Docker netw"):
        network.check_free(wanted, [("six", "fd00::/64"), ("other", "10.77.9.0/24")], [])
    route = Route("eth0", IPv4Network("10.0.0.0/8"))
    with pytest.raises(HanoiError, match=r"a route of this machine \(10\.0\.0\.0/8 on eth0\)"):
        network.check_free(wanted, [], [route])
    default = Route("eth0", IPv4Network("0.0.0.0/0"))
    network.check_free(wanted, [("other", "10.78.0.0/16")], [default])


def test_routes_and_mtu_come_from_the_kernels_table(tmp_path):
    table = tmp_path / "route"
    table.write_text(
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth7 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n"
        "br0 00004D0A 00000000 0001 0 0 0 0000FFFF 0 0 0\n"
    )
    assert network.routes(table)[1] == Route("br0", IPv4Network("10.77.0.0/16"))
    assert network.uplink_mtu(table, tmp_path) == 1500
    (tmp_path / "eth7").mkdir()
    (tmp_path / "eth7" / "mtu").write_text("1400\n")
    assert network.uplink_mtu(table, tmp_path) == 1400


def test_privileged_is_used_alone_and_else_every_right_but_one():
    with_it, without = body(2, True)["HostConfig"], body(2, False)["HostConfig"]
    assert with_it["Privileged"] is True
    assert "CapAdd" not in with_it
    assert "Privileged" not in without
    assert (without["CapAdd"], without["CapDrop"]) == (["ALL"], ["SYS_RESOURCE"])
    assert without["SecurityOpt"] == ["seccomp=unconfined", "apparmor=unconfined"]
    assert without["MaskedPaths"] == without["ReadonlyPaths"] == []
    assert without["DeviceCgroupRules"] == ["a *:* rwm"]


@pytest.mark.parametrize("privileged", [True, False])
def test_systemd_is_forced_to_take_cgroup_v1_only_there(privileged):
    assert body(1, privileged)["Cmd"] == ["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]
    assert body(2, privileged)["Cmd"] == []


@pytest.mark.parametrize("cgroup", [1, 2])
def test_a_host_never_sees_the_machines_own_control_groups(cgroup):
    section = body(cgroup, False)["HostConfig"]
    assert section["CgroupnsMode"] == "private"
    assert not any("cgroup" in bind for bind in section["Binds"])


def test_a_host_has_its_address_volume_labels_and_no_limits():
    made = body(1, False)
    assert made["Labels"]["hanoi.lab"] == "hanoi-x"
    endpoint = made["NetworkingConfig"]["EndpointsConfig"]["hanoi-x"]
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.77.1.10"}
    assert "hanoi-x-nd-1-docker:/var/lib/docker:rw" in made["HostConfig"]["Binds"]
    assert made["StopSignal"] == "SIGRTMIN+3"
    assert not {"Memory", "NanoCpus", "CpuQuota"} & made["HostConfig"].keys()


def test_cgroup_version_by_what_is_mounted(tmp_path):
    assert machine.cgroup_version(tmp_path) == 1
    (tmp_path / "cgroup.controllers").touch()
    assert machine.cgroup_version(tmp_path) == 2


def test_the_images_hash_follows_mirror_and_files(monkeypatch, tmp_path):
    before = recipe.content_hash("")
    assert re.fullmatch("[0-9a-f]{12}", before)
    assert recipe.content_hash("http://mirror.example/debian") != before
    for name in ("init", "customize"):
        (tmp_path / name).write_bytes((recipe._FILES / name).read_bytes())
    monkeypatch.setattr(recipe, "_FILES", tmp_path)
    assert recipe.content_hash("") == before, "the place of the checkout must not count"
    (tmp_path / "init").write_text("#!/bin/sh\n")
    assert recipe.content_hash("") != before


def test_a_mirror_is_passed_on_and_a_bad_one_refused(monkeypatch):
    assert recipe.arguments("/t.tar", [], "http://m.example/debian")[-3:] == [
        "trixie",
        "/t.tar",
        "http://m.example/debian",
    ]
    monkeypatch.setenv("HANOI_DEBIAN_MIRROR", "http://m.example/x y")
    with pytest.raises(HanoiError, match="HN-L005"):
        recipe.mirror()


def test_apt_settings_that_hosts_need_are_taken_and_loopback_proxies_not():
    dump = (
        'Acquire::Check-Date "false";\nAPT::Architecture "amd64";\n'
        'Acquire::http::Proxy "http://127.0.0.1:3142";\n'
    )
    environment = {"https_proxy": "http://proxy.example:80", "HTTP_PROXY": "http://localhost:1"}
    assert machine.select_apt_settings(dump, environment) == [
        'Acquire::Check-Date "false";',
        'Acquire::https::Proxy "http://proxy.example:80";',
    ]


def test_name_servers_on_the_loopback_are_of_no_use_in_a_host(tmp_path):
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("nameserver 127.0.0.53\n")
    real.write_text("search x\nnameserver fd00::1\nnameserver 10.0.0.53\n")
    assert machine.name_servers((tmp_path / "none", stub, real)) == ["10.0.0.53"]
    assert machine.name_servers((stub,)) == []


def test_identity_is_private_kept_and_removed_only_when_ours(tmp_path):
    public = keys.ensure_identity(tmp_path, "hanoi-x")
    private = keys.identity_file(tmp_path)
    assert stat.S_IMODE(os.stat(private).st_mode) == 0o600
    told = subprocess.run(["ssh-keygen", "-y", "-f", private], capture_output=True, text=True)
    assert told.stdout.split()[:2] == public.split()[:2]
    assert keys.ensure_identity(tmp_path, "hanoi-x") == public
    keys.forget(tmp_path, "hanoi-y")
    assert private.exists()
    keys.forget(tmp_path, "hanoi-x")
    assert list((tmp_path / "ssh").iterdir()) == []


def test_an_operators_own_identity_survives_down(tmp_path):
    keys.ensure_identity(tmp_path, "hanoi-x")
    own = keys.identity_file(tmp_path).with_suffix(".pub")
    own.write_text(own.read_text().replace("hanoi.lab=hanoi-x", "operator@desk"))
    keys.forget(tmp_path, "hanoi-x")
    assert keys.identity_file(tmp_path).exists()


def test_an_unreadable_identity_is_an_error_for_people(tmp_path):
    (tmp_path / "ssh").mkdir()
    keys.identity_file(tmp_path).write_text("nonsense")
    with pytest.raises(HanoiError, match="HN-L011"):
        keys.ensure_identity(tmp_path, "hanoi-x")


def test_known_hosts_keeps_others_and_replaces_ours(tmp_path):
    known = keys.known_hosts_file(tmp_path)
    known.parent.mkdir()
    known.write_text("10.1.1.1 ssh-ed25519 AAAAother\n")
    keys.remember(tmp_path, "hanoi-x", "10.77.1.1", "a", ["ssh-ed25519 OLD root@a"])
    keys.remember(tmp_path, "hanoi-x", "10.77.1.10", "b", ["ssh-ed25519 BBB root@b"])
    keys.remember(tmp_path, "hanoi-x", "10.77.1.1", "a", ["ssh-ed25519 NEW root@a"])
    assert known.read_text().splitlines() == [
        "10.1.1.1 ssh-ed25519 AAAAother",
        "10.77.1.10,b ssh-ed25519 BBB hanoi.lab=hanoi-x",
        "10.77.1.1,a ssh-ed25519 NEW hanoi.lab=hanoi-x",
    ]
    keys.forget(tmp_path, "hanoi-x")
    assert known.read_text() == "10.1.1.1 ssh-ed25519 AAAAother\n"


def test_a_cut_blocks_forwarded_traffic_too_and_heal_is_harmless():
    rules = faults.cut_rules(["10.77.2.10", "10.77.3.10"])
    incoming = rules[rules.index("prerouting") : rules.index("outgoing")]
    assert "ip saddr { 10.77.2.10, 10.77.3.10 } drop" in incoming
    assert "ip daddr { 10.77.2.10, 10.77.3.10 } drop" in incoming
    assert "ip daddr { 10.77.2.10, 10.77.3.10 } drop" in rules[rules.index("hook output") :]
    assert rules.startswith(faults.cut_rules([]))


def test_ssh_takes_only_the_recorded_key(tmp_path):
    call = lab.ssh_command(LabHost("a", "10.77.1.1"), tmp_path)
    assert call[0] == "ssh" and call[-1] == "root@10.77.1.1"
    assert "StrictHostKeyChecking=yes" in call
    assert f"UserKnownHostsFile={tmp_path}/ssh/known_hosts" in call


def test_without_an_engine_and_without_root_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr(machine, "connect", lambda: None)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    with pytest.raises(HanoiError, match=r"HN-L003.*\n.*group docker"):
        lab.ensure_engine(print)
    states = {f["name"]: f["state"] for f in lab.probe()}
    assert states["docker engine"] == "missing" and states["root"] == "missing"


def test_a_second_command_on_the_same_lab_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HANOI_CACHE", str(tmp_path))
    with hosts._exclusive("hanoi-x"):
        with pytest.raises(HanoiError, match="HN-L009"), hosts._exclusive("hanoi-x"):
            pass
        with hosts._exclusive("hanoi-y"):
            pass
    with hosts._exclusive("hanoi-x"):
        pass


def test_every_code_is_explained():
    sources = Path(recipe.__file__).parent.glob("*.py")
    used = {code for f in sources for code in re.findall(r'"(HN-L\d{3})"', f.read_text())}
    page = Path(__file__).parents[2] / "docs" / "errors.d" / "lab.md"
    if not page.exists():
        page = page.parent.parent / "errors.md"
    explained = set(re.findall(r"^## (HN-L\d{3}):", page.read_text(), re.MULTILINE))
    assert used == explained
