"""What somebody may change on a host, and the detector that must name it: one row a drift.

Scripts run as root on the host. `leader` as host is the one whose database member leads. None
disturbs another: all of them are planted at once. Every heal leaves the host as it was, also
when the plant only half worked.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Drift:
    """One planted change. found: (detector, name of the thing) that the report must hold; by:
    whether the host's own record must name who did it."""

    name: str
    host: str
    found: tuple[tuple[str, str], ...]
    plant: str
    heal: str
    by: bool = False


KEPT = "/root/hanoi-drift"
_PSQL = "docker exec postgres psql -h /run/postgresql -U postgres -XAtq -v ON_ERROR_STOP=1"
_IMAGE = "$(docker inspect -f '{{.Image}}' database-proxy)"
_RULES = "systemctl reload-or-restart hanoi-firewall.service"
_ROLE = "personnel_tt_thong_tin"  # of a database with the same name
_TAG = "$(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep '^hanoi/tryton:')"
_PUSHED = "$(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep ':5000/hanoi/tryton:')"


def _file(path: str, content: str, mode: str = "0644") -> tuple[str, str]:
    directory = path.rsplit("/", 1)[0]
    plant = f"mkdir -p {directory} && printf '%s\\n' '{content}' > {path} && chmod {mode} {path}"
    return plant, f"rm -f {path}"


def _kept(path: str, change: str) -> tuple[str, str]:
    copy = f"{KEPT}/{path.strip('/').replace('/', '_')}"
    plant = f"mkdir -p {KEPT} && cp -a {path} {copy} && {change}"
    return plant, f"if [ -e {copy} ]; then cp -a {copy} {path} && rm {copy}; fi"


def _new(detector: str, host: str, path: str, content: str, mode: str = "0644") -> Drift:
    return Drift(
        f"a new file: {path}",
        host,
        ((detector, path),),
        *_file(path, content, mode),
        by=True,
    )


DRIFTS = (
    Drift(
        "a rendered file is changed",
        "nd-1",
        (("file-content", "/etc/hanoi/database-proxy/haproxy.cfg"),),
        *_kept(
            "/etc/hanoi/database-proxy/haproxy.cfg",
            "echo '# changed by hand' >> /etc/hanoi/database-proxy/haproxy.cfg",
        ),
        by=True,
    ),
    Drift(
        "a rendered file is removed",
        "tdh-1",
        (("file-missing", "/etc/systemd/timesyncd.conf.d/10-hanoi.conf"),),
        *_kept(
            "/etc/systemd/timesyncd.conf.d/10-hanoi.conf",
            "rm /etc/systemd/timesyncd.conf.d/10-hanoi.conf",
        ),
        by=True,
    ),
    Drift(
        "a rendered file may be written by all",
        "ddn-1",
        (("file-mode", "/etc/apt/apt.conf.d/60hanoi-upgrades"),),
        "chmod 0666 /etc/apt/apt.conf.d/60hanoi-upgrades",
        "chmod 0644 /etc/apt/apt.conf.d/60hanoi-upgrades",
        by=True,
    ),
    Drift(
        "a rendered file belongs to another",
        "nd-1",
        (("file-owner", "/etc/sysctl.d/60-hanoi.conf"),),
        "chown nobody /etc/sysctl.d/60-hanoi.conf",
        "chown root:root /etc/sysctl.d/60-hanoi.conf",
        by=True,
    ),
    Drift(
        "a reload was never done",
        "tdh-1",
        (("action-due", "time-zone"),),
        "touch /var/lib/hanoi/pending/time-zone",
        "rm -f /var/lib/hanoi/pending/time-zone",
    ),
    _new("file-in-own-directory", "tdh-1", "/etc/hanoi/gateway/notes.txt", "remember"),
    _new("ssh-keys-file", "nd-1", "/etc/ssh/authorized_keys/nobody", "# none"),
    _new("sudo-rule", "tdh-1", "/etc/sudoers.d/zz-drift", "games ALL=(ALL) ALL", "0440"),
    _new("kernel-settings-file", "ddn-1", "/etc/sysctl.d/99-drift.conf", "vm.swappiness = 60"),
    _new("apt-settings", "tdh-1", "/etc/apt/apt.conf.d/99drift", "Quiet \"0\";"),
    _new(
        "systemd-override",
        "ddn-1",
        "/etc/systemd/system/docker.service.d/zz-drift.conf",
        "[Unit]",
    ),
    _new("systemd-settings", "nd-1", "/etc/systemd/journald.conf.d/99-drift.conf", "[Journal]"),
    _new("cron-job", "tdh-1", "/etc/cron.d/drift", "# 0 3 * * * root /bin/true"),
    _new("engine-files", "ddn-1", "/etc/docker/drift.json", "{}"),
    _new("preload", "nd-1", "/etc/ld.so.conf.d/drift.conf", "/opt/drift"),
    _new("login-script", "tdh-1", "/etc/profile.d/drift.sh", "# nothing"),
    Drift(
        "another setting of SSH",
        "ddn-1",
        (
            ("ssh-settings", "/etc/ssh/sshd_config.d/00-drift.conf"),
            ("ssh-in-force", "maxauthtries"),
        ),
        *_file("/etc/ssh/sshd_config.d/00-drift.conf", "MaxAuthTries 9"),
        by=True,
    ),
    Drift(
        "an unknown login",
        "ddn-1",
        (("login-unknown", "drifter"),),
        "useradd -M -s /bin/bash drifter",
        "userdel drifter; true",
        by=True,
    ),
    Drift(
        "another shell",
        "nd-1",
        (("login-planned", "hanoi"),),
        "usermod -s /bin/sh hanoi",
        "usermod -s /bin/bash hanoi",
        by=True,
    ),
    Drift(
        "one more in group docker",
        "tdh-1",
        (("group-member", "games"),),
        "gpasswd -a games docker >/dev/null",
        "gpasswd -d games docker; true",
        by=True,
    ),
    Drift(
        "a login with a password",
        "nd-1",
        (("password", "games"),),
        "usermod -p '$6$drift$drift' games",
        "usermod -p '*' games",
        by=True,
    ),
    Drift(
        "keys in a home directory",
        "tdh-1",
        (("own-keys", "/home/hanoi/.ssh/authorized_keys"),),
        *_file("/home/hanoi/.ssh/authorized_keys", "ssh-ed25519 AAAAdrift drift"),
        by=True,
    ),
    Drift(
        "a package on hold",
        "tdh-1",
        (("package-held", "tzdata"),),
        "apt-mark hold tzdata >/dev/null",
        "apt-mark unhold tzdata >/dev/null",
        by=True,
    ),
    Drift(
        "a package by hand",
        "ddn-1",
        (("package-by-hand", "tree"),),
        "apt-get -q -o DPkg::Lock::Timeout=60 install -y tree >/dev/null 2>&1",
        "apt-get -q -o DPkg::Lock::Timeout=60 purge -y tree >/dev/null 2>&1; true",
        by=True,
    ),
    Drift(
        "a timer is stopped",
        "nd-1",
        (("service-state", "apt-daily-upgrade.timer"),),
        "systemctl stop apt-daily-upgrade.timer",
        "systemctl start apt-daily-upgrade.timer",
        by=True,
    ),
    Drift(
        "a failed service",
        "tdh-1",
        (("service-failed", "drift-failed.service"),),
        "systemd-run -q --unit=drift-failed /bin/false; sleep 0.3",
        "systemctl reset-failed drift-failed.service; true",
        by=True,
    ),
    Drift(
        "a service by hand that listens",
        "ddn-1",
        (("service-unknown", "drift-listens.service"), ("port-listening", "tcp/8081")),
        "systemd-run -q --unit=drift-listens /usr/bin/python3 -m http.server --bind 0.0.0.0"
        " --directory /usr/share/doc 8081; sleep 1",
        "systemctl stop drift-listens.service; true",
        by=True,
    ),
    Drift(
        "a kernel setting",
        "nd-1",
        (("kernel-setting", "net.ipv4.conf.all.accept_redirects"),),
        "sysctl -qw net.ipv4.conf.all.accept_redirects=1",
        "sysctl -qw net.ipv4.conf.all.accept_redirects=0",
        by=True,
    ),
    Drift(
        "another time zone",
        "ddn-1",
        (("time-zone", "/etc/localtime"),),
        "ln -sf ../usr/share/zoneinfo/UTC /etc/localtime",
        "ln -sf ../usr/share/zoneinfo/Asia/Ho_Chi_Minh /etc/localtime",
        by=True,
    ),
    Drift(
        "an opened port",
        "nd-1",
        (("opening", "tcp/9999"),),
        "nft insert rule inet hanoi from-outside tcp dport 9999 accept",
        _RULES,
        by=True,
    ),
    Drift(
        "a table of rules",
        "tdh-1",
        (("firewall-rules", "table ip drift"),),
        "nft add table ip drift",
        "nft delete table ip drift; true",
        by=True,
    ),
    Drift(
        "the firewall is gone",
        "ddn-1",
        (("firewall-table", "table inet hanoi"),),
        "nft delete table inet hanoi",
        _RULES,
        by=True,
    ),
    Drift(
        "an unknown container on the containers' network",
        "tdh-1",
        (("container-unknown", "drift-guest"), ("network-guest", "hanoi")),
        f"docker run -d --name drift-guest --network hanoi --entrypoint sleep {_IMAGE} 900",
        "docker rm -f drift-guest; true",
        by=True,
    ),
    Drift(
        "a container that ends again and again",
        "nd-1",
        (("container-crashing", "drift-crashes"),),
        f"docker run -d --restart=always --name drift-crashes --entrypoint false {_IMAGE};"
        " sleep 2",
        "docker rm -f drift-crashes; true",
    ),
    Drift(
        "a container is stopped",
        "tdh-1",
        (("container-state", "gateway"),),
        "docker stop gateway",
        "docker start gateway",
        by=True,
    ),
    Drift(
        "more memory by docker update",
        "nd-1",
        (("container-limits", "gateway"),),
        f"mkdir -p {KEPT} && docker inspect -f '{{{{.HostConfig.Memory}}}}' gateway >"
        f" {KEPT}/memory && docker update --memory 333m --memory-swap 333m gateway",
        f"if [ -e {KEPT}/memory ]; then m=$(cat {KEPT}/memory);"
        f" docker update --memory $m --memory-swap $m gateway && rm {KEPT}/memory; fi",
        by=True,
    ),
    Drift(
        "another restart policy",
        "ddn-1",
        (("container-restart", "database-proxy"),),
        "docker update --restart=no database-proxy",
        "docker update --restart=unless-stopped database-proxy",
        by=True,
    ),
    Drift(
        "a container made again by hand, with the toolkit's labels",
        "ddn-1",
        (
            ("container-environment", "gateway"),
            ("container-program", "gateway"),
            ("container-rights", "gateway"),
            ("container-mounts", "gateway"),
            ("container-ports", "gateway"),
            ("container-network", "gateway"),
            ("container-unknown", "gateway-kept"),
        ),
        "docker stop gateway && docker rename gateway gateway-kept && docker run -d --name"
        " gateway --label hanoi.managed=true --label hanoi.spec=$(docker inspect -f"
        " '{{index .Config.Labels \"hanoi.spec\"}}' gateway-kept) -e DRIFT_PASSWORD=canary-4711"
        f" --entrypoint sleep {_IMAGE} 900",
        "if docker inspect gateway-kept >/dev/null 2>&1; then docker rm -f gateway;"
        " docker rename gateway-kept gateway; fi; docker start gateway",
        by=True,
    ),
    Drift(
        "a network and a guest of it",
        "nd-1",
        (("network-unknown", "drift-net"), ("container-network", "database-proxy")),
        "docker network create --subnet 10.213.7.0/28 drift-net &&"
        " docker network connect drift-net database-proxy",
        "docker network disconnect -f drift-net database-proxy; docker network rm drift-net; true",
        by=True,
    ),
    Drift(
        "a volume",
        "nd-1",
        (("volume-unknown", "drift-data"),),
        "docker volume create drift-data",
        "docker volume rm drift-data; true",
        by=True,
    ),
    Drift(
        "an image, and a content tag that names another one",
        "nd-1",
        (("image-unknown", "drift:1"), ("image-tag-moved", "hanoi/tryton")),
        f"docker tag {_IMAGE} drift:1 && docker tag {_IMAGE} {_TAG}",
        f"docker tag {_PUSHED} {_TAG}; docker rmi drift:1; true",
        by=True,
    ),
    Drift(
        "a superuser of the database",
        "leader",
        (("database-role-unknown", "drifter"),),
        f"{_PSQL} -c 'create role drifter superuser'",
        f"{_PSQL} -c 'drop role if exists drifter'",
        by=True,
    ),
    Drift(
        "more rights for a planned role",
        "leader",
        (("database-role", _ROLE), ("database-membership", _ROLE)),
        f"{_PSQL} -c 'alter role {_ROLE} createrole' -c 'grant pg_read_all_data to {_ROLE}'",
        f"{_PSQL} -c 'alter role {_ROLE} nocreaterole' -c 'revoke pg_read_all_data from {_ROLE}'",
        by=True,
    ),
    Drift(
        "a database",
        "leader",
        (("database-unknown", "drift"),),
        f"{_PSQL} -c 'create database drift'",
        f"{_PSQL} -c 'drop database if exists drift'",
        by=True,
    ),
    Drift(
        "a database open to everybody",
        "leader",
        (("database", "personnel_tt_thong_tin"),),
        f"{_PSQL} -c 'grant connect on database personnel_tt_thong_tin to public'",
        f"{_PSQL} -c 'revoke connect on database personnel_tt_thong_tin from public'",
        by=True,
    ),
    Drift(
        "settings of the database",
        "leader",
        (("database-setting", "log_min_duration_statement on "), ("database-setting", "work_mem")),
        f"{_PSQL} -c \"alter system set log_min_duration_statement = '9s'\""
        f" -c \"alter role {_ROLE} set work_mem = '5MB'\"",
        f"{_PSQL} -c 'alter system reset log_min_duration_statement'"
        f" -c 'alter role {_ROLE} reset work_mem'",
        by=True,
    ),
    Drift(
        "a rule lets clients in without TLS",
        "nd-1",
        (("database-access-rule", "host all all 192.0.2.1/32 trust"),),
        'docker exec postgres sh -c \'echo "host all all 192.0.2.1/32 trust"'
        " >> /var/lib/postgresql/data/pg_hba.conf'",
        "docker exec postgres sed -i /192.0.2.1/d /var/lib/postgresql/data/pg_hba.conf",
        by=True,
    ),
)  # fmt: skip
