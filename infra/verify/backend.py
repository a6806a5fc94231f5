"""A testinfra backend with one lasting conversation per host (scheme ``hanoi://host``).

Plain testinfra starts an ssh client for every command and runs one command at a time. Here an
agent (agent.py) answers on the host for the whole session, over the shared SSH connection.
A command that was asked before in the session is not run again: ``run`` is for looking only,
and whatever changes something or must be looked at anew goes through ``fresh``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from pathlib import Path
from typing import Any

import testinfra.backend  # type: ignore[import-untyped]
from testinfra.backend.base import (  # type: ignore[import-untyped]
    BaseBackend,
    CommandResult,
)

from infra.verify import agent

SECONDS = 60.0  # for one command
HELLO_SECONDS = 20.0
Answer = tuple[int, bytes, bytes]


class Unreachable(Exception):
    """The host does not answer; the text says why, for an operator."""


def agent_argv() -> tuple[str, ...]:
    """What starts the agent on a host; its program follows on standard input."""
    size = len(_program())
    loader = f"import sys;exec(compile(sys.stdin.buffer.read({size}),'hanoi-agent','exec'))"
    return ("python3", "-I", "-c", loader)


def _program() -> bytes:
    return Path(agent.__file__).read_bytes()


class Conversation:
    """One agent, spoken to by any number of threads.

    argv: the local command whose standard input and output are the agent's.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Answer]] = {}
        self._next = 0
        self._hello: Future[int] = Future()
        self._telling = threading.Lock()
        self._told: str | None = None
        self._child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def open(self) -> None:
        """Send the program and wait for its greeting. Raises Unreachable."""
        self._send(_program())
        try:
            uid = self._hello.result(HELLO_SECONDS)
        except Late:
            self.close()
            raise Unreachable(f"no answer within {HELLO_SECONDS:.0f} s") from None
        if uid != 0:
            self.close()
            raise Unreachable("the checks need root on the host, and sudo did not give it")

    def ask(self, command: str, timeout: float = SECONDS, stdin: bytes = b"") -> Future[Answer]:
        """Have the command run; the answer comes later. timeout: seconds on the host.
        stdin: what a command may need to know and no process list may show."""
        future: Future[Answer] = Future()
        with self._lock:
            self._next += 1
            number = self._next
            self._waiting[number] = future
        request: dict[str, Any] = {"id": number, "command": command, "timeout": timeout}
        request["stdin"] = base64.b64encode(stdin).decode()
        try:
            self._send(json.dumps(request).encode() + b"\n")
        except Unreachable as failure:
            if not future.done():
                future.set_exception(failure)
        return future

    def close(self) -> None:
        """End the agent: it leaves when its input ends, and is killed when it does not."""
        assert self._child.stdin
        with contextlib.suppress(OSError):  # it has gone already
            self._child.stdin.close()
        try:
            self._child.wait(2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _send(self, data: bytes) -> None:
        assert self._child.stdin
        try:
            with self._lock:
                self._child.stdin.write(data)
                self._child.stdin.flush()
        except (OSError, ValueError):
            raise Unreachable(self._reason()) from None

    def _read(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # a shell's greeting, not ours
            if "hanoi-agent" in message:
                self._hello.set_result(message["uid"])
                continue
            with self._lock:
                future = self._waiting.pop(message["id"], None)
            if future:
                out, err = (base64.b64decode(message[k]) for k in ("out", "err"))
                future.set_result((message["rc"], out, err))
        self._lost()

    def _lost(self) -> None:
        failure = Unreachable(self._reason())
        if not self._hello.done():
            self._hello.set_exception(failure)
        with self._lock:
            left, self._waiting = list(self._waiting.values()), {}
        for future in left:
            future.set_exception(failure)

    def _reason(self) -> str:
        """The last thing the connection's own command said (read once, told to everybody)."""
        with self._telling:
            if self._told is None:
                self._told = self._last_words()
            return self._told

    def _last_words(self) -> str:
        try:
            self._child.wait(2)
        except subprocess.TimeoutExpired:
            return "the connection broke"
        assert self._child.stderr
        said = self._child.stderr.read().decode(errors="replace").strip().splitlines()
        return said[-1][:300] if said else "the connection broke"


class AgentBackend(BaseBackend):  # type: ignore[misc]
    """testinfra's view of a Conversation. Remembers the answers of the session.

    note: told every command that a check asked for, answered from memory or not.
    """

    NAME = "hanoi"

    def __init__(
        self,
        hostspec: str,
        conversation: Conversation | None = None,
        note: Callable[[str], None] = lambda command: None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(hostspec, *args, **kwargs)
        self._conversation = conversation or _connect(hostspec)
        self._answers: dict[str, Future[Answer]] = {}
        self._asking = threading.Lock()
        self._note = note

    @property
    def encoding(self) -> str:
        return "utf-8"

    def decode(self, data: bytes) -> str:
        return data.decode("utf-8", errors="replace")

    def prefetch(self, commands: Iterable[str]) -> None:
        """Have the commands run now, side by side; `run` finds their answers.

        It may be called while `run` is: each command is asked once all the same.
        """
        for command in commands:
            with self._asking:
                if command not in self._answers:
                    self._answers[command] = self._conversation.ask(command)

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """The answer to a command that only looks, asked at most once a session."""
        command = self.quote(command, *args)
        self._note(command)
        self.prefetch([command])
        return self._result(command, self._answers[command])

    def fresh(
        self, command: str, *args: str, timeout: float = SECONDS, stdin: bytes = b""
    ) -> CommandResult:
        """Run the command now, whatever was asked before. timeout: seconds."""
        command = self.quote(command, *args)
        return self._result(command, self._conversation.ask(command, timeout, stdin))

    def forget(self) -> None:
        """Nothing asked so far counts any more."""
        self._answers.clear()

    def close(self) -> None:
        self._conversation.close()

    def _result(self, command: str, future: Future[Answer]) -> CommandResult:
        rc, out, err = future.result(SECONDS * 5)
        return self.result(rc, command.encode(), out, err)


def _connect(hostspec: str) -> Conversation:
    """For ``testinfra.get_host("hanoi://user@address:port")``, outside our own runs."""
    from infra import ssh

    spec = BaseBackend.parse_hostspec(hostspec)
    connection = ssh.Connection(spec.name, spec.name, spec.user or "hanoi", int(spec.port or 22))
    return converse(connection)


def converse(connection: Any) -> Conversation:
    """An open conversation over an infra.ssh.Connection. Raises Unreachable."""
    conversation = Conversation(connection.argv(connection.as_root(*agent_argv())))
    conversation.open()
    return conversation


def local_argv() -> list[str]:
    """The agent on this machine, without SSH (unit tests)."""
    return shlex.split(shlex.join(agent_argv()))


def register() -> None:
    """Make the scheme known to testinfra."""
    testinfra.backend.BACKENDS["hanoi"] = "infra.verify.backend.AgentBackend"


register()
