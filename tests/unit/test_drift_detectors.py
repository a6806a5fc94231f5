"""Every detector on answers of a host: silent on one as planned, and naming what was changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from infra import facts, paths, supply
from infra.live.drift.registry import Drifted, Seen, detectors
from infra.live.known import Known
from tests.unit.livehost import database, facts_of, port_rule, rule, sample, survey

_, PLAN = sample()
HOST = PLAN.host("nd-1")
TAGS = supply.tags(PLAN)


def world() -> dict[str, Any]:
    """Everything that is known of a host as planned; a test changes one thing in it."""
    answers = survey(HOST, PLAN)
    answers["database"] = database(PLAN)
    answers["database"]["rules"] = hba()
    return {
        "facts": facts_of(HOST, PLAN), "answers": answers, "clock": 0.0, "inside": (),
        "oneoffs": (),
    }  # fmt: skip


def hba() -> list[dict[str, Any]]:
    """pg_hba_file_rules as PostgreSQL gives the planned rules."""
    text = next(f.content for f in HOST.parts.files if f.path.endswith("patroni.yaml"))
    rows = []
    for line in text.partition("pg_hba:")[2].splitlines():
        words = line.strip().removeprefix("- ").split()
        if len(words) < 4 or line.strip().startswith("#"):
            continue
        address, mask = None, None
        if words[0] != "local":
            address = words.pop(3)
            if "/" in address:
                address, _, length = address.partition("/")
                bits = (0xFFFFFFFF << (32 - int(length))) & 0xFFFFFFFF
                mask = ".".join(str(bits >> s & 255) for s in (24, 16, 8, 0))
        rows.append(
            {
                "type": words[0], "database": [words[1]], "user": words[2].split(","),
                "address": address, "mask": mask, "method": words[3],
                "options": words[4:] or None,
            }
        )  # fmt: skip
    assert len(rows) > 5
    return rows


def seen(w: dict[str, Any]) -> Seen:
    look = facts.parse(HOST.id, w["facts"])
    secrets = Known(None, {})
    return Seen(
        PLAN, HOST, look, w["answers"], secrets, TAGS, w["clock"], w["inside"], w["oneoffs"]
    )


def found(w: dict[str, Any]) -> list[tuple[str, Drifted]]:
    return [(d.id, x) for d in detectors() for x in d.find(seen(w))]


def test_a_host_as_planned_is_silent() -> None:
    assert found(world()) == []


def test_there_are_many_and_each_says_what_it_finds() -> None:
    assert len(detectors()) >= 40
    for d in detectors():
        assert len(d.title.split()) >= 3, d.id
        assert d.needs in {
            "", "current", "directories", "accounts", "system", "network", "packages", "engine",
            "database",
        }  # fmt: skip


def container(w: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in w["answers"]["engine"]["containers"] if c["Name"] == f"/{name}")


def differing(path: str, why: str, **live: Any) -> Callable[[dict[str, Any]], None]:
    standing = {
        "kind": "file", "mode": "0644", "owner": "root", "group": "root", "size": 1,
        "changed": 900.0, "content": "", "sha256": "0" * 64,
    }  # fmt: skip

    def change(w: dict[str, Any]) -> None:
        w["facts"]["drift"]["files"] = [{"path": path, "why": why}]
        w["answers"]["current"]["files"][path] = {**standing, **live}

    return change


def beside(path: str, **more: Any) -> Callable[[dict[str, Any]], None]:
    entry = {
        "path": path, "target": None, "owner": "root", "mode": "0644", "changed": 900.0,
        "sha256": "0",
    }  # fmt: skip

    def change(w: dict[str, Any]) -> None:
        w["answers"]["directories"]["files"].append({**entry, **more})

    return change


def at(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """Set a value deep inside the answers."""

    def change(w: dict[str, Any]) -> None:
        place = w["answers"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def adding(*path: Any, item: Any) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        place = w["answers"]
        for key in path:
            place = place[key]
        if isinstance(place, dict):
            place.update(item)
        else:
            place.append(item)

    return change


def of_container(name: str, *path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        place = container(w, name)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def without(kind: str, key: str, name: str) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        items = w["answers"]["engine"][kind]
        w["answers"]["engine"][kind] = [i for i in items if i[key] != name]

    return change


def another_container(**more: Any) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        new = copy.deepcopy(container(w, "etcd"))
        w["answers"]["engine"]["containers"].append({**new, "Name": "/intruder", **more})

    return change


def setting(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        w[key] = value

    return change


def looked(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        w["facts"].update({k: v for k, v in changes.items() if k != "drift"})
        w["facts"]["drift"] |= changes.get("drift", {})

    return change


def both(*changes: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def change(w: dict[str, Any]) -> None:
        for one in changes:
            one(w)

    return change


SYSCTL = "/etc/sysctl.d/60-hanoi.conf"
RUN = {
    "when": 900.0, "by": "an", "by_toolkit": False, "unattended": False, "installed": [],
    "removed": [],
}  # fmt: skip

# what is changed, and the (detector, operation, name) that must be told, and nothing else
CASES: dict[str, tuple[Callable[[dict[str, Any]], None], list[tuple[str, str, str]]]] = {
    "content": (differing(SYSCTL, "content"), [("file-content", "update", SYSCTL)]),
    "missing": (differing(SYSCTL, "missing", kind="absent"), [("file-missing", "delete", SYSCTL)]),
    "mode": (differing(SYSCTL, "mode", mode="0666"), [("file-mode", "update", SYSCTL)]),
    "owner": (differing(SYSCTL, "owner", owner="games"), [("file-owner", "update", SYSCTL)]),
    "pending": (
        looked(pending=[{"id": "ssh", "since": 1.0, "moot": False}]),
        [("action-due", "reload", "ssh")],
    ),
    "moot": (looked(pending=[{"id": "ssh", "since": 1.0, "moot": True}]), []),
    "own directory": (
        beside("/etc/hanoi/etcd/old.crt"),
        [("file-in-own-directory", "create", "/etc/hanoi/etcd/old.crt")],
    ),
    "pending record": (beside("/var/lib/hanoi/pending/ssh"), []),
    "sshd drop-in": (
        beside("/etc/ssh/sshd_config.d/00-x.conf"),
        [("ssh-settings", "create", "/etc/ssh/sshd_config.d/00-x.conf")],
    ),
    "sudoers": (beside("/etc/sudoers.d/x"), [("sudo-rule", "create", "/etc/sudoers.d/x")]),
    "keys file": (
        beside("/etc/ssh/authorized_keys/x"),
        [("ssh-keys-file", "create", "/etc/ssh/authorized_keys/x")],
    ),
    "sysctl": (beside("/etc/sysctl.d/99-x.conf"),
               [("kernel-settings-file", "create", "/etc/sysctl.d/99-x.conf")]),
    "apt source": (beside("/etc/apt/sources.list.d/x.list"),
                   [("apt-settings", "create", "/etc/apt/sources.list.d/x.list")]),
    "override": (beside("/etc/systemd/system/ssh.service.d/x.conf"),
                 [("systemd-override", "create", "/etc/systemd/system/ssh.service.d/x.conf")]),
    "mask": (beside("/etc/systemd/system/cron.service", target="/dev/null"),
             [("systemd-override", "create", "/etc/systemd/system/cron.service")]),
    "enabled link": (
        beside("/etc/systemd/system/multi-user.target.wants/x.service", target="/lib/x.service"),
        [],
    ),
    "journald": (beside("/etc/systemd/journald.conf.d/x.conf"),
                 [("systemd-settings", "create", "/etc/systemd/journald.conf.d/x.conf")]),
    "cron": (beside("/var/spool/cron/crontabs/root", owner="an"),
             [("cron-job", "create", "/var/spool/cron/crontabs/root")]),
    "engine file": (beside("/etc/docker/x"), [("engine-files", "create", "/etc/docker/x")]),
    "preload": (beside("/etc/ld.so.preload"), [("preload", "create", "/etc/ld.so.preload")]),
    "profile": (beside("/etc/profile.d/x.sh"), [("login-script", "create", "/etc/profile.d/x.sh")]),
    "login": (
        adding("accounts", "logins", item={"name": "x", "uid": 1001, "shell": "/bin/bash"}),
        [("login-unknown", "create", "x")],
    ),
    "second root": (
        adding("accounts", "logins", item={"name": "toor", "uid": 0, "shell": "/bin/false"}),
        [("login-unknown", "create", "toor")],
    ),
    "planned login": (
        both(looked(drift={"users": ["hanoi"]}),
             at("accounts", "logins", 1, "shell", to="/bin/sh")),
        [("login-planned", "update", "hanoi")],
    ),
    "group": (
        adding("accounts", "groups", item={"sudo": ["x"]}), [("group-member", "update", "x")],
    ),
    "password": (at("accounts", "passwords", to=["hanoi"]), [("password", "update", "hanoi")]),
    "home keys": (
        adding("accounts", "keys", item={"path": "/root/.ssh/authorized_keys", "keys": 1,
                                         "changed": 900.0}),
        [("own-keys", "create", "/root/.ssh/authorized_keys")],
    ),
    "home keys from before": (
        adding("accounts", "keys", item={"path": "/root/.ssh/authorized_keys", "keys": 1,
                                         "changed": 400.0}),
        [],
    ),
    "package gone": (
        both(looked(drift={"packages": ["nftables"]}),
             at("packages", "history", to=[{**RUN, "removed": ["nftables"]}])),
        [("package-missing", "delete", "nftables")],
    ),
    "hold": (at("packages", "held", to=["tzdata"]), [("package-held", "update", "tzdata")]),
    "by hand": (
        both(at("packages", "history", to=[{**RUN, "installed": ["nmap", "gone"]}]),
             adding("packages", "installed", item="nmap")),
        [("package-by-hand", "create", "nmap")],
    ),
    "by the toolkit, unattended, or before": (
        both(at("packages", "history", to=[
            {**RUN, "by_toolkit": True, "installed": ["a"]},
            {**RUN, "unattended": True, "installed": ["a"]},
            {**RUN, "when": 100.0, "installed": ["a"]}]),
            adding("packages", "installed", item="a")),
        [],
    ),
    "unit": (
        both(looked(drift={"units": ["ssh.service"]}),
             at("current", "units", to={"ssh.service": {"UnitFileState": "masked",
                                                        "ActiveState": "inactive"}})),
        [("service-state", "update", "ssh.service")],
    ),
    "failed": (at("system", "failed", to=["x.service"]), [("service-failed", "update", "x.service")]),
    "transient": (
        at("system", "services", to=[{"name": "run-1.service", "transient": True, "path": ""}]),
        [("service-unknown", "create", "run-1.service")],
    ),
    "planned unit file": (
        at("system", "services", to=[{"name": "hanoi-firewall.service", "transient": False,
                                      "path": "/etc/systemd/system/hanoi-firewall.service"}]),
        [],
    ),
    "kernel": (
        at("system", "settings", "net.ipv4.ip_forward", to="0"),
        [("kernel-setting", "update", "net.ipv4.ip_forward")],
    ),
    "kernel without it": (at("system", "settings", "net.ipv4.ip_forward", to=None), []),
    "machine's setting in a container": (at("system", "settings", "kernel.sysrq", to="1"), []),
    "machine's setting": (
        both(at("system", "container", to=False), at("system", "settings", "kernel.sysrq", to="1")),
        [("kernel-setting", "update", "kernel.sysrq")],
    ),
    "clock": (setting("clock", -7.0), [("clock", "update", "clock")]),
    "clock within bounds": (setting("clock", 1.5), []),
    "time zone": (
        at("system", "links", to={"/etc/localtime": "/usr/share/zoneinfo/UTC"}),
        [("time-zone", "update", "/etc/localtime")],
    ),
    "sshd": (
        at("system", "sshd", "permitrootlogin", to="yes"),
        [("ssh-in-force", "update", "permitrootlogin")],
    ),
    "opened": (
        adding("network", "rules", item=port_rule(9999, ["10.0.0.0/8"])),
        [("firewall-table", "update", "table inet hanoi"), ("opening", "create", "tcp/9999")],
    ),
    "opened to more": (
        lambda w: w["answers"]["network"]["rules"].insert(3, port_rule(22, ["192.0.2.0/24"])),
        [("opening", "update", "tcp/22")],
    ),
    "opened to all": (
        lambda w: w["answers"]["network"]["rules"].insert(
            3, rule({"match": {"left": {"payload": {"protocol": "udp", "field": "dport"}},
                               "right": 53}}, {"accept": None})),
        [("opening", "create", "udp/53")],
    ),
    "everything opened": (
        lambda w: w["answers"]["network"]["rules"].insert(3, rule({"accept": None})),
        [("opening", "create", "any port")],
    ),
    "no rules": (
        lambda w: w["answers"]["network"].update(rules=w["answers"]["network"]["rules"][:2]),
        [("firewall-table", "delete", "table inet hanoi")],
    ),
    "other table": (
        adding("network", "rules", item={"table": {"family": "inet", "name": "x"}}),
        [("firewall-rules", "create", "table inet x")],
    ),
    "other chain": (
        lambda w: w["answers"]["network"]["rules"].insert(0, {"rule": {
            "family": "ip", "table": "filter", "chain": "DOCKER-USER",
            "expr": [{"counter": {}}, {"accept": None}]}}),
        [("firewall-rules", "update", "chain ip DOCKER-USER")],
    ),
    "Docker's own rule": (
        lambda w: w["answers"]["network"]["rules"].insert(0, {"rule": {
            "family": "ip", "table": "filter", "chain": "DOCKER-USER",
            "expr": [{"counter": {}}, {"return": None}]}}),
        [],
    ),
    "listening": (
        adding("network", "listening", item={"protocol": "udp", "address": "*", "port": 69,
                                             "program": "tftpd", "pid": 7}),
        [("port-listening", "create", "udp/69")],
    ),
    "silent": (
        lambda w: w["answers"]["network"].update(
            listening=[s for s in w["answers"]["network"]["listening"] if s["port"] != 443]),
        [("port-silent", "delete", "tcp/443")],
    ),
    "container": (another_container(), [("container-unknown", "create", "intruder")]),
    "container gone": (
        without("containers", "Name", "/etcd"), [("container-missing", "delete", "etcd")],
    ),
    "paused": (
        of_container("etcd", "State", to={"Status": "paused"}),
        [("container-state", "update", "etcd")],
    ),
    "unhealthy": (
        of_container("etcd", "State", "Health", to={"Status": "unhealthy"}),
        [("container-health", "update", "etcd")],
    ),
    "restarting": (
        of_container("etcd", "State", to={"Status": "restarting"}),
        [("container-crashing", "update", "etcd")],
    ),
    "crashing": (
        both(of_container("etcd", "RestartCount", to=4), at("engine", "events", to=[
            {"action": "die", "name": "etcd", "when": 1000.0 + n} for n in range(3)])),
        [("container-crashing", "update", "etcd")],
    ),
    "of an earlier plan": (
        of_container("etcd", "Config", "Labels", to={"hanoi.spec": "x-y-z"}),
        [("container-by-hand", "replace", "etcd")],
    ),
    "by somebody": (
        of_container("etcd", "Config", "Labels", to=None),
        [("container-by-hand", "replace", "etcd")],
    ),
    "memory": (
        of_container("etcd", "HostConfig", "Memory", to=2**30),
        [("container-limits", "update", "etcd")],
    ),
    "cpus": (
        of_container("etcd", "HostConfig", "NanoCpus", to=10**9),
        [("container-limits", "update", "etcd")],
    ),
    "restart policy": (
        of_container("etcd", "HostConfig", "RestartPolicy", to={"Name": "no"}),
        [("container-restart", "update", "etcd")],
    ),
    "environment": (
        of_container("etcd", "Config", "Env", to=["PATH=/usr/bin", "DB_PASSWORD=canary"]),
        [("container-environment", "update", "etcd")],
    ),
    "command": (
        of_container("etcd", "Config", "Cmd", to=["sleep", "9"]),
        [("container-program", "update", "etcd")],
    ),
    "user": (
        of_container("etcd", "Config", "User", to=""), [("container-program", "update", "etcd")],
    ),
    "privileged": (
        of_container("etcd", "HostConfig", "Privileged", to=True),
        [("container-rights", "update", "etcd")],
    ),
    "capability": (
        of_container("etcd", "HostConfig", "CapAdd", to=["NET_ADMIN"]),
        [("container-rights", "update", "etcd")],
    ),
    "mount": (
        of_container("etcd", "Mounts", to=[]), [("container-mounts", "update", "etcd")],
    ),
    "published": (
        of_container("etcd", "HostConfig", "PortBindings", to={}),
        [("container-ports", "update", "etcd")],
    ),
    "container's network": (
        of_container("etcd", "NetworkSettings", "Networks", to={"bridge": {"IPAddress": "172.17.0.2"}}),
        [("container-network", "update", "etcd")],
    ),
    "container's log": (
        of_container("etcd", "HostConfig", "LogConfig", to={"Type": "none", "Config": {}}),
        [("container-logs", "update", "etcd")],
    ),
    "network": (
        adding("engine", "networks", item={"Name": "x", "IPAM": {"Config": []}}),
        [("network-unknown", "create", "x")],
    ),
    "network gone": (
        without("networks", "Name", "hanoi"), [("network-planned", "delete", "hanoi")],
    ),
    "subnet": (
        at("engine", "networks", 3, "IPAM", to={"Config": [{"Subnet": "10.0.0.0/24",
                                                            "Gateway": "10.0.0.1"}]}),
        [("network-planned", "replace", "hanoi")],
    ),
    "guest": (
        adding("engine", "networks", 3, "Containers", item={"x": {"Name": "guest"}}),
        [("network-guest", "update", "hanoi")],
    ),
    "volume": (adding("engine", "volumes", item={"Name": "x"}), [("volume-unknown", "create", "x")]),
    "volume gone": (
        without("volumes", "Name", "etcd-data"), [("volume-missing", "delete", "etcd-data")],
    ),
    "image": (
        adding("engine", "images", item={"Id": "sha256:1", "RepoTags": ["alpine:3"]}),
        [("image-unknown", "create", "alpine:3")],
    ),
    "image without a tag": (
        adding("engine", "images", item={"Id": "sha256:1", "RepoTags": None}), [],
    ),
    "tag": (
        lambda w: w["answers"]["engine"]["images"].append({
            "Id": "sha256:1", "RepoTags": [
                w["answers"]["engine"]["images"][0]["RepoTags"].pop(0)]}),
        [("image-tag-moved", "replace", f"hanoi/etcd:{TAGS['etcd']}")],
    ),
    "image of a container": (
        of_container("etcd", "Image", to="sha256:unknown"),
        [("container-environment", "update", "etcd"), ("container-image", "replace", "etcd")],
    ),
    "role": (
        adding("database", "roles", item={"name": "x", "super": True, "login": True}),
        [("database-role-unknown", "create", "x")],
    ),
    "role on a standby": (
        both(adding("database", "roles", item={"name": "x", "super": True, "login": True}),
             at("database", "leads", to=False)),
        [],
    ),
    "role's rights": (
        setting("inside", ("role tryton: rights",)), [("database-role", "update", "tryton")],
    ),
    "membership": (
        adding("database", "members", item={"role": "pg_read_all_data", "member": "tryton"}),
        [("database-membership", "update", "tryton")],
    ),
    "database": (
        adding("database", "databases", item="x"), [("database-unknown", "create", "x")],
    ),
    "database gone": (
        setting("inside", ("database a: missing",)), [("database", "delete", "a")],
    ),
    "alter system": (
        adding("database", "settings", item={"name": "work_mem", "setting": "1GB"}),
        [("database-setting", "update", "work_mem on nd-1")],
    ),
    "alter role": (
        adding("database", "role_settings", item={"role": "tryton", "database": "",
                                                  "names": ["work_mem"]}),
        [("database-setting", "create", "work_mem of tryton")],
    ),
    "access rule": (
        adding("database", "rules", item={
            "type": "host", "database": ["all"], "user": ["all"], "address": "192.0.2.0",
            "mask": "255.255.255.0", "method": "trust", "options": None}),
        [("database-access-rule", "create", "host all all 192.0.2.0/24 trust")],
    ),
    "one-off": (
        setting("oneoffs", ("postgres-settings",)),
        [("one-off-undone", "delete", "postgres-settings")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_told_once_and_nothing_else(name: str) -> None:
    change, expected = CASES[name]
    w = world()
    change(w)
    assert [(i, d.operation, d.name) for i, d in found(w)] == sorted(expected)


def test_every_detector_has_a_case() -> None:
    told = {i for _, expected in CASES.values() for i, _, _ in expected}
    assert told == {d.id for d in detectors()}


def test_everything_told_says_what_and_what_to_do() -> None:
    for change, _ in CASES.values():
        w = world()
        change(w)
        for _, d in found(w):
            assert len(d.what) > 8 and len(d.remedy) > 15, d
            assert "canary" not in repr(d)


def test_who_installed_a_package_is_told_by_aptitself() -> None:
    w = world()
    CASES["by hand"][0](w)
    [(_, drifted)] = found(w)
    assert drifted.by == "an (apt's history)" and drifted.when == 900.0


def test_a_file_that_belongs_to_somebody_says_so() -> None:
    w = world()
    CASES["cron"][0](w)
    [(_, drifted)] = found(w)
    assert drifted.by == "it belongs to an"


def test_a_changed_file_shows_its_diff_from_the_plan_to_the_host() -> None:
    planned = next(f.content for f in HOST.parts.files if f.path == SYSCTL)
    live = planned.replace("net.ipv4.ip_forward = 1", "net.ipv4.ip_forward = 0")
    w = world()
    differing(SYSCTL, "content", content=live)(w)
    [(_, drifted)] = found(w)
    assert "-" + "-net.ipv4.ip_forward = 1" in drifted.diff
    assert "+-net.ipv4.ip_forward = 0" in drifted.diff


def test_the_page_lists_every_kind() -> None:
    page = (paths.REPOSITORY / "docs" / "live.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+)\. \|$", page, re.MULTILINE)
    assert rows == [(d.id, d.title) for d in detectors()]
