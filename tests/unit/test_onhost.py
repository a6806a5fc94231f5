"""The programs that are put to hosts, on a host made of a temporary directory."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import paths
from infra.live import onhost
from infra.live.onhost import current, directories, network, packages, underway, who

MODULES = sorted(
    p.stem for p in (paths.PACKAGE / "live" / "onhost").glob("*.py") if p.stem != "__init__"
)


@pytest.mark.parametrize("name", MODULES)
def test_a_program_needs_nothing_but_the_standard_library(name: str) -> None:
    """It is sent as text: an import of ours would fail on the host."""
    program = onhost._source(name)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "def look(wanted: dict[str, Any], facts: Any)" in program


def ask(modules: dict[str, str]) -> dict[str, Any]:
    """Run the main program as a host does."""
    payload = {"facts": onhost._facts(), "modules": modules, "wanted": {"x": 1}}
    program = f"payload = {payload!r}\n{onhost._MAIN}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_modules_answer_by_themselves_and_a_failure_takes_none_along() -> None:
    good = "def look(wanted, facts): return [wanted['x'], facts.seconds('0001-01-01T00:00:00Z')]"
    bad = "def look(wanted, facts): raise OSError('no such thing\\nmore')"
    assert ask({"good": good, "bad": bad}) == {
        "good": {"seen": [1, 0.0]},
        "bad": {"failed": "OSError: no such thing"},
    }


def test_a_closed_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("secret")
    found = current.file(str(path), True, 100)
    assert found["kind"] == "file" and found["size"] == 6
    assert found["content"] is None and "sha256" not in found
    assert current.file(str(path), False, 100)["content"] == "secret"
    assert current.file(str(path), False, 5)["content"] is None
    path.write_bytes(b"\xff\xfe")
    assert current.file(str(path), False, 100)["content"] is None
    path.unlink()
    assert current.file(str(path), False, 100) == {"kind": "absent"}
    path.symlink_to("/etc/passwd")
    assert current.file(str(path), False, 100)["kind"] == "link"
    assert current.file(str(path), False, 100)["content"] is None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose toolkit came after some files, and one of whose packages brought another."""
    (tmp_path / "settings").mkdir()
    (tmp_path / "dpkg").mkdir()
    (tmp_path / "settings" / "old").touch()
    time.sleep(0.05)
    (tmp_path / "own").mkdir()
    # The birth of a directory has whole seconds only; its change does not.
    monkeypatch.setattr(directories, "since", lambda path: os.stat(path).st_ctime)
    monkeypatch.setattr(directories, "OWN_DIRECTORY", str(tmp_path / "own"))
    monkeypatch.setattr(directories, "LISTS", str(tmp_path / "dpkg" / "*.list"))
    time.sleep(0.05)
    for name in ("planned", "packaged", "by-hand", ".by-hand.hanoi-new"):
        (tmp_path / "settings" / name).write_text(name)
    (tmp_path / "settings" / "link").symlink_to("/dev/null")
    (tmp_path / "dpkg" / "a.list").write_text(f"/.\n{tmp_path}/settings/packaged\n")
    return tmp_path


def test_files_beside_packages_and_plan_since_the_toolkit_came(host: Path) -> None:
    wanted = {
        "directories": [str(host / "settings"), str(host / "none")],
        "planned": [str(host / "settings" / "planned")],
    }
    found = directories.look(wanted, None)["files"]
    assert [(Path(f["path"]).name, f["target"]) for f in found] == [
        ("by-hand", None),
        ("link", "/dev/null"),
    ]


def test_a_directory_that_is_a_file(host: Path) -> None:
    path = str(host / "settings" / "by-hand")
    found = directories.look({"directories": [path], "planned": []}, None)["files"]
    assert [f["path"] for f in found] == [path]


def test_since_is_when_the_directory_was_made(tmp_path: Path) -> None:
    assert abs(directories.since(str(tmp_path)) - time.time()) < 60
    assert directories.since(str(tmp_path / "none")) == 0.0


HISTORY = """
Start-Date: 2026-11-25  14:35:35
Commandline: /usr/bin/apt-get -y -o Dpkg::Options::=--force-confdef install docker.io=26.1
Requested-By: hanoi (1000)
Install: containerd:amd64 (1.7, automatic), docker.io:amd64 (26.1)
End-Date: 2026-11-25  14:35:54

Start-Date: 2026-11-25  15:00:00
Commandline: apt install nmap
Requested-By: an (1001)
Install: nmap:amd64 (7.95), liblua5.4-0:amd64 (5.4, automatic)
Remove: chrony:amd64 (4.6), old:amd64 (1)
"""


def test_the_history_of_apt(tmp_path: Path) -> None:
    file = tmp_path / "history.log"
    file.write_text(HISTORY)
    toolkit, by_hand = packages.history([str(file)])
    assert (toolkit["by"], toolkit["by_toolkit"], toolkit["installed"]) == (
        "hanoi", True, ["docker.io"],
    )  # fmt: skip
    assert (by_hand["by"], by_hand["by_toolkit"]) == ("an", False)
    assert (by_hand["installed"], by_hand["removed"]) == (["nmap"], ["chrony", "old"])
    assert by_hand["when"] - toolkit["when"] == 1465


def test_held_packages(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(
        "Package: sudo\nStatus: hold ok installed\n\n"
        "Package: tzdata\nStatus: install ok installed\n\n"
        "Package: gone\nStatus: deinstall ok config-files\n"
    )
    assert packages.states(str(tmp_path / "status")) == (["sudo", "tzdata"], ["sudo"])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1160,fd=6))',
         ("tcp", "0.0.0.0", 22, "sshd", 1160)),
        ("udp UNCONN 0 0 [::]:5355 [::]:*", ("udp", "[::]", 5355, "", 0)),
        ("tcp LISTEN 0 4096 127.0.0.1:36033 0.0.0.0:*", None),
        ("tcp LISTEN 0 4096 [::1]:631 [::]:*", None),
        ("udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*", None),
    ],
)  # fmt: skip
def test_what_listens(line: str, found: tuple[Any, ...] | None) -> None:
    socket = network.socket(line)
    assert (tuple(socket.values()) if socket else None) == found


def test_a_lock_is_seen_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = {"who": "an@office", "pid": os.getpid(), "command": "hanoi deploy", "since": "12:00"}
    assert underway.holder(str(path)) is None
    path.write_text(json.dumps(holder))
    assert underway.holder(str(path)) is None, "the file stays; only the lock counts"
    with path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert underway.holder(str(path)) == holder
        # Whoever asks has not disturbed the one who asks for it in earnest.
        fcntl.flock(stream, fcntl.LOCK_UN)
    assert underway.holder(str(path)) is None


# Who it was

NOW = 1_000_000.0


def command(user: str, text: str, when: float, until: float | None = None) -> dict[str, Any]:
    return {"user": user, "command": text, "when": when, "pid": "1", "until": until}


def asked(words: list[str], when: float | None = NOW, since: float = 0.0) -> dict[str, Any]:
    return {"words": words, "when": when, "since": since}


def told(
    monkeypatch: pytest.MonkeyPatch, commands: list[Any], logins: list[Any], question: Any
) -> str:
    monkeypatch.setattr(who, "sudo", lambda: commands)
    monkeypatch.setattr(who, "accepted", lambda: logins)
    return who.look({"asked": {"k": question}}, None).get("k", "")


FILE = "/etc/hosts.allow"
VI = command("an", f"/usr/bin/vi {FILE}", NOW - 30)
DEPLOY = command("hanoi", "/bin/sh -c 'echo BECOME-SUCCESS-x ; python3'", NOW - 5)
LOOK = command(
    "hanoi",
    f"python3 -I -c import sys,json;i=sys.stdin.buffer;s=i.read(int(i.readline())) {FILE}",
    NOW,
)
LOGIN = {"user": "binh", "from": "10.0.0.7", "when": NOW - 600}


@pytest.mark.parametrize(
    ("commands", "logins", "question", "expected"),
    [
        ([VI], [], asked([FILE]), "probably: an by sudo vi at "),
        ([VI], [], asked([FILE], when=None), "probably: an by sudo vi at "),
        # Long before the change, or before the toolkit came: not that one.
        ([command("an", f"vi {FILE}", NOW - 5000)], [], asked([FILE]), ""),
        ([VI], [], asked([FILE], when=None, since=NOW), ""),
        # Another file whose name begins alike.
        ([command("an", f"vi {FILE}.bak", NOW)], [], asked([FILE]), ""),
        ([command("an", f"vi {FILE}-old", NOW)], [], asked([FILE]), ""),
        # The last one that names it counts.
        ([VI, command("binh", f"tee {FILE}", NOW - 1)], [], asked([FILE]), "probably: binh by sudo tee"),
        # A root shell names nothing; it was open, and that is all that is known.
        ([command("an", "/bin/bash", NOW - 900, NOW + 9)], [], asked([FILE]),
         "possibly: an, who had a root shell"),
        ([command("an", "/bin/bash", NOW - 900, NOW - 9)], [], asked([FILE]), ""),
        # A long editor session that ended after the change.
        ([command("an", f"vi {FILE}", NOW - 900, NOW + 9)], [], asked([FILE]), "probably: an by sudo vi"),
        ([DEPLOY], [LOGIN], asked([FILE]), "probably: a deploy, as hanoi"),
        # The toolkit's own look is nobody's change.
        ([LOOK], [], asked([FILE]), ""),
        ([], [LOGIN], asked([FILE]), "possibly: binh from 10.0.0.7, logged in within the hour"),
        ([], [LOGIN], asked([FILE], when=None), ""),
        ([], [{**LOGIN, "when": NOW - 9000}], asked([FILE]), ""),
        ([], [], asked([FILE]), ""),
    ],
)  # fmt: skip
def test_who_it_was(
    monkeypatch: pytest.MonkeyPatch, commands: Any, logins: Any, question: Any, expected: str
) -> None:
    found = told(monkeypatch, commands, logins, question)
    assert found.startswith(expected) and bool(found) == bool(expected), found


def test_a_command_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    password = command("an", f"/usr/bin/mysql -pcanary-4711 {FILE}", NOW)
    assert told(monkeypatch, [password], [], asked([FILE])).startswith("probably: an by sudo mysql")
    assert "canary" not in told(monkeypatch, [password], [], asked([FILE]))


def entry(message: str, uid: int, pid: int = 7, when: float = NOW) -> dict[str, str]:
    return {
        "MESSAGE": message, "_UID": str(uid), "_PID": str(pid),
        "__REALTIME_TIMESTAMP": str(int(when * 1e6)),
    }  # fmt: skip


def test_sudos_entries_in_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"an": SimpleNamespace(pw_uid=1001), "binh": SimpleNamespace(pw_uid=1002)}
    monkeypatch.setattr(who.pwd, "getpwnam", lambda name: users[name])
    said = "TTY=pts/0 ; PWD=/home/x ; USER=root ; COMMAND="
    entries = [
        entry(f"   an : {said}/usr/bin/vi /etc/x", 1001),
        entry("   an : (command continued) /etc/y", 1001),
        entry("pam_unix(sudo:session): session closed for user root", 1001, when=NOW + 60),
        # Whoever writes to the journal under sudo's name is not believed.
        entry(f"   an : {said}/usr/bin/rm /etc/x", 1002, 8),
        entry(f"   nobody-known : {said}/usr/bin/rm /etc/x", 1002, 9),
        entry(f"   binh : {said}/bin/bash", 0, 10),
    ]
    monkeypatch.setattr(who, "journal", lambda *matches: entries)
    assert [(c["user"], c["command"], c["until"]) for c in who.sudo()] == [
        ("an", "/usr/bin/vi /etc/x /etc/y", NOW + 60),
        ("binh", "/bin/bash", None),
    ]


def test_logins_in_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "Accepted publickey for an from 10.0.0.7 port 53514 ssh2: ED25519 SHA256:abc"
    monkeypatch.setattr(
        who, "journal", lambda *m: [entry(message, 0), entry("Server listening", 0)]
    )
    assert who.accepted() == [{"user": "an", "from": "10.0.0.7", "when": NOW}]
