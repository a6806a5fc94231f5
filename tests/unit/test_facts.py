"""The look at a host, on a host made of a temporary directory."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
from pathlib import Path
from types import ModuleType

import pytest

from infra import facts


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("host_facts")
    exec(facts._program(), module.__dict__)
    monkeypatch.setattr(module, "JOURNAL", str(tmp_path / "pending"), raising=False)
    monkeypatch.setattr(module, "PLACED", str(tmp_path / "files"), raising=False)
    monkeypatch.setattr(module, "DPKG_STATUS", str(tmp_path / "status"), raising=False)
    monkeypatch.setattr(module, "DOCKER_SOCKET", str(tmp_path / "docker.sock"), raising=False)
    return module


def described(path: Path, content: bytes, mode: str = "0644") -> dict[str, object]:
    return {
        "path": str(path),
        "sha256": hashlib.sha256(content).hexdigest(),
        "mode": mode,
        "owner": pwd.getpwuid(os.getuid()).pw_name,
        "group": str(os.getgid()),
    }


def test_a_file_differs_by_presence_content_mode_or_owner(host: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "file"
    wanted = described(path, b"text")
    assert host.files([wanted]) == [{"path": str(path), "why": "missing"}]
    path.write_bytes(b"other")
    path.chmod(0o644)
    assert host.files([wanted]) == [{"path": str(path), "why": "content"}]
    path.write_bytes(b"text")
    assert host.files([wanted]) == []
    path.chmod(0o664)
    assert host.files([wanted]) == [{"path": str(path), "why": "mode"}]
    path.chmod(0o644)
    assert host.files([wanted | {"owner": "4242"}]) == [{"path": str(path), "why": "owner"}]


def test_a_link_or_directory_in_the_files_place_is_not_the_file(
    host: ModuleType, tmp_path: Path
) -> None:
    real, link, directory = tmp_path / "real", tmp_path / "link", tmp_path / "directory"
    real.write_bytes(b"text")
    link.symlink_to(real)
    directory.mkdir()
    found = host.files([described(link, b"text"), described(directory, b"text")])
    assert [f["why"] for f in found] == ["missing", "missing"]


def test_a_package_counts_only_when_it_is_wholly_installed(
    host: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "status").write_text(
        "Package: sudo\nStatus: install ok installed\n\n"
        "Package: nftables\nStatus: deinstall ok config-files\n\n"
        "Package: tzdata\nStatus: install ok half-configured\n"
    )
    assert host.packages(["nftables", "sudo", "tzdata", "zsh"]) == ["nftables", "tzdata", "zsh"]


def test_a_user_differs_by_presence_shell_or_group(host: ModuleType) -> None:
    me = pwd.getpwuid(os.getuid())
    mine = grp.getgrgid(me.pw_gid).gr_name
    wanted = {"name": me.pw_name, "shell": me.pw_shell, "groups": [mine]}
    assert host.users([wanted]) == []
    assert host.users([wanted | {"shell": "/bin/other"}]) == [me.pw_name]
    assert host.users([wanted | {"groups": ["no-such-group"]}]) == [me.pw_name]


UNIT = {"name": "a.service", "enabled": True, "active": True, "masked": False}
RUNNING = {"LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active"}


@pytest.mark.parametrize(
    ("unit", "state", "matches"),
    [
        (UNIT, RUNNING, True),
        (UNIT, RUNNING | {"ActiveState": "failed"}, False),
        (UNIT, RUNNING | {"UnitFileState": "disabled"}, False),
        (UNIT, RUNNING | {"UnitFileState": "static"}, True),
        (UNIT, {"LoadState": "not-found"}, False),
        (UNIT | {"enabled": False, "active": False}, {"LoadState": "not-found"}, True),
        (UNIT | {"enabled": False, "active": False}, RUNNING, False),
        (UNIT | {"masked": True}, {"UnitFileState": "masked"}, True),
        (UNIT | {"masked": True}, RUNNING, False),
        # Skipped by its own condition, and tried: as active as it can be.
        (UNIT, RUNNING | {"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestampMonotonic": "5"}, True),
        (UNIT, RUNNING | {"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestampMonotonic": "0"}, False),
        (UNIT, RUNNING | {"ActiveState": "inactive", "ConditionResult": "yes", "ConditionTimestampMonotonic": "5"}, False),
    ],
)  # fmt: skip
def test_units(host: ModuleType, unit: dict, state: dict, matches: bool) -> None:
    assert host.unit_matches(unit, state) is matches


def test_pending_actions_are_moot_without_their_container_or_after_its_start(
    host: ModuleType, tmp_path: Path
) -> None:
    journal = tmp_path / "pending"
    journal.mkdir()
    for name in ("ssh", "postgres", "etcd", "forgotten"):
        (journal / name).touch()
        os.utime(journal / name, (1000, 1000))
    actions = [
        {"id": "ssh", "argv": [], "container": None},
        {"id": "postgres", "argv": [], "container": "postgres"},
        {"id": "etcd", "argv": [], "container": "etcd"},
    ]
    containers = [
        {"name": "postgres", "state": "running", "started": 900.0},
        {"name": "etcd", "state": "running", "started": 1100.0},
    ]

    def due(seen: list[dict]) -> list[str]:
        return [p["id"] for p in host.pending(actions, seen) if not p["moot"]]

    assert due(containers) == ["postgres", "ssh"]
    assert due([]) == ["ssh"]
    stopped = [containers[0] | {"state": "exited"}]
    assert due(stopped) == ["ssh"]


def test_gone_is_what_was_placed_is_there_and_is_not_wanted(
    host: ModuleType, tmp_path: Path
) -> None:
    kept, left, lost, stranger = (tmp_path / n for n in ("kept", "left", "lost", "stranger"))
    for path in (kept, left, stranger):
        path.touch()
    assert host.gone([]) == []
    (tmp_path / "files").write_text(f"{kept}\n{left}\n{lost}\n")
    assert host.gone([described(kept, b"")]) == [str(left)]


def test_only_configuration_of_containers_is_taken_away() -> None:
    answer = ANSWER | {"gone": ["/etc/hanoi/app/units.json", "/etc/sysctl.d/60-hanoi.conf"]}
    assert facts.parse("h", answer).gone == ("/etc/hanoi/app/units.json",)


def test_a_silent_engine_is_down_and_not_empty(host: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "docker.sock").touch()
    assert host.engine_info()[0] == "down"


def test_times_of_the_engine(host: ModuleType) -> None:
    assert host.seconds("2026-11-24T12:00:00.5Z") == 1795521600.5
    assert host.seconds("0001-01-01T00:00:00Z") == 0.0


ANSWER = {
    "bare": False,
    "identity": {"machine_id": "m", "engine_id": "e"},
    "engine": "up",
    "drift": {"packages": [], "users": [], "files": [], "units": []},
    "gone": [],
    "pending": [{"id": "pg", "since": 1.0, "moot": True}],
    "containers": [],
    "volumes": [],
    "networks": [],
}


def test_a_host_is_clean_when_nothing_differs_and_nothing_is_due() -> None:
    assert facts.parse("h", ANSWER).clean
    assert not facts.parse("h", ANSWER | {"bare": True}).clean
    assert not facts.parse(
        "h", ANSWER | {"pending": [{"id": "ssh", "since": 1.0, "moot": False}]}
    ).clean
    assert not facts.parse("h", ANSWER | {"gone": ["/etc/hanoi/app/units.json"]}).clean
    drift = ANSWER["drift"] | {"units": ["ssh.service"]}
    assert not facts.parse("h", ANSWER | {"drift": drift}).clean
