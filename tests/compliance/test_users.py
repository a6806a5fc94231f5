"""Logins: who exists, who becomes root, who has a key."""

from __future__ import annotations

from infra.verify.checks import control, gate, look

pytestmark = [gate("infrastructure")]

SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")


def accounts(host) -> list[list[str]]:
    return [line.split(":") for line in look(host, "cat /etc/passwd").splitlines()]


def planned(target) -> set[str]:
    return {u.name for u in target.parts.users}


@control("USER-01", "CIS 5.4.2.1")
def test_one_root(host) -> None:
    """Only root has uid 0."""
    found = [a[0] for a in accounts(host) if a[2] == "0"]
    assert found == ["root"], f"uid 0: {', '.join(found)}"


@control("USER-02", "own requirement")
def test_no_unknown_login(host, target) -> None:
    """Only planned users and root have a login shell.

    Break: a user added by hand.
    """
    found = {a[0] for a in accounts(host) if a[6].rsplit("/", 1)[-1] in SHELLS}
    unknown = found - planned(target) - {"root"}
    assert not unknown, f"unknown logins: {', '.join(sorted(unknown))}"


@control("USER-03", "own requirement")
def test_planned_users_exist(host, target, plan) -> None:
    """The toolkit's user exists and may use the engine's socket."""
    user = host.user(plan.ssh_user)
    assert user.exists, f"there is no user {plan.ssh_user}"
    assert "docker" in user.groups, f"{plan.ssh_user} is not in group docker"


@control("USER-04", "CIS 5.4.1", "own requirement")
def test_no_passwords(host) -> None:
    """Nobody has a password: keys only."""
    rows = [line.split(":") for line in look(host, "cat /etc/shadow").splitlines()]
    found = [r[0] for r in rows if r[1] == "" or r[1].startswith("$")]
    assert not found, f"with a password or an empty one: {', '.join(found)}"


@control("USER-05", "CIS 5.2", "own requirement")
def test_sudo(host, target) -> None:
    """Only planned users become root by sudo.

    Break: another file in /etc/sudoers.d.
    """
    text = look(host, "cat /etc/sudoers $(find /etc/sudoers.d -type f)")
    skip = ("#", "@", "Defaults")
    rules = [
        line.split() for line in text.splitlines() if line.strip() and not line.startswith(skip)
    ]
    unknown = {r[0] for r in rules} - planned(target) - {"root", "%sudo"}
    assert not unknown, f"sudo for: {', '.join(sorted(unknown))}"
    members = look(host, "getent group sudo").strip().rsplit(":", 1)[1]
    assert not set(filter(None, members.split(","))) - planned(target), f"group sudo has {members}"


@control("USER-06", "CIS 5.2")
def test_sudoers_modes(host) -> None:
    """Sudo's files are root's and nobody else may write them."""
    found = look(host, "find /etc/sudoers /etc/sudoers.d \\( ! -user root -o -perm /022 \\)")
    assert not found.strip(), f"wrong owner or mode: {' '.join(found.split())}"


@control("USER-07", "own requirement")
def test_key_files(host, target) -> None:
    """Keys are in root's directory, for planned users only, writable by root only.

    Nobody can add a key to an account, not even its owner.
    """
    found = look(host, "find /etc/ssh/authorized_keys -type f -printf '%f %U %m\\n'")
    rows = [line.split() for line in found.splitlines()]
    assert {r[0] for r in rows} <= planned(target), f"keys for unknown users: {found.split()[::3]}"
    wrong = [r[0] for r in rows if r[1] != "0" or int(r[2], 8) & 0o022]
    assert not wrong, f"writable by others: {', '.join(wrong)}"


@control("USER-08", "own requirement")
def test_docker_group(host, target) -> None:
    """Only planned users are in group docker, which is as good as root."""
    members = look(host, "getent group docker").strip().rsplit(":", 1)[1]
    unknown = set(filter(None, members.split(","))) - planned(target)
    assert not unknown, f"unknown: {', '.join(sorted(unknown))}"


@control("USER-09", "CIS 7.1")
def test_account_files(host) -> None:
    """The account files have Debian's owners and modes."""
    for path, mode in (("/etc/passwd", 0o644), ("/etc/group", 0o644), ("/etc/shadow", 0o640)):
        file = host.file(path)
        assert file.user == "root", f"{path} belongs to {file.user}"
        assert not file.mode & ~mode, f"{path} has mode {file.mode:o}"
