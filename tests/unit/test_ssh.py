"""Shared SSH connections against a real server on 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sshd

from infra import ssh
from infra.errors import Exit, HanoiError
from infra.ssh.paths import sockets

CANARY = "canary-Zx81-secret"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "identity"
    sshd.new_key(path)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[sshd.Server]:
    with sshd.running(tmp_path_factory.mktemp("sshd") / "d", key) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, server: sshd.Server, key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state of its own (so a shared connection of its own) that trusts the server."""
    directory = tmp_path / "state"
    monkeypatch.setenv("HANOI_STATE", str(directory))
    monkeypatch.setenv("HANOI_SSH_KEY", str(key))
    server.trust(directory)
    return directory


@pytest.fixture
def host(state: Path, server: sshd.Server) -> Iterator[ssh.Connection]:
    with ssh.connected([("a", "127.0.0.1")], server.user, server.port) as hosts:
        yield hosts["a"]
        hosts["a"].close(shared=True)


def codes(failure: pytest.ExceptionInfo[HanoiError]) -> list[str]:
    return [p.code for p in failure.value.problems]


def test_a_script_runs_and_its_result_comes_back(host: ssh.Connection) -> None:
    done = host.run("cat; echo to-stderr >&2; exit 3", input=b"\x00\xffraw")
    assert (done.rc, done.stdout, done.stderr) == (3, b"\x00\xffraw", "to-stderr\n")


def test_quotes_and_unicode_survive_both_shells(host: ssh.Connection) -> None:
    script = """printf '%s' "a'b \\"c\\" $NOT_SET Hà Nội" """
    assert host.run(script).text == 'a\'b "c"  Hà Nội'


def test_a_large_input_reaches_a_slow_reader_whole(host: ssh.Connection) -> None:
    content = bytes(range(256)) * 32000
    assert host.run("sleep 1; cat", input=content).stdout == content


def test_input_that_nobody_reads_is_no_error(host: ssh.Connection) -> None:
    assert host.run("exit 4", input=b"x" * 4_000_000).rc == 4


def test_all_commands_use_one_connection(host: ssh.Connection) -> None:
    seen = {host.run("echo $SSH_CONNECTION", root=False).text for _ in range(4)}
    assert len(seen) == 1
    assert host.alive()
    assert len(str(host.control_path)) < 100


def test_a_second_command_of_the_operator_uses_it_too(
    host: ssh.Connection, server: sshd.Server
) -> None:
    first = host.run("echo $SSH_CONNECTION", root=False).text
    with ssh.connected([("a", "127.0.0.1")], server.user, server.port) as again:
        assert again["a"].run("echo $SSH_CONNECTION", root=False).text == first


def test_another_state_does_not_share_the_connection(
    host: ssh.Connection, tmp_path: Path, server: sshd.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "other"))
    with pytest.raises(HanoiError) as failure:
        ssh.connect([("a", "127.0.0.1")], server.user, server.port)
    assert codes(failure) == ["HN-C002"]


def test_the_socket_directory_is_private() -> None:
    status = sockets().stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o700, os.getuid())


def test_a_foreign_socket_directory_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "r" / "hanoi"
    open_to_all.mkdir(parents=True)
    open_to_all.parent.chmod(0o700)
    open_to_all.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(open_to_all.parent))
    assert sockets.__wrapped__() != open_to_all


def test_a_python_program_gets_its_payload_and_answers(host: ssh.Connection) -> None:
    source = "import json\nprint(json.dumps({'twice': payload['n'] * 2, 'name': payload['name']}))"
    assert host.python(source, {"n": 21, "name": "Tần số"}) == {"twice": 42, "name": "Tần số"}


def test_secrets_of_a_payload_are_in_no_argv_and_no_environment(host: ssh.Connection) -> None:
    source = textwrap.dedent("""
        import glob, json
        wanted = payload["secret"].encode()
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as stream:
                    if wanted in stream.read():
                        found.append(path)
            except OSError:
                pass
        print(json.dumps(found))
    """)
    assert host.python(source, {"secret": CANARY}) == []


def test_a_failing_program_is_one_line_without_its_payload(host: ssh.Connection) -> None:
    with pytest.raises(HanoiError) as failure:
        host.python("raise ValueError('disk full')", {"secret": CANARY})
    assert codes(failure) == ["HN-C009"]
    assert "ValueError: disk full" in str(failure.value)
    assert CANARY not in str(failure.value) and "Traceback" not in str(failure.value)


def test_an_answer_that_is_not_json_is_not_shown(host: ssh.Connection) -> None:
    with pytest.raises(HanoiError) as failure:
        host.python("print(payload['secret'])", {"secret": CANARY})
    assert codes(failure) == ["HN-C009"]
    assert CANARY not in str(failure.value)


def test_a_command_that_hangs_is_ended(host: ssh.Connection) -> None:
    with pytest.raises(HanoiError) as failure:
        host.run("sleep 60", timeout=0.5)
    assert codes(failure) == ["HN-C006"]
    assert failure.value.exit_code == Exit.UNREACHABLE
    assert host.run("echo still here").text == "still here\n"


def test_root_is_reached_through_sudo_unless_it_is_the_user() -> None:
    assert ssh.Connection("a", "h", "root").as_root("id", "-u") == "id -u"
    assert ssh.Connection("a", "h", "hanoi").as_root("id", "-u") == "sudo -n -- id -u"


def test_a_broken_connection_is_said_and_made_again(host: ssh.Connection) -> None:
    with pytest.raises(HanoiError) as failure:
        host.run("kill -9 $PPID; sleep 5")
    assert codes(failure) == ["HN-C005"]
    assert host.run("echo back").text == "back\n"


def test_the_docker_socket_is_forwarded(
    host: ssh.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "docker.sock"
    monkeypatch.setattr("infra.ssh.connection.DOCKER_SOCKET", str(far))
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(far))
        engine.listen()
        local = host.forward_docker()
        assert host.forward_docker() == local  # asking twice is no error
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(local))
            served, _ = engine.accept()
            client.sendall(b"GET /_ping")
            assert served.recv(100) == b"GET /_ping"
            served.close()
        assert local.stat().st_mode & 0o077 == 0


def test_unreachable_hosts_are_said_together_and_once(state: Path, server: sshd.Server) -> None:
    closed = sshd.free_port()
    hosts = [("a", "127.0.0.1"), ("b", "127.0.0.2"), ("b", "127.0.0.2")]
    with pytest.raises(HanoiError) as failure:
        ssh.connect(hosts, server.user, closed)
    assert [(p.where, p.code) for p in failure.value.problems] == [
        ("a (127.0.0.1)", "HN-C001"),
        ("b (127.0.0.2)", "HN-C001"),
    ]
    assert failure.value.exit_code == Exit.UNREACHABLE


def test_a_changed_host_key_is_never_accepted(
    state: Path, server: sshd.Server, tmp_path: Path
) -> None:
    sshd.new_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    ssh.known_hosts().write_text(f"[127.0.0.1]:{server.port} {other}\n")
    with pytest.raises(HanoiError) as failure:
        ssh.connect([("a", "127.0.0.1")], server.user, server.port)
    assert codes(failure) == ["HN-C003"]
    with pytest.raises(HanoiError) as failure:
        ssh.learn_host_keys([("a", "127.0.0.1")], server.port)
    assert codes(failure) == ["HN-C003"]


def test_host_keys_are_recorded_only_on_the_operators_word(
    state: Path, server: sshd.Server
) -> None:
    ssh.known_hosts().unlink()
    keys = ssh.learn_host_keys([("a", "127.0.0.1")], server.port)
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(server.directory / "host.pub")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[1]
    assert ssh.fingerprints(keys) == [("a", "ssh-ed25519", shown)]
    assert not ssh.known_hosts().exists()
    assert ssh.record_host_keys(keys) == 1
    assert ssh.known_hosts().stat().st_mode & 0o777 == 0o600
    ssh.connect([("a", "127.0.0.1")], server.user, server.port)["a"].close(shared=True)
    assert ssh.fingerprints(ssh.learn_host_keys([("a", "127.0.0.1")], server.port)) == []
    assert ssh.forget_host_keys("127.0.0.1", server.port) == 1
    assert ssh.known_hosts().read_text() == ""


def test_a_host_without_an_answer_is_named_when_learning(state: Path) -> None:
    with pytest.raises(HanoiError) as failure:
        ssh.learn_host_keys([("a", "127.0.0.1")], sshd.free_port())
    assert codes(failure) == ["HN-C001"]


def test_a_bare_host_is_reached_as_the_bootstrap_user(state: Path, server: sshd.Server) -> None:
    hosts = ssh.connect([("a", "127.0.0.1")], "nobody-yet", server.port, bootstrap_user=server.user)
    assert hosts["a"].bare and hosts["a"].user == server.user
    hosts["a"].close(shared=True)
    assert not hosts["a"].alive()


def test_permission_denied_names_the_users_tried(state: Path, server: sshd.Server) -> None:
    with pytest.raises(HanoiError) as failure:
        ssh.connect([("a", "127.0.0.1")], "nobody-yet", server.port, bootstrap_user="nor-me")
    assert codes(failure) == ["HN-C004"]
    assert "nobody-yet and nor-me" in str(failure.value)


def test_work_on_all_hosts_reports_every_failure(state: Path, server: sshd.Server) -> None:
    pairs = [("a", "127.0.0.1"), ("b", "127.0.0.1"), ("c", "127.0.0.1")]

    def work(connection: ssh.Connection) -> str:
        if connection.host_id == "b":
            return connection.run("echo fine").text
        connection.python(f"raise RuntimeError('{connection.host_id} is full')", {})
        raise AssertionError("not reached")

    with ssh.connected(pairs, server.user, server.port) as hosts:
        with pytest.raises(HanoiError) as failure:
            ssh.on_each(hosts, work)
        assert [p.where for p in failure.value.problems] == ["a (127.0.0.1)", "c (127.0.0.1)"]
        hosts["a"].close(shared=True)


def test_many_commands_at_once_on_one_connection(host: ssh.Connection) -> None:
    """More than sshd's ten sessions a connection: the rest get connections of their own."""
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(host.run(f"sleep 0.3; echo {n}").text))
        for n in range(14)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(14))


def test_ctrl_c_ends_the_children_and_the_command(state: Path, server: sshd.Server) -> None:
    program = textwrap.dedent(f"""
        import sys
        from infra import ssh
        pairs = [("a", "127.0.0.1"), ("b", "127.0.0.1")]
        try:
            with ssh.connected(pairs, {server.user!r}, {server.port}) as hosts:
                print("ready", flush=True)
                ssh.on_each(hosts, lambda c: c.run("sleep 300 # ctrl-c-test", timeout=400))
        except KeyboardInterrupt:
            sys.exit(130)
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout and child.stdout.readline() == b"ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 130
    child.stdout.close()
    left = [p for p in _processes() if "ctrl-c-test" in p and p.startswith("ssh\0")]
    assert left == []
    with ssh.connected([("a", "127.0.0.1")], server.user, server.port) as hosts:
        hosts["a"].close(shared=True)


def _processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text())
    return found
