"""What can be wrong at a site, and the control that must notice it: one row a break.

Scripts run as root on the host. `leader` as host is the one whose database member leads.
Every heal leaves the site as it was, also when the plant only half worked.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """One planted fault.

    seen_on: the host on whose behalf the control fails (default: the host itself); title: a
    part of the check's title, where one control has several checks; pem: a certificate the
    plant reads from standard input: "foreign" or "expired"; alone: other hosts may notice it
    too, so nothing is planted there meanwhile; still: a changed file or setting that stops nothing
    and that controls of other families (SSH, USER…) do not look at, so that such breaks may be on
    one host together.
    """

    name: str
    host: str
    control: str
    plant: str
    heal: str
    seen_on: str | None = None
    title: str = ""
    pem: str | None = None
    alone: bool = False
    still: bool = False

    @property
    def family(self) -> str:
        return self.control.partition("-")[0]

    def on(self, leader: str) -> str:
        """The host it is planted on."""
        return leader if self.host == "leader" else self.host


def changed(path: str, change: str, after: str = "true") -> tuple[str, str]:
    """Plant and heal for a changed file: its copy is put back with owner and mode."""
    name = path.strip("/").replace("/", "_")
    copy = f"/root/hanoi-break/{name}"
    plant = f"mkdir -p /root/hanoi-break && cp -a {path} {copy} && {{ {change}; }} && {after}"
    heal = f"if [ -e {copy} ]; then cp -a {copy} {path} && rm {copy} && {after}; fi"
    return plant, heal


_LISTS = "/root/hanoi-break/lists"


def _unit(name: str, command: str) -> tuple[str, str]:
    """Plant and heal for a process that somebody started."""
    plant = f"systemd-run -q --unit={name} {command}; sleep 1; systemctl is-active -q {name}"
    return plant, f"systemctl stop {name}.service; systemctl reset-failed {name}.service; true"


def _file(path: str, content: str, mode: str = "0644", after: str = "true") -> tuple[str, str]:
    plant = f"umask 077; printf '%s\\n' {content} > {path} && chmod {mode} {path} && {after}"
    return plant, f"rm -f {path}; {after}"


def reload(container: str) -> str:
    """HAProxy in a container reads its file again."""
    check = "haproxy -c -q -f /etc/haproxy/haproxy.cfg && kill -USR2 1"
    return f"docker exec {container} sh -c '{check}' && sleep 1"


_RELOAD_GATEWAY = reload("gateway")
PSQL = "docker exec postgres psql -h /run/postgresql -U postgres -d postgres -XAtqc"
IMAGE = "$(docker inspect -f '{{.Image}}' database-proxy)"
_LISTENER = "/usr/bin/python3 -m http.server --bind 0.0.0.0 --directory /usr/share/doc"
RULES = "systemctl reload-or-restart hanoi-firewall.service"
_TCP = (
    "mkdir -p /etc/systemd/system/docker.service.d &&"
    " start=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/docker.service) &&"
    " printf '[Service]\\nExecStart=\\nExecStart=%s -H tcp://127.0.0.1:2375\\n' \"$start\""
    " > /etc/systemd/system/docker.service.d/zz-break.conf &&"
    " systemctl daemon-reload && systemctl restart docker.service"
)
_NO_TCP = (
    "rm -f /etc/systemd/system/docker.service.d/zz-break.conf && systemctl daemon-reload &&"
    " systemctl restart docker.service"
)
_SWAP = (
    f"image={IMAGE} && docker tag $image hanoi-break:1 && docker stop gateway &&"
    " docker rename gateway gateway-kept &&"
    " docker run -d --name gateway --entrypoint sleep hanoi-break:1 900"
)
_SWAP_BACK = (
    "if docker inspect gateway-kept >/dev/null 2>&1; then docker rm -f gateway;"
    " docker rename gateway-kept gateway; fi; docker start gateway; docker rmi hanoi-break:1; true"
)
_INTRUDER = f"docker run -d --name intruder --entrypoint sleep %s {IMAGE} 900"

BREAKS = (
    Break(
        "root may log in",
        "nd-1",
        "SSH-01",
        *_file(
            "/etc/ssh/sshd_config.d/00-break.conf",
            "'PermitRootLogin yes'",
            after="systemctl reload ssh",
        ),
        title="permitrootlogin",
        still=True,
    ),
    Break(
        "passwords are taken",
        "ddn-1",
        "SSH-02",
        *_file(
            "/etc/ssh/sshd_config.d/00-break.conf",
            "'PasswordAuthentication yes'",
            after="systemctl reload ssh",
        ),
        still=True,
    ),
    Break(
        "one more sudoer",
        "tdh-1",
        "USER-05",
        *_file("/etc/sudoers.d/zz-break", "'nobody ALL=(ALL) NOPASSWD: ALL'", "0440"),
        still=True,
    ),
    Break(
        "an unknown login",
        "nd-1",
        "USER-02",
        "useradd -M -s /bin/bash intruder",
        "userdel intruder; true",
        still=True,
    ),
    Break("the firewall is gone", "ddn-1", "FW-01", "nft delete table inet hanoi", RULES),
    Break(
        "a port is opened",
        "nd-1",
        "FW-03",
        "nft insert rule inet hanoi from-outside tcp dport 9999 accept",
        RULES,
    ),
    Break(
        "an opened port answers",
        "tdh-1",
        "PORT-01",
        "nft insert rule inet hanoi from-outside tcp dport 9999 accept && "
        + _unit("hanoi-break-open", f"{_LISTENER} 9999")[0],
        _unit("hanoi-break-open", "")[1] + f"; {RULES}",
    ),
    Break(
        "a plain-text listener",
        "ddn-1",
        "PORT-04",
        *_unit("hanoi-break-plain", f"{_LISTENER} 8081"),
    ),
    Break("the engine is on TCP", "tdh-1", "DOCK-02", _TCP, _NO_TCP),
    Break(
        "the engine is stopped",
        "ddn-1",
        "DOCK-05",
        "systemctl stop docker.socket docker.service",
        "systemctl start docker.socket docker.service",
    ),
    Break(
        "a service is not started with the host",
        "nd-1",
        "TIME-01",
        "systemctl disable -q systemd-timesyncd.service",
        "systemctl enable -q systemd-timesyncd.service",
        still=True,
    ),
    Break(
        "another time zone",
        "ddn-1",
        "TIME-02",
        "ln -sf ../usr/share/zoneinfo/UTC /etc/localtime",
        "ln -sf ../usr/share/zoneinfo/Asia/Ho_Chi_Minh /etc/localtime",
        still=True,
    ),
    Break(
        "apt's lists are gone",
        "ddn-1",
        "UPG-07",
        f"mkdir -p {_LISTS} && mv /var/lib/apt/lists/*Release {_LISTS}",
        f"if [ -d {_LISTS} ]; then mv {_LISTS}/* /var/lib/apt/lists; rmdir {_LISTS}; fi",
        still=True,
    ),
    Break(
        "no security updates",
        "tdh-1",
        "UPG-02",
        *_file("/etc/apt/apt.conf.d/99break", "'APT::Periodic::Unattended-Upgrade \"0\";'"),
        still=True,
    ),
    Break(
        "a timer is stopped",
        "nd-1",
        "UPG-03",
        "systemctl stop apt-daily-upgrade.timer",
        "systemctl start apt-daily-upgrade.timer",
        still=True,
    ),
    Break(
        "a kernel setting is changed",
        "nd-1",
        "KERN-01",
        "sysctl -qw net.ipv4.conf.all.accept_redirects=1",
        "sysctl -qw net.ipv4.conf.all.accept_redirects=0",
        still=True,
    ),
    Break(
        "the journal may fill the disk",
        "tdh-1",
        "LOG-02",
        *_file("/etc/systemd/journald.conf.d/99-break.conf", "'[Journal]' 'SystemMaxUse=80G'"),
        still=True,
    ),
    Break(
        "a configuration file is changed",
        "nd-1",
        "FILE-01",
        *changed(
            "/etc/hanoi/database-proxy/haproxy.cfg",
            "echo '# changed by hand' >> /etc/hanoi/database-proxy/haproxy.cfg",
        ),
        still=True,
    ),
    Break(
        "a certificate file is replaced",
        "ddn-1",
        "FILE-02",
        *changed("/etc/hanoi/tryton/tls.crt", "cat > /etc/hanoi/tryton/tls.crt"),
        pem="foreign",
        still=True,
    ),
    Break(
        "a password file may be read by its group",
        "tdh-1",
        "FILE-03",
        "chmod 0440 /etc/hanoi/tryton/admin/tt-thong-tin",
        "chmod 0400 /etc/hanoi/tryton/admin/tt-thong-tin",
        still=True,
    ),
    Break(
        "a private key may be read by all",
        "nd-1",
        "SEC-01",
        "chmod 0444 /etc/docker/certs.d/*/client.key",
        "chmod 0400 /etc/docker/certs.d/*/client.key",
        still=True,
    ),
    Break(
        "a gateway with a foreign certificate",
        "tdh-1",
        "TLS-01",
        *changed("/etc/hanoi/gateway/tls.pem", "cat > /etc/hanoi/gateway/tls.pem", _RELOAD_GATEWAY),
        title="gateway",
        pem="foreign",
    ),
    Break(
        "a gateway with an expired certificate",
        "ddn-1",
        "TLS-02",
        *changed("/etc/hanoi/gateway/tls.pem", "cat > /etc/hanoi/gateway/tls.pem", _RELOAD_GATEWAY),
        title="gateway",
        pem="expired",
    ),
    Break(
        "a gateway in plain text",
        "nd-1",
        "TLS-04",
        *changed(
            "/etc/hanoi/gateway/haproxy.cfg",
            "sed -i 's/^    bind :10443 ssl .*/    bind :10443/' /etc/hanoi/gateway/haproxy.cfg",
            _RELOAD_GATEWAY,
        ),
        title="gateway",
    ),
    Break(
        "a container is stopped",
        "tdh-1",
        "CONT-01",
        "docker stop gateway",
        "docker start gateway",
        title="gateway",
    ),
    Break("a container of another image", "ddn-1", "CONT-03", _SWAP, _SWAP_BACK, title="gateway"),
    Break("an unknown container", "nd-1", "CONT-20", _INTRUDER % "", "docker rm -f intruder; true"),
    Break(
        "a password in an environment",
        "tdh-1",
        "SEC-02",
        _INTRUDER % "-e DB_PASSWORD=planted",
        "docker rm -f intruder; true",
    ),
    Break(
        "a member of etcd is stopped",
        "tdh-1",
        "ETCD-02",
        "docker stop etcd",
        "docker start etcd",
        seen_on="nd-1",
        alone=True,
    ),
    Break(
        "a member of the database is stopped",
        "ddn-1",
        "PG-21",
        "docker stop postgres",
        "docker start postgres",
        seen_on="tdh-1",
        alone=True,
    ),
    Break(
        "the database's proxy is stopped",
        "tdh-1",
        "BEHAVE-01",
        "docker stop database-proxy",
        "docker start database-proxy",
        alone=True,
    ),
    Break(
        "a rule lets clients in without TLS",
        "nd-1",
        "PG-26",
        'docker exec postgres sh -c \'echo "host all all 192.0.2.1/32 trust"'
        " >> /var/lib/postgresql/data/pg_hba.conf'",
        "docker exec postgres sed -i /192.0.2.1/d /var/lib/postgresql/data/pg_hba.conf",
    ),
    Break(
        "a database is open to everybody",
        "leader",
        "PG-29",
        f"{PSQL} 'grant connect on database personnel_tt_thong_tin to public'",
        f"{PSQL} 'revoke connect on database personnel_tt_thong_tin from public'",
    ),
    Break(
        "one more superuser",
        "leader",
        "PG-28",
        f"{PSQL} 'create role intruder superuser'",
        f"{PSQL} 'drop role if exists intruder'",
    ),
)


def rounds(leader: str, breaks: tuple[Break, ...] = BREAKS) -> tuple[tuple[Break, ...], ...]:
    """Breaks that are planted together: on a host one, or still ones of different families; each
    with a control of its own. The ones that other hosts may notice come last, each alone."""
    found: list[list[Break]] = []
    for planted in (b for b in breaks if not b.alone):
        for others in found:
            if all(_apart(planted, other, leader) for other in others):
                others.append(planted)
                break
        else:
            found.append([planted])
    return (*map(tuple, found), *((b,) for b in breaks if b.alone))


def _apart(one: Break, other: Break, leader: str) -> bool:
    """Whether neither can be taken for the other."""
    if one.control == other.control:
        return False
    still = one.still and other.still and one.family != other.family
    return still or one.on(leader) != other.on(leader)
