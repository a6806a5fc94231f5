"""The host baseline: what must hold, stated literally."""

from __future__ import annotations

import importlib
import json

import pytest

from infra.model.schema import Model
from infra.resources import File, Opening, Parts
from infra.services import HostContext, Scope

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOperator an@mic.example"


def model(**changes: object) -> Model:
    name = {"vi": "Bộ", "en": "Ministry"}
    ministry = {
        "id": "mic",
        "name": name,
        "domain": "mic.example",
        "hub": "nguyen-du",
        "management_networks": ["10.9.0.0/24"],
        "user_networks": ["10.0.0.0/8"],
        "time_servers": ["time.mic.example"],
        "operators": [{"id": "an", "name": "An", "keys": [KEY]}],
    } | changes
    site = {
        "id": "nguyen-du",
        "name": name,
        "street": "18 Nguyễn Du",
        "network": "10.77.1.0/24",
        "container_network": "172.30.1.0/24",
        "hosts": [
            {"id": "nd-1", "address": "10.77.1.10", "cpus": 4, "memory": "8GiB", "storage": "40GiB"}
        ],
    }
    wave = {"id": "one", "name": name, "owner": "tt", "platform": ["infrastructure"]}
    return Model.model_validate(
        {
            "ministry": ministry,
            "roadmap": {"current": "one", "waves": [wave]},
            "sites": [site],
            "units": [],
            "apps": [],
        }
    )


def parts(module: str, openings: tuple[Opening, ...] = (), **changes: object) -> Parts:
    described = model(**changes)
    scope = Scope(frozenset({"infrastructure"}), ())
    site = described.sites[0]
    context = HostContext(described, scope, site, site.hosts[0], openings)
    return importlib.import_module(f"infra.host.{module}").build(context)


def file(found: Parts, path: str) -> File:
    return next(f for f in found.files if f.path == path)


MODULES = ("docker_engine", "firewall", "kernel", "logs", "ssh", "time", "upgrades", "users")


@pytest.mark.parametrize("module", MODULES)
def test_every_action_that_a_file_names_exists_on_the_host(module: str) -> None:
    found = parts(module)
    named = {a for f in found.files for a in f.actions}
    assert named <= {a.id for a in found.actions}


@pytest.mark.parametrize("module", MODULES)
def test_validators_take_the_candidate_and_not_the_file_in_place(module: str) -> None:
    for found in parts(module).files:
        if found.validate:
            assert "{}" in found.validate
            assert found.path not in found.validate


@pytest.mark.parametrize(
    "line",
    [
        "PermitRootLogin no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "X11Forwarding no",
        "ClientAliveInterval 15",
        "ClientAliveCountMax 3",
        "AllowUsers hanoi an",
        "AuthorizedKeysFile /etc/ssh/authorized_keys/%u",
    ],
)
def test_sshd_states(line: str) -> None:
    content = file(parts("ssh"), "/etc/ssh/sshd_config.d/10-hanoi.conf").content
    assert line in content.splitlines()


def test_sshd_offers_no_old_algorithm() -> None:
    content = file(parts("ssh"), "/etc/ssh/sshd_config.d/10-hanoi.conf").content
    for weak in ("sha1", "cbc", "nistp", "group1-", "group14", "umac-64", "arcfour"):
        assert weak not in content


def test_ssh_is_open_to_the_management_networks_only() -> None:
    assert parts("ssh").openings == (Opening(22, ("10.9.0.0/24",), "SSH for the operators"),)


def test_keys_are_in_files_of_root_and_the_deploy_key_is_a_reference() -> None:
    found = parts("users")
    own = file(found, "/etc/ssh/authorized_keys/hanoi")
    assert (own.owner, own.mode) == ("root", 0o644)
    assert "secret://ssh/deploy#public" in own.content.splitlines()
    assert KEY in own.content.splitlines()
    operator = file(found, "/etc/ssh/authorized_keys/an")
    assert "secret://" not in operator.content and KEY in operator.content


def test_only_the_toolkits_user_and_the_operators_have_sudo() -> None:
    content = file(parts("users"), "/etc/sudoers.d/hanoi").content
    rules = [line for line in content.splitlines() if line and not line.startswith("#")]
    assert [r.split()[0] for r in rules] == ["hanoi", "an"]


def test_the_firewall_drops_what_no_opening_states_and_leaves_docker_alone() -> None:
    openings = (
        Opening(443, ("10.0.0.0/9", "10.128.0.0/9"), "users"),
        Opening(5432, ("10.77.1.10/32",), 'the "proxies"'),
        Opening(5432, ("10.77.2.10/32",), "replication"),
        Opening(9, (), "nobody"),
    )
    lines = [
        line.strip()
        for line in file(
            parts("firewall", openings), "/etc/hanoi/firewall.nft"
        ).content.splitlines()
    ]
    assert not any("flush ruleset" in line for line in lines)
    assert "type filter hook prerouting priority mangle; policy accept;" in lines
    accepts = [line for line in lines if " dport " in line]
    assert accepts == [
        'ip saddr { 10.0.0.0/8 } tcp dport 443 accept comment "users"',
        "ip saddr { 10.77.1.10/32, 10.77.2.10/32 } tcp dport 5432 accept"
        " comment \"replication; the 'proxies'\"",
    ]
    chain = lines[lines.index(accepts[-1]) :]
    assert chain[1] == "counter name dropped drop"


def test_debians_own_firewall_service_is_off() -> None:
    unit = next(u for u in parts("firewall").units if u.name == "nftables.service")
    assert (unit.enabled, unit.active) == (False, False)


def test_the_engine_is_on_no_network_and_keeps_containers_over_a_restart() -> None:
    settings = json.loads(file(parts("docker_engine"), "/etc/docker/daemon.json").content)
    assert "hosts" not in settings
    assert settings["live-restore"] is True
    assert settings["log-opts"] == {"max-size": str(10 * 2**20), "max-file": "3"}


def test_one_changed_setting_changes_one_file() -> None:
    before = {f.path: f for m in MODULES for f in parts(m).files}
    after = {f.path: f for m in MODULES for f in parts(m, logs={"journal_max": "300MiB"}).files}
    changed = [path for path in before if before[path] != after[path]]
    assert changed == ["/etc/systemd/journald.conf.d/10-hanoi.conf"]


def test_settings_of_the_whole_machine_are_not_written_from_a_container() -> None:
    found = parts("kernel")
    service = file(found, "/etc/systemd/system/hanoi-machine.service").content
    assert "ConditionVirtualization=!container" in service.splitlines()
    applied_everywhere = file(found, "/etc/sysctl.d/60-hanoi.conf").content
    names = [line for line in applied_everywhere.splitlines() if line.startswith("-")]
    assert names and all(name.startswith("-net.") for name in names)


def test_updates_never_reboot_and_never_touch_the_engine() -> None:
    content = file(parts("upgrades"), "/etc/apt/apt.conf.d/60hanoi-upgrades").content
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in content
    assert '"docker";' in content
    assert "Debian-Security" in content and "#clear Unattended-Upgrade::Origins-Pattern;" in content
