"""Rendered files: content, owner and mode as planned, secrets readable by one user only."""

from __future__ import annotations

import hashlib

import pytest

from infra.verify.checks import control, gate, look

pytestmark = [gate("infrastructure", "database", "gateway", "personnel")]
pytestmark += [gate("sign-on", "online-services", "documents")]


def _digests(host, files) -> dict[str, str]:
    paths = " ".join(f"'{f.path}'" for f in files)
    lines = host.run(f"sha256sum {paths}").stdout.splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _differing(host, files, resolve) -> list[str]:
    found = _digests(host, files)
    wanted = {f.path: hashlib.sha256(resolve(f.content).encode()).hexdigest() for f in files}
    return sorted(path for path, digest in wanted.items() if found.get(path) != digest)


@control("FILE-01", "own requirement")
def test_contents(host, target) -> None:
    """Every rendered file has the planned content.

    Break: a line added to a configuration file.
    """
    files = [f for f in target.parts.files if not f.secrets]
    differing = _differing(host, files, lambda text: text)
    assert not differing, f"differ: {', '.join(differing)}"


@control("FILE-02", "own requirement")
def test_contents_with_secrets(host, target, vault) -> None:
    """Every rendered file with a secret or certificate has the planned content.

    Compared by digest; the secrets themselves stay where they are.
    Break: a certificate of another authority.
    """
    files = [f for f in target.parts.files if f.secrets]
    if not files:
        pytest.skip("no such file is planned")
    differing = _differing(host, files, vault.resolve)
    assert not differing, f"differ: {', '.join(differing)}"


@control("FILE-03", "own requirement")
def test_owners_and_modes(host, target) -> None:
    """Every rendered file has the planned owner, group and mode.

    Break: `chmod 0644` on a private key.
    """
    paths = " ".join(f"'{f.path}'" for f in target.parts.files)
    lines = host.run(f"stat -c '%a %U %u %G %g %n' {paths}").stdout.splitlines()
    found = {line.split(" ", 5)[5]: line.split(" ", 5) for line in lines}
    wrong = []
    for file in target.parts.files:
        if file.path not in found:
            wrong.append(f"{file.path} is missing")
            continue
        mode, user, uid, group, gid, _ = found[file.path]
        if int(mode, 8) != file.mode:
            wrong.append(f"{file.path} has mode {mode}")
        if file.owner not in (user, uid) or file.group not in (group, gid):
            wrong.append(f"{file.path} belongs to {user}:{group}")
    assert not wrong, "; ".join(wrong)


@control("FILE-04", "own requirement")
def test_nothing_pending(host) -> None:
    """No action of a deploy is still to be done."""
    found = host.run("ls -A /var/lib/hanoi/pending").stdout.split()
    assert not found, f"pending: {', '.join(found)}"


@control("FILE-05", "own requirement")
def test_no_unknown_configuration(host, target) -> None:
    """No file lies in a container's configuration that nobody planned."""
    directories = sorted({f"/etc/hanoi/{c.name}" for c in target.parts.containers})
    if not directories:
        pytest.skip("no container is planned")
    found = set(host.run(f"find {' '.join(directories)} -type f").stdout.splitlines())
    unknown = found - {f.path for f in target.parts.files}
    assert not unknown, f"unknown: {', '.join(sorted(unknown))}"


@control("FILE-06", "CIS 7.1.11")
def test_no_world_writable(host) -> None:
    """No file of the system's configuration can be written by everybody."""
    found = look(host, "find /etc /usr/local -xdev -type f -perm /002").split()
    assert not found, f"writable by all: {', '.join(found[:5])}"


@control("FILE-07", "own requirement")
def test_packages(host, target) -> None:
    """Every planned package is installed."""
    rows = look(host, "dpkg-query -W -f '${Package} ${db:Status-Status}\\n'").splitlines()
    there = {r.split()[0] for r in rows if r.endswith(" installed")}
    missing = sorted(set(target.parts.packages) - there)
    assert not missing, f"missing: {', '.join(missing)}"


@control("FILE-08", "own requirement")
def test_no_failed_unit(host) -> None:
    """No unit of the host has failed."""
    lines = look(host, "systemctl --failed --plain --no-legend").splitlines()
    assert not lines, f"failed: {', '.join(line.split()[0] for line in lines)}"
