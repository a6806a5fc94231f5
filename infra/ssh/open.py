"""Opening all hosts' connections at once, and doing something on all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from infra.errors import Exit, HanoiError, Problem
from infra.ssh import faults
from infra.ssh.connection import Connection, Refused

T = TypeVar("T")
MOST_AT_ONCE = 32


def connect(
    hosts: Sequence[tuple[str, str]], user: str, port: int, *, bootstrap_user: str | None = None
) -> dict[str, Connection]:
    """Open the shared connections of all hosts, given as (id, address), in parallel.

    `user` is tried first; where it is refused and bootstrap_user is given, that one (then
    Connection.bare is True). Every host that cannot be used is in one HanoiError, once:
    HN-C001 to HN-C004, HN-C006, exit code UNREACHABLE.
    """
    first = {id_: Connection(id_, address, user, port) for id_, address in hosts}

    def opened(connection: Connection) -> Connection:
        return _opened(connection, bootstrap_user)

    return on_each(first, opened)


def _opened(connection: Connection, bootstrap_user: str | None) -> Connection:
    try:
        connection._open()
        return connection
    except Refused as refusal:
        if bootstrap_user in (None, connection.user) or not faults.denied(str(refusal)):
            raise _unreachable(connection, str(refusal)) from None
    # The same children: whoever interrupts the first attempt interrupts this one too.
    bare = Connection(
        connection.host_id,
        connection.address,
        str(bootstrap_user),
        connection.port,
        bare=True,
        _children=connection._children,
    )
    try:
        bare._open()
    except Refused as refusal:
        users = f"{connection.user} and {bare.user}"
        raise _unreachable(connection, str(refusal), users) from None
    return bare


def _unreachable(connection: Connection, message: str, user: str | None = None) -> HanoiError:
    problem = faults.problem(
        connection.host_id, connection.address, user or connection.user, message
    )
    return HanoiError(problem, Exit.UNREACHABLE)


@contextmanager
def connected(
    hosts: Sequence[tuple[str, str]], user: str, port: int, *, bootstrap_user: str | None = None
) -> Iterator[dict[str, Connection]]:
    """connect() and, at the end or on Ctrl-C, close(). The shared connections stay open for a
    minute, so that the next command starts at once."""
    connections = connect(hosts, user, port, bootstrap_user=bootstrap_user)
    try:
        yield connections
    finally:
        for connection in connections.values():
            connection.close()


class Reached(dict[str, Connection]):
    """Host → its connection. Whoever asks for one that could not be reached gets its HanoiError;
    they are in silent too."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: dict[str, HanoiError] = {}

    def __missing__(self, host_id: str) -> Connection:
        raise self.silent[host_id]


@contextmanager
def reached(hosts: Sequence[tuple[str, str]], user: str, port: int) -> Iterator[Reached]:
    """connected(), for who only looks: a host that cannot be used is no failure by itself."""
    found = Reached()

    def opened(connection: Connection) -> None:
        try:
            found[connection.host_id] = _opened(connection, None)
        except HanoiError as failure:
            found.silent[connection.host_id] = failure

    try:
        on_each({id_: Connection(id_, address, user, port) for id_, address in hosts}, opened)
        yield found
    finally:
        for connection in found.values():
            connection.close()


def on_each(connections: Mapping[str, Connection], work: Callable[[Connection], T]) -> dict[str, T]:
    """Do `work` on every host in parallel; results by host id, in the given order.

    HanoiErrors of all hosts are raised together, once all are done. Any other exception and
    Ctrl-C end the children of all hosts and go up.
    """
    if not connections:
        return {}
    pool = ThreadPoolExecutor(min(len(connections), MOST_AT_ONCE), thread_name_prefix="ssh")
    futures = {id_: pool.submit(_kept, work, c) for id_, c in connections.items()}
    try:
        wait(futures.values(), return_when=FIRST_EXCEPTION)
        results = {id_: future.result() for id_, future in futures.items()}
    except BaseException:
        for future in futures.values():
            future.cancel()
        for connection in connections.values():
            connection._children.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    raise_together([r for r in results.values() if isinstance(r, HanoiError)])
    return results  # type: ignore[return-value]


def _kept(work: Callable[[Connection], T], connection: Connection) -> T | HanoiError:
    """A HanoiError is a result, to be reported with the others'."""
    try:
        return work(connection)
    except Refused as refusal:
        return _unreachable(connection, str(refusal))
    except HanoiError as failure:
        return failure


def raise_together(failures: list[HanoiError]) -> None:
    """All failures as one error, every problem once; nothing when there is none."""
    if not failures:
        return
    problems: dict[Problem, None] = {p: None for f in failures for p in f.problems}
    codes = {f.exit_code for f in failures}
    raise HanoiError(problems, codes.pop() if len(codes) == 1 else Exit.FAILED)
