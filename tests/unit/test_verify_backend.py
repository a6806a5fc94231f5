"""The agent, spoken to through a local process instead of SSH."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import testinfra.host

from infra.verify import backend as backends
from infra.verify.backend import AgentBackend, Conversation, Unreachable, local_argv

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="the agent insists on root")


@pytest.fixture
def conversation() -> Iterator[Conversation]:
    opened = Conversation(local_argv())
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def backend(conversation: Conversation, asked: list[str]) -> AgentBackend:
    made = AgentBackend("here", conversation, asked.append)
    made.set_host(testinfra.host.Host(made))
    return made


@needs_root
def test_answers_with_exit_code_and_both_streams(backend: AgentBackend) -> None:
    done = backend.run("echo out; echo err >&2; exit 3")
    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "err\n")


@needs_root
def test_arguments_are_quoted(backend: AgentBackend) -> None:
    assert backend.run("printf %%s %s", "; echo injected").stdout == "; echo injected"


@needs_root
def test_output_that_is_no_text_arrives_as_it_is(backend: AgentBackend) -> None:
    assert backend.run("printf '\\377\\000x'").stdout_bytes == b"\xff\x00x"


@needs_root
def test_a_look_is_taken_once_and_a_fresh_one_again(backend: AgentBackend, tmp_path: Path) -> None:
    command = f"echo x >> {tmp_path}/count; wc -l < {tmp_path}/count"
    assert [backend.run(command).stdout.strip() for _ in range(3)] == ["1", "1", "1"]
    assert [backend.fresh(command).stdout.strip() for _ in range(2)] == ["2", "3"]
    assert backend.run(command).stdout.strip() == "1"
    backend.forget()
    assert backend.run(command).stdout.strip() == "4"


@needs_root
def test_prefetched_commands_really_run_and_are_not_asked_again(
    backend: AgentBackend, asked: list[str], tmp_path: Path
) -> None:
    backend.prefetch([f"echo x >> {tmp_path}/count"])
    backend.run(f"echo x >> {tmp_path}/count")
    assert (tmp_path / "count").read_text() == "x\n"
    assert asked == [f"echo x >> {tmp_path}/count"], "only what a check asked is noted"


@needs_root
def test_prefetched_commands_run_side_by_side(backend: AgentBackend, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    # Each ends only when the other one runs at the same time.
    pair = [f"cat {tmp_path}/fifo", f"echo met > {tmp_path}/fifo"]
    backend.prefetch(pair)
    assert backend.run(pair[0]).stdout == "met\n"


@needs_root
def test_standard_input_is_in_no_process_list(backend: AgentBackend) -> None:
    secret = "not-for-" + "the-list"
    done = backend.fresh(
        "cat; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'not-for-[t]he-list'",
        stdin=secret.encode(),
    )
    assert done.stdout == secret + "0\n"


@needs_root
def test_a_command_that_hangs_is_ended(backend: AgentBackend) -> None:
    started = time.monotonic()
    done = backend.fresh("sleep 600", timeout=0.3)
    assert done.rc == 124 and "no end within" in done.stderr
    assert time.monotonic() - started < 300


@needs_root
def test_real_testinfra_modules_work_through_it(backend: AgentBackend, tmp_path: Path) -> None:
    host = testinfra.host.Host(backend)
    (tmp_path / "f").write_text("hello")
    (tmp_path / "f").chmod(0o640)
    file = host.file(str(tmp_path / "f"))
    assert file.exists and file.mode == 0o640 and file.user == "root"
    assert host.user("root").uid == 0
    assert host.file("/nowhere").exists is False


def test_a_host_that_does_not_answer_says_why() -> None:
    conversation = Conversation(["sh", "-c", "echo no route to host >&2; exit 255"])
    with pytest.raises(Unreachable, match="no route to host"):
        conversation.open()


def test_a_host_without_root_is_not_used() -> None:
    greeting = 'printf \'{"hanoi-agent": 1, "uid": 1000}\\n\'; cat > /dev/null'
    with pytest.raises(Unreachable, match="root"):
        Conversation(["sh", "-c", greeting]).open()


def test_a_silent_host_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "HELLO_SECONDS", 0.2)
    with pytest.raises(Unreachable, match="no answer"):
        Conversation(["sleep", "600"]).open()


@needs_root
def test_a_connection_that_breaks_fails_what_waits() -> None:
    conversation = Conversation(local_argv())
    conversation.open()
    waiting = conversation.ask("kill -9 $PPID")
    with pytest.raises(Unreachable):
        waiting.result(30)
    with pytest.raises(Unreachable):
        conversation.ask("true").result(30)


@needs_root
def test_a_greeting_of_the_shell_is_passed_over() -> None:
    import shlex

    conversation = Conversation(["sh", "-c", f"echo Welcome; exec {shlex.join(local_argv())}"])
    conversation.open()
    assert conversation.ask("echo yes").result(30)[1] == b"yes\n"
    conversation.close()


def test_a_look_asked_for_while_it_is_prefetched_is_taken_once() -> None:
    """The list of the last session is asked by one thread while the checks ask in another."""

    class Slow:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def ask(self, command: str) -> Future[tuple[int, bytes, bytes]]:
            time.sleep(0.1)  # long enough for the other thread to ask too
            self.asked.append(command)
            answer: Future[tuple[int, bytes, bytes]] = Future()
            answer.set_result((0, b"", b""))
            return answer

    slow = Slow()
    made = AgentBackend("here", slow)  # type: ignore[arg-type]
    others = [threading.Thread(target=made.prefetch, args=(["look"],)) for _ in range(4)]
    for other in others:
        other.start()
    made.run("look")
    for other in others:
        other.join()
    assert slow.asked == ["look"]
