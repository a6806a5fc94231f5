"""Kernel settings: those of the host's own network, and those of the whole machine.

The first belong to a network namespace and hold everywhere, in the lab's hosts too. The
second are one for the machine: a unit applies them where the host is the machine, and is
skipped in a container (ConditionVirtualization). Verify must do the same: look at MACHINE
only where `systemd-detect-virt --container` says none. A setting that the kernel does not
have (no IPv6, say) is passed over by the leading "-" of sysctl.d(5).
"""

from __future__ import annotations

from infra.resources import Action, File, Parts, Unit
from infra.services import HostContext, on_host, render

NETWORK_FILE = "/etc/sysctl.d/60-hanoi.conf"
MACHINE_FILE = "/etc/hanoi/machine.sysctl"
SERVICE = "hanoi-machine.service"

NETWORK: tuple[tuple[str, int, str], ...] = (
    ("net.ipv4.ip_forward", 1, "containers"),
    ("net.ipv4.conf.all.rp_filter", 1, "no forged source addresses"),
    ("net.ipv4.conf.default.rp_filter", 1, "no forged source addresses"),
    ("net.ipv4.conf.all.accept_redirects", 0, "routes come from the administrators"),
    ("net.ipv4.conf.default.accept_redirects", 0, "routes come from the administrators"),
    ("net.ipv4.conf.all.secure_redirects", 0, "routes come from the administrators"),
    ("net.ipv4.conf.all.send_redirects", 0, "the host is no router for others"),
    ("net.ipv4.conf.default.send_redirects", 0, "the host is no router for others"),
    ("net.ipv4.conf.all.accept_source_route", 0, "the sender does not choose the route"),
    ("net.ipv4.conf.default.accept_source_route", 0, "the sender does not choose the route"),
    ("net.ipv4.conf.all.log_martians", 1, "impossible addresses are logged"),
    ("net.ipv4.icmp_echo_ignore_broadcasts", 1, "no amplification"),
    ("net.ipv4.icmp_ignore_bogus_error_responses", 1, "quiet logs"),
    ("net.ipv4.tcp_syncookies", 1, "SYN floods"),
    ("net.ipv4.tcp_keepalive_time", 120, "a dead peer of the database is noticed"),
    ("net.ipv4.tcp_keepalive_intvl", 10, "a dead peer of the database is noticed"),
    ("net.ipv4.tcp_keepalive_probes", 6, "a dead peer of the database is noticed"),
    ("net.core.somaxconn", 4096, "bursts at the gateways"),
    ("net.ipv6.conf.all.accept_redirects", 0, "routes come from the administrators"),
    ("net.ipv6.conf.default.accept_redirects", 0, "routes come from the administrators"),
    ("net.ipv6.conf.all.accept_source_route", 0, "the sender does not choose the route"),
)
MACHINE: tuple[tuple[str, int, str], ...] = (
    ("kernel.kptr_restrict", 2, "no kernel addresses"),
    ("kernel.dmesg_restrict", 1, "the kernel's log is root's"),
    ("kernel.unprivileged_bpf_disabled", 1, "no BPF for users"),
    ("net.core.bpf_jit_harden", 2, "no JIT spraying"),
    ("kernel.yama.ptrace_scope", 1, "processes do not read each other"),
    ("kernel.randomize_va_space", 2, "address space layout is random"),
    ("kernel.sysrq", 0, "no console shortcuts"),
    ("fs.protected_hardlinks", 1, "no links to others' files"),
    ("fs.protected_symlinks", 1, "no links to others' files"),
    ("fs.protected_fifos", 2, "no planted pipes"),
    ("fs.protected_regular", 2, "no planted files"),
    ("fs.suid_dumpable", 0, "no memory dumps of privileged programs"),
    ("vm.swappiness", 10, "the database stays in memory"),
)


@on_host("infrastructure")
def build(context: HostContext) -> Parts:
    def settings(values: tuple[tuple[str, int, str], ...]) -> str:
        return render("sysctl.conf.j2", package="infra.host", settings=values)

    service = render("machine.service.j2", package="infra.host", settings=MACHINE_FILE)
    reload = f"systemctl daemon-reload && systemctl restart {SERVICE}"
    return Parts(
        files=(
            File(NETWORK_FILE, settings(NETWORK), actions=("network-settings",)),
            File(MACHINE_FILE, settings(MACHINE), actions=("machine-settings",)),
            File(f"/etc/systemd/system/{SERVICE}", service, actions=("machine-settings",)),
        ),
        units=(Unit(SERVICE),),
        actions=(
            Action("network-settings", ("/usr/lib/systemd/systemd-sysctl", NETWORK_FILE)),
            Action("machine-settings", ("/bin/sh", "-c", reload)),
        ),
    )
