"""A move's files between two directories, through a real SSH server and rsync."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sshd

from infra import ssh
from infra.errors import HanoiError
from infra.moves.files import Carrying, progress
from infra.moves.stores import LOCK, Store, levels
from infra.placement import Place
from infra.resources import Container, Files
from infra.ssh.relay import relay

VOLUME = "hanoi-test-media"
FIRST, SECOND = Place("nd-1"), Place("own-1", own=True)

pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync")


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
def host(
    tmp_path: Path, server: sshd.Server, key: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ssh.Connection]:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_SSH_KEY", str(key))
    server.trust(tmp_path / "state")
    with ssh.connected([("a", "127.0.0.1")], server.user, server.port) as hosts:
        yield hosts["a"]
        hosts["a"].close(shared=True)


@dataclass
class Two:
    """Two directories, and the move between them; serving: where users are."""

    here: Path
    there: Path
    carrying: Carrying
    serving: Place = FIRST
    said: list[str] = field(default_factory=list)


@pytest.fixture
def two(tmp_path: Path, host: ssh.Connection) -> Iterator[Two]:
    stores = []
    for name, place in (("one", FIRST), ("other", SECOND)):
        (tmp_path / name).mkdir()
        files = (Files(VOLUME, leaves=("tmp", "a.sock")),)
        remembered = str(tmp_path / f"remembered-{name}")
        paths = {VOLUME: str(tmp_path / name)}
        stores.append(Store(place, files, (), (), host, remembered, paths))
    made = Two(tmp_path / "one", tmp_path / "other", None)  # type: ignore[arg-type]
    made.carrying = Carrying("test", *stores, made.said.append, lambda: made.serving)
    yield made
    Path(LOCK.format(volume=VOLUME)).unlink(missing_ok=True)


def filled(directory: Path) -> None:
    """Names, owners, modes and links as an application may have them."""
    (directory / "docs" / "Công văn").mkdir(parents=True)
    for n in range(40):
        file = directory / "docs" / "Công văn" / f"số {n}.pdf"
        file.write_bytes(os.urandom(3000 + n))
        os.chown(file, 10090, 10090)
    os.link(directory / "docs" / "Công văn" / "số 1.pdf", directory / "twin")
    os.symlink("docs", directory / "link")
    (directory / "closed").write_bytes(b"x" * 100)
    (directory / "closed").chmod(0o400)
    os.utime(directory / "closed", ns=(10**18, 10**18 + 123456789))
    (directory / b"not \xff text".decode(errors="surrogateescape")).write_text("1")
    directory.chmod(0o700)
    os.chown(directory, 10090, 10090)


def test_a_pass_takes_everything_along_and_the_next_one_nothing(two: Two) -> None:
    filled(two.here)
    done = two.carrying.once()
    assert done.files == 42 and done.bytes > 40 * 3000
    assert two.carrying.differences() == []
    assert "43 files" in two.said[-1] or "44 files" in two.said[-1]
    first, twin = (two.there / n for n in ("docs/Công văn/số 1.pdf", "twin"))
    assert first.stat().st_ino == twin.stat().st_ino
    assert (first.stat().st_uid, first.stat().st_gid) == (10090, 10090)
    assert stat.S_IMODE((two.there / "closed").stat().st_mode) == 0o400
    assert stat.S_IMODE(two.there.stat().st_mode) == 0o700
    again = two.carrying.once()
    assert (again.files, again.bytes) == (0, 0)


def test_what_is_left_behind_stays_where_it_is(two: Two) -> None:
    for directory, text in ((two.here, "new"), (two.there, "old")):
        (directory / "tmp").mkdir()
        (directory / "tmp" / "file").write_text(text)
    (two.here / "doc").write_text("1")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(two.here / "a.sock"))
    two.carrying.once()
    assert (two.there / "tmp" / "file").read_text() == "old"
    assert sorted(p.name for p in two.there.iterdir()) == ["doc", "tmp"]
    assert two.carrying.differences() == []


def test_changes_and_removals_follow_and_the_rest_is_told_without_writing(two: Two) -> None:
    filled(two.here)
    two.carrying.once()
    (two.here / "twin").unlink()
    (two.here / "more").write_bytes(b"y" * 5000)
    behind = two.carrying.behind()
    assert (behind.files, behind.bytes) == (1, 5000)
    assert not (two.there / "more").exists() and (two.there / "twin").exists()
    two.carrying.once()
    assert (two.there / "more").exists() and not (two.there / "twin").exists()
    assert two.carrying.behind().files == 0
    assert two.carrying.differences() == []


def test_a_change_of_the_same_size_in_the_same_second_follows(two: Two) -> None:
    file = two.here / "counter"
    file.write_text("1")
    os.utime(file, ns=(10**18, 10**18))
    two.carrying.once()
    file.write_text("2")
    os.utime(file, ns=(10**18, 10**18 + 5))
    two.carrying.once()
    assert (two.there / "counter").read_text() == "2"


def test_any_difference_is_found_and_named(two: Two) -> None:
    filled(two.here)
    two.carrying.once()
    two.carrying.known()
    there = two.there
    os.chown(there / "closed", 1, 1)
    (there / "docs" / "Công văn" / "số 2.pdf").chmod(0o600)
    (there / "twin").unlink()
    (there / "beside").write_text("")
    (there / "empty").mkdir()
    (there / "link").unlink()
    found = "\n".join(two.carrying.differences())
    for word in (
        "closed: file 400 0:0,",
        "số 2.pdf: file 644 ",
        "twin: file",
        "số 1.pdf: file 644 10090:10090, 2 names",
        "beside: absent there",
        "empty: absent there",
        "link: link to docs",
    ):
        assert f"{word}" in found


def test_other_contents_behind_the_same_size_and_time_are_found_and_mended(two: Two) -> None:
    filled(two.here)
    two.carrying.once()
    time.sleep(2.1)  # later than that the sums of files are remembered
    two.carrying.known()
    file = two.there / "closed"
    file.write_bytes(b"z" * 100)
    os.utime(file, ns=(10**18, 10**18 + 123456789))
    assert two.carrying.once().files == 0, "size and time say the same"
    (found,) = two.carrying.differences()
    assert "closed" in found
    assert two.carrying.once(sums=True).files == 1
    assert two.carrying.differences() == []


def test_what_was_read_before_is_not_read_again(two: Two, tmp_path: Path) -> None:
    filled(two.here)
    time.sleep(2.1)  # a file that was changed just now is not believed to stay
    store = two.carrying.source
    before = store.look()
    memory = tmp_path / "remembered-one" / f"{VOLUME}.json"
    text = memory.read_text()
    assert len(text) > 40 * 64
    began = (two.here / "closed").stat().st_atime_ns
    assert store.look() == before
    assert (two.here / "closed").stat().st_atime_ns == began


def test_nothing_is_written_where_users_are_served(two: Two) -> None:
    (two.there / "doc").write_text("1")
    two.serving = SECOND
    for attempt in (two.carrying.once, two.carrying.finish):
        with pytest.raises(HanoiError, match="HN-T013"):
            attempt()
    assert (two.there / "doc").exists()


def test_an_empty_volume_empties_no_other(two: Two) -> None:
    """A host that was made anew must not take its copy along into nothing."""
    filled(two.there)
    with pytest.raises(HanoiError, match="HN-T012"):
        two.carrying.once()
    assert (two.there / "closed").exists()


def test_the_sender_can_not_be_written_to(two: Two) -> None:
    """Whatever the receiving host asks for."""
    from infra.moves import files as module

    (two.here / "doc").write_text("1")
    daemon = module._DAEMON.format(gentle="", path=two.here)
    bridge = module._BRIDGE
    client = f"exec rsync -r -e '{bridge}' {two.there}/ there::files/ 3<&0 4>&1 >&2"
    (two.there / "evil").write_text("1")
    source = two.carrying.source.host
    sent, received = relay(source, daemon, source, client)
    assert received.rc != 0 and "read only" in sent.said
    assert not (two.here / "evil").exists()


def test_a_failure_names_place_and_cause(two: Two) -> None:
    filled(two.here)
    two.carrying.target._paths[VOLUME] = "/proc/nowhere"
    two.carrying.target.holds_any = lambda volume: False  # type: ignore[method-assign]
    with pytest.raises(HanoiError, match="HN-T011") as caught:
        two.carrying.once()
    assert "nd-1" in str(caught.value) and "/proc/nowhere" in str(caught.value)


def test_a_killed_run_leaves_nothing_running_and_the_next_one_ends_it(
    two: Two, host: ssh.Connection
) -> None:
    (two.here / "large").write_bytes(os.urandom(2**20) * 300)
    program = textwrap.dedent(f"""
        from infra import ssh
        from infra.moves.files import Carrying
        from infra.moves.stores import Store
        from infra.placement import Place
        from infra.resources import Files
        with ssh.connected([("a", "127.0.0.1")], {host.user!r}, {host.port}) as hosts:
            a, b = (Store(Place(n), (Files("{VOLUME}"),), (), (), hosts["a"], "",
                {{"{VOLUME}": p}}) for n, p in (("x", "{two.here}"), ("y", "{two.there}")))
            Carrying("test", a, b, print, lambda: Place("x")).once()
    """)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 30
    while not any(two.there.glob(".large.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    lock = LOCK.format(volume=VOLUME)
    assert host.run(f"flock -w 10 {lock} true").rc == 0, "the receiver went on"
    two.carrying.once()
    assert [p.name for p in two.there.iterdir()] == ["large"]
    assert two.carrying.differences() == []


def test_two_programs_talk_and_a_broken_one_ends_the_other(host: ssh.Connection) -> None:
    heard: list[str] = []
    one, other = relay(
        host, "echo question; read a; echo $a >&2; exit 3",
        host, "read q; echo answer to $q; printf 'a\\rb\\nc' >&2", heard.append,
    )  # fmt: skip
    assert (one.rc, one.said, other.rc, heard) == (3, "answer to question", 0, ["a", "b"])
    done = threading.Event()
    threading.Thread(
        target=lambda: (relay(host, "exit 1", host, "cat"), done.set()), daemon=True
    ).start()
    assert done.wait(20), "the second waits for ever"


def test_rsyncs_progress_is_read() -> None:
    line = "      32768   25%  0.00kB/s    0:00:00 (xfr#1, to-chk=3/8)"
    assert progress(line.strip()) == (3, 98304)
    assert progress("sent 5 bytes") is None


def test_what_others_need_stops_last() -> None:
    def container(name: str, *needs: str) -> Container:
        return Container(name, "i", "1:1", (), "", 1, needs=needs)

    made = (
        container("valkey"),
        container("web", "own-database", "valkey"),
        container("worker", "valkey"),
    )
    assert levels(made) == [["web", "worker"], ["valkey"]]
