"""The lock between two commands, and what the state remembers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sshd

from infra import ssh
from infra.errors import Exit, HanoiError
from infra.state import Digests, Identities, Identity, Journal, Lock, Run


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that must come about; fail when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def can_take(directory: Path) -> bool:
    try:
        with Lock("probe", directory):
            return True
    except HanoiError:
        return False


def codes(failure: pytest.ExceptionInfo[HanoiError]) -> list[str]:
    return [p.code for p in failure.value.problems]


# The local lock


def test_a_second_command_is_refused_with_the_holders_name(tmp_path: Path) -> None:
    with Lock("hanoi deploy --site x", tmp_path) as lock, pytest.raises(HanoiError) as failure:
        Lock("hanoi deploy", tmp_path).acquire()
    assert codes(failure) == ["HN-D001"]
    assert failure.value.exit_code == Exit.REFUSED
    for part in (lock.holder.who, str(os.getpid()), "hanoi deploy --site x", lock.holder.since):
        assert part in str(failure.value)


def test_the_lock_is_free_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Lock("one", tmp_path):
        raise ZeroDivisionError
    with Lock("two", tmp_path):
        pass
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_killed_holder_leaves_no_stale_lock(tmp_path: Path) -> None:
    program = f"""
        import time, pathlib
        from infra.state import Lock
        with Lock("victim", pathlib.Path({str(tmp_path)!r})):
            print("held", flush=True)
            time.sleep(300)
    """
    with background(program) as child:
        assert not can_take(tmp_path)
        child.send_signal(signal.SIGKILL)
        child.wait()
        until(lambda: can_take(tmp_path))


def test_of_many_at_once_exactly_one_gets_it(tmp_path: Path) -> None:
    start, done = threading.Barrier(8), threading.Barrier(8)
    won: list[int] = []

    def contend(number: int) -> None:
        lock = Lock(f"command {number}", tmp_path)
        start.wait()
        try:
            lock.acquire()
            won.append(number)
        except HanoiError:
            pass
        done.wait()
        lock.release()

    threads = [threading.Thread(target=contend, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


# The lock on hosts


@pytest.fixture
def hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[sshd.Server, dict[str, ssh.Connection]]]:
    key = tmp_path / "identity"
    sshd.new_key(key)
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_SSH_KEY", str(key))
    monkeypatch.setattr("infra.state.lock.HOST_LOCK", str(tmp_path / "run" / "deploy.lock"))
    with sshd.running(tmp_path / "sshd", key) as server:
        server.trust(tmp_path / "state")
        yield server, {"a": ssh.Connection("a", "127.0.0.1", server.user, server.port)}


def host_is_free(hosts: dict[str, ssh.Connection], directory: Path) -> bool:
    lock = Lock("probe", directory)
    try:
        lock.hold(hosts)
        return True
    except HanoiError:
        return False
    finally:
        lock.release()


def test_an_operator_on_another_machine_is_refused(
    hosts: tuple[sshd.Server, dict[str, ssh.Connection]], tmp_path: Path
) -> None:
    _, connections = hosts
    with Lock("hanoi deploy", tmp_path / "here") as lock:
        lock.hold(connections)
        lock.check()
        other = Lock("hanoi deploy", tmp_path / "there")  # another state: the local lock is free
        other.acquire()
        with pytest.raises(HanoiError) as failure:
            other.hold(connections)
        other.release()
        assert codes(failure) == ["HN-D001"]
        assert failure.value.exit_code == Exit.REFUSED
        assert f"{lock.holder.who} from 127.0.0.1" in str(failure.value)
        assert failure.value.problems[0].where == "a (127.0.0.1)"
    assert host_is_free(connections, tmp_path / "there")


@pytest.mark.parametrize("whole_tree", [False, True])
def test_a_killed_holder_frees_the_hosts(
    hosts: tuple[sshd.Server, dict[str, ssh.Connection]], tmp_path: Path, whole_tree: bool
) -> None:
    server, connections = hosts
    program = f"""
        import time, pathlib
        import infra.state.lock
        from infra import ssh
        infra.state.lock.HOST_LOCK = {str(tmp_path / "run" / "deploy.lock")!r}
        with infra.state.Lock("victim", pathlib.Path({str(tmp_path / "there")!r})) as lock:
            lock.hold({{"a": ssh.Connection("a", "127.0.0.1", {server.user!r}, {server.port})}})
            print("held", flush=True)
            time.sleep(300)
    """
    with background(program) as child:
        assert not host_is_free(connections, tmp_path / "here")
        victims = [child.pid, *(children_of(child.pid) if whole_tree else [])]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        child.wait()
        until(lambda: host_is_free(connections, tmp_path / "here"))


def test_losing_the_lock_is_noticed(
    hosts: tuple[sshd.Server, dict[str, ssh.Connection]], tmp_path: Path
) -> None:
    _, connections = hosts
    with Lock("hanoi deploy", tmp_path / "here") as lock:
        lock.hold(connections)
        for pid in children_of(os.getpid()):
            if b"deploy.lock" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        until(lambda: bool(lost(lock)))
        assert lost(lock) == ["HN-D002"]


def lost(lock: Lock) -> list[str]:
    try:
        lock.check()
    except HanoiError as failure:
        return [p.code for p in failure.problems]
    return []


def test_one_refusing_host_leaves_no_lock_on_the_others(
    hosts: tuple[sshd.Server, dict[str, ssh.Connection]], tmp_path: Path
) -> None:
    server, connections = hosts
    closed = ssh.Connection("b", "127.0.0.1", server.user, sshd.free_port())
    lock = Lock("hanoi deploy", tmp_path / "here")
    with pytest.raises(HanoiError) as failure:
        lock.hold({**connections, "b": closed})
    assert codes(failure) == ["HN-C001"]
    assert failure.value.exit_code == Exit.UNREACHABLE
    assert host_is_free(connections, tmp_path / "here")


# The journal


def test_a_run_that_did_not_end_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.interrupted() is None
    journal.begin("hanoi deploy", through="wave-1")
    journal.step("nguyen-du", "files")
    run = Journal(tmp_path).interrupted()
    assert isinstance(run, Run)
    assert (run.command, run.through, run.sites) == (
        "hanoi deploy",
        "wave-1",
        {"nguyen-du": "files"},
    )
    Journal(tmp_path).end("ok")
    assert Journal(tmp_path).interrupted() is None


@pytest.mark.parametrize(("outcome", "told"), [("failed", False), ("interrupted", True)])
def test_how_a_run_ended_matters(tmp_path: Path, outcome: str, told: bool) -> None:
    journal = Journal(tmp_path)
    journal.begin("hanoi deploy")
    journal.end(outcome)
    assert (journal.interrupted() is not None) == told


def test_sites_report_in_parallel_without_losing_a_step(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin("hanoi deploy")
    threads = [
        threading.Thread(target=lambda n=n: journal.step(f"site-{n}", "verify")) for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = journal.last()
    assert run and run.sites == {f"site-{n}": "verify" for n in range(12)}


def test_a_kill_between_two_steps_never_leaves_half_a_file(tmp_path: Path) -> None:
    program = f"""
        import pathlib
        from infra.state import Journal
        journal = Journal(pathlib.Path({str(tmp_path)!r}))
        journal.begin("hanoi deploy")
        print("held", flush=True)
        for n in range(10**9):
            journal.step("site", f"step {{n}} " + "x" * 20000)
    """
    for _ in range(3):
        with background(program) as child:
            time.sleep(0.3)
            child.kill()
            child.wait()
        run = Journal(tmp_path).interrupted()
        assert run and run.command == "hanoi deploy"


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\x01"])
def test_a_damaged_file_is_an_error_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal.json").write_text(content)
    with pytest.raises(HanoiError) as failure:
        Journal(tmp_path).interrupted()
    assert codes(failure) == ["HN-D003"]
    assert "journal.json" in str(failure.value)


# Identities and digests


def test_an_unknown_host_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    assert Identities(tmp_path).check("nd-1", "m1", "e1") is False


@pytest.mark.parametrize(("machine", "engine"), [("m2", "e1"), ("m1", "e2"), ("m1", ""), ("", "")])
def test_another_machine_or_engine_is_refused(tmp_path: Path, machine: str, engine: str) -> None:
    Identities(tmp_path).record("nd-1", "m1", "e1")
    with pytest.raises(HanoiError) as failure:
        Identities(tmp_path).check("nd-1", machine, engine)
    assert codes(failure) == ["HN-D010"]
    assert failure.value.exit_code == Exit.REFUSED
    assert "hanoi bootstrap --replaced nd-1" in str(failure.value)


def test_the_recorded_machine_passes_until_it_is_forgotten(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.record("nd-1", "m1")  # before Docker is installed
    assert identities.check("nd-1", "m1", "e1") is True
    identities.record("nd-1", "m1", "e1")
    assert identities.get("nd-1") == Identity("m1", "e1")
    identities.forget("nd-1")
    assert identities.check("nd-1", "m9", "e9") is False


def test_digests_are_kept_and_private(tmp_path: Path) -> None:
    digests = Digests(tmp_path / "state")
    digests.update({"etcd:abc": "sha256:1"})
    digests.update({"postgres:def": "sha256:2"})
    assert Digests(tmp_path / "state").all() == {"etcd:abc": "sha256:1", "postgres:def": "sha256:2"}
    digests.forget("etcd:abc")
    assert digests.get("etcd:abc") is None
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "images.json").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (tmp_path / "state").iterdir()] == ["images.json"]
    json.loads((tmp_path / "state" / "images.json").read_text())


# Helpers


class background:
    """A Python program in a process of its own, once it has printed "held"."""

    def __init__(self, program: str):
        self.program = textwrap.dedent(program)

    def __enter__(self) -> subprocess.Popen[bytes]:
        self.child = subprocess.Popen(
            [sys.executable, "-c", self.program], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.child.stdout and self.child.stdout.readline() == b"held\n"
        return self.child

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self.child.wait()
        if self.child.stdout:
            self.child.stdout.close()


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found
