"""A saved plan: what is refused, and what is said to have moved."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import deploy, facts
from infra.errors import Exit, HanoiError
from infra.live import apply, moved, saved
from infra.live.described import Described, Source, source
from infra.live.preview import Ahead
from infra.live.runtime import RuntimeAhead
from infra.records import carry as records
from infra.report.content import Change, Report, Summary
from tests.unit.livehost import facts_of, sample

MODEL, PLAN = sample()
SOURCE = Source("1a2b3c4d5e", False, "d" * 64)
DESCRIBED = Described(MODEL, PLAN, SOURCE)
FILE = "/etc/hanoi/etcd/etcd.yaml"
KEY = "/etc/hanoi/etcd/tls.key"


def report(*changes: Change) -> Report:
    return Report("plan", "live", "sites", "Bộ", "Ministry", Summary(), changes)


def look(host_id: str, **drift: Any) -> facts.Look:
    answer = facts_of(PLAN.host(host_id), PLAN)
    answer["drift"] |= drift
    return facts.parse(host_id, answer)


def ahead() -> Ahead:
    """Everything as planned but one file of nd-1 and the key beside it."""
    files = [{"path": FILE, "why": "content"}, {"path": KEY, "why": "content"}]
    live = {"kind": "file", "mode": "0444", "owner": "root", "size": 9, "changed": 1000.5}
    return Ahead(
        DESCRIBED,
        report(Change("file", FILE, "update", "nd-1"), Change("file", KEY, "update", "nd-1")),
        None,
        {h.id: look(h.id, **({"files": files} if h.id == "nd-1" else {})) for h in PLAN.hosts},
        {"nd-1": {"files": {FILE: {**live, "sha256": "a" * 64}, KEY: live}}},
        {h.id: "checkpoint" for h in PLAN.hosts},
        RuntimeAhead(),
        {"etcd": "0123456789abcdef"},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.bin"
    saved.save(path, ahead(), ("nguyen-du",))
    return path


def test_what_was_saved_is_read_again(file: Path) -> None:
    kept = saved.read(file)
    assert kept.sites == ("nguyen-du",)
    assert kept.source == SOURCE
    assert kept.through == PLAN.through
    assert kept.changes == {f"nd-1 file {FILE}": "update", f"nd-1 file {KEY}": "update"}
    assert kept.report["ministry_vi"] == "Bộ"
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_moved(file: Path) -> None:
    kept = saved.read(file)
    moved.refuse_description(kept, DESCRIBED)
    moved.refuse_sites(kept, ahead())


def test_of_a_file_with_a_secret_no_digest_is_kept(file: Path) -> None:
    host = saved.read(file).hosts["nd-1"]
    assert host[f"content of {KEY}"] == "9 bytes, 1000.500 0444 root"


def rewritten(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The file with another content and a checksum that fits."""
    content = json.loads(zlib.decompress(file.read_bytes().partition(b"\n")[2]))
    change(content)
    body = zlib.compress(json.dumps(content).encode())
    file.write_bytes(b"hanoi-plan/1 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


BAD = {
    "empty": (lambda data: b"", "HN-R030"),
    "foreign": (lambda data: b"PK\x03\x04 something else", "HN-R030"),
    "text": (lambda data: b"hanoi-plan\n{}", "HN-R030"),
    "no number": (lambda data: data.replace(b"plan/1", b"plan/x", 1), "HN-R030"),
    "newer": (lambda data: data.replace(b"plan/1", b"plan/2", 1), "HN-R032"),
    "cut off": (lambda data: data[:-5], "HN-R031"),
    "altered": (lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "HN-R031"),
    "longer": (lambda data: data + b"x", "HN-R031"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file(file: Path, name: str) -> None:
    change, code = BAD[name]
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(HanoiError) as refused:
        saved.read(file)
    [problem] = refused.value.problems
    assert problem.code == code
    assert problem.where == str(file)
    assert refused.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("hosts"),
        lambda c: c.update(extra=1),
        lambda c: c.update(hosts=[]),
        lambda c: c.update(source={"commit": "x"}),
        lambda c: c.update(sites=None),
    ],
)
def test_a_file_with_a_fitting_checksum_and_another_content(
    file: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    rewritten(file, change)
    with pytest.raises(HanoiError) as refused:
        saved.read(file)
    assert [p.code for p in refused.value.problems] == ["HN-R031"]


def test_a_body_that_is_not_compressed_json(file: Path) -> None:
    for body in (b"no", zlib.compress(b"[1"), zlib.compress(b"[]")):
        digest = hashlib.sha256(body).hexdigest().encode()
        file.write_bytes(b"hanoi-plan/1 " + digest + b"\n" + body)
        with pytest.raises(HanoiError) as refused:
            saved.read(file)
        assert [p.code for p in refused.value.problems] == ["HN-R031"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HanoiError) as refused:
        saved.read(tmp_path / "none.bin")
    assert [p.code for p in refused.value.problems] == ["HN-R030"]


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(HanoiError) as refused:
        saved.save(tmp_path / "none" / "plan.bin", ahead(), ())
    assert [p.code for p in refused.value.problems] == ["HN-R040"]
    assert not (tmp_path / "none").exists()


DESCRIPTIONS = {
    "another commit": (replace(DESCRIBED, source=replace(SOURCE, commit="9f8e7d6c5b")), "9f8e7d6"),
    "uncommitted changes": (
        replace(DESCRIBED, source=replace(SOURCE, dirty=True, digest="e" * 64)),
        "with changes",
    ),
    "other changes than then": (replace(DESCRIBED, source=replace(SOURCE, digest="f" * 64)), ""),
    "no repository any more": (replace(DESCRIBED, source=replace(SOURCE, commit=None)), "files"),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_that_has_moved(file: Path, name: str) -> None:
    now, word = DESCRIPTIONS[name]
    with pytest.raises(HanoiError) as refused:
        moved.refuse_description(saved.read(file), now)
    assert refused.value.exit_code == Exit.REFUSED
    [problem] = refused.value.problems
    assert problem.code == "HN-R034"
    assert word in problem.what and "1a2b3c4" in problem.what


def test_what_is_planned_otherwise_is_named(file: Path) -> None:
    """The toolkit's own templates have changed: the description is the same, the plan is not."""
    first, *others = PLAN.sites
    host = first.hosts[0]
    files = tuple(
        replace(f, content=f.content + "#\n") if f.path == FILE else f for f in host.parts.files
    )
    changed = replace(host, parts=replace(host.parts, files=files))
    plan = replace(PLAN, sites=(replace(first, hosts=(changed, *first.hosts[1:])), *others))
    with pytest.raises(HanoiError) as refused:
        moved.refuse_description(saved.read(file), replace(DESCRIBED, plan=plan))
    [problem] = refused.value.problems
    assert problem.code == "HN-R034"
    assert problem.what.endswith(f"it differs in {host.id} files {FILE}")


def test_another_toolkit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moved, "__version__", "9.0")
    with pytest.raises(HanoiError) as refused:
        moved.refuse_description(saved.read(file), DESCRIBED)
    [problem] = refused.value.problems
    assert problem.code == "HN-R033" and "9.0" in problem.what


def with_look(now: Ahead, host: str, **changes: Any) -> Ahead:
    return replace(now, looks={**now.looks, host: replace(now.looks[host], **changes)})


def stopped(seen: facts.Look) -> tuple[facts.RunningContainer, ...]:
    return tuple(replace(c, state="exited") if c.name == "gateway" else c for c in seen.containers)


SITES: dict[str, tuple[Callable[[Ahead], Ahead], str, str, str]] = {
    "another machine": (
        lambda a: with_look(a, "tdh-1", machine_id="other"),
        "HN-R035", "host tdh-1", "machine: was machine-tdh-1, is other",
    ),
    "a container stopped": (
        lambda a: with_look(a, "ddn-1", containers=stopped(a.looks["ddn-1"])),
        "HN-R035", "host ddn-1", "container gateway: was ",
    ),
    "a container gone": (
        lambda a: with_look(a, "ddn-1", containers=a.looks["ddn-1"].containers[1:]),
        "HN-R035", "host ddn-1", "is not there",
    ),
    "a file that differs since": (
        lambda a: with_look(a, "tdh-1", files=(facts.FileDrift("/etc/x", "mode"),)),
        "HN-R035", "host tdh-1", "file /etc/x: was as planned, is differs by mode",
    ),
    "a file that was put right": (
        lambda a: with_look(a, "nd-1", files=(facts.FileDrift(KEY, "content"),)),
        "HN-R035", "host nd-1", f"file {FILE}: was differs by content, is as planned",
    ),
    "a differing file changed again": (
        lambda a: replace(a, current={"nd-1": {"files": {
            **a.current["nd-1"]["files"],
            FILE: {**a.current["nd-1"]["files"][FILE], "sha256": "b" * 64}}}}),
        "HN-R035", "host nd-1", f"content of {FILE}",
    ),
    "a package removed": (
        lambda a: with_look(a, "nd-1", packages=("nftables",)),
        "HN-R035", "host nd-1", "package nftables: was as planned, is not installed",
    ),
    "a volume gone": (
        lambda a: with_look(a, "nd-1", volumes=("etcd-data",)),
        "HN-R035", "host nd-1", "volume postgres-data: was there, is not there",
    ),
    "an action due": (
        lambda a: with_look(a, "nd-1", pending=(facts.Pending("ssh", 1.0, False),)),
        "HN-R035", "host nd-1", "action ssh: was as planned, is due",
    ),
    "the database": (
        lambda a: replace(a, runtime=RuntimeAhead(differs=("role tryton: rights",))),
        "HN-R035", "inside the services", "role tryton: rights: was as planned, is differs",
    ),
    "Pulumi's state": (
        lambda a: replace(a, checkpoints={**a.checkpoints, "tdh-1": "newer"}),
        "HN-R036", "Pulumi's state of tdh-1", "another run",
    ),
    "an image": (
        lambda a: replace(a, images={"etcd": "f" * 16}),
        "HN-R036", "images", "etcd: was 0123456789abcdef, is ffffffffffffffff",
    ),
    "a secret that is due since": (
        lambda a: replace(a, report=report(*a.report.changes, Change("secret", "ca", "create"))),
        "HN-R036", "what a deploy would do", "secret ca: was nothing, is create",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SITES)
def test_sites_that_have_moved(file: Path, name: str) -> None:
    change, code, where, what = SITES[name]
    with pytest.raises(HanoiError) as refused:
        moved.refuse_sites(saved.read(file), change(ahead()))
    assert refused.value.exit_code == Exit.REFUSED
    [problem] = refused.value.problems
    assert (problem.code, problem.where) == (code, where)
    assert what in problem.what


def test_what_is_none_of_ours_may_move(file: Path) -> None:
    """Another's volume or network, a restart of a container, a new leader."""
    now = ahead()
    seen = now.looks["nd-1"]
    changed = with_look(
        now,
        "nd-1",
        volumes=(*seen.volumes, "somebody's"),
        networks=(*seen.networks, facts.RunningNetwork("other", "x", False)),
        containers=tuple(replace(c, started=5.0, restarts=3) for c in seen.containers),
    )
    moved.refuse_sites(saved.read(file), replace(changed, runtime=RuntimeAhead(leader="tdh-1")))


def test_long_lists_are_counted() -> None:
    found = moved.host_problems({"h": {}}, {"h": {f"file {n:02}": "x" for n in range(20)}})
    assert found[0].what.endswith("; and 8 more")


def test_every_field_is_compared(file: Path) -> None:
    """A field that somebody adds to what is saved must be compared somewhere."""
    compared = {
        "toolkit", "source", "nouns", "hosts", "checkpoints", "images", "runtime", "changes",
    }  # fmt: skip
    not_compared = {"through", "sites", "report"}  # what the deploy itself is told
    assert {f.name for f in dataclasses.fields(saved.Saved)} == compared | not_compared


def test_the_source_of_a_model(tmp_path: Path) -> None:
    import subprocess

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        argv = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "ministry.yaml").write_text("id: a\n")
    outside = source(tmp_path)
    assert outside.commit is None and not outside.dirty
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    clean = source(tmp_path)
    assert (clean.commit, clean.dirty) == (git("rev-parse", "HEAD"), False)
    assert clean.digest == outside.digest
    index = tmp_path / ".git" / "index"
    before = index.stat().st_mtime_ns
    (tmp_path / "ministry.yaml").write_text("id: b\n")
    changed = source(tmp_path)
    assert changed.dirty and changed.digest != clean.digest
    assert index.stat().st_mtime_ns == before
    assert str(changed) == f"{clean.commit[:7]} with changes"


@pytest.mark.parametrize(
    ("sites", "done"),
    [((), ["conflicts", "deploy", "moves", "records"]), (("nguyen-du",), ["conflicts", "deploy"])],
)
def test_moves_and_records_follow_where_all_sites_are_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sites: tuple[str, ...], done: list[str]
) -> None:
    """As a deploy without a file: what the description wants elsewhere would stay for ever."""
    path, seen = tmp_path / "plan.bin", []
    saved.save(path, ahead(), sites)
    run = SimpleNamespace(look=lambda: None, hosts=[PLAN.host("nd-1")], looks=ahead().looks)
    monkeypatch.setattr(apply, "describe", lambda through: DESCRIBED)
    monkeypatch.setattr(apply, "look_ahead", lambda *_: ahead())
    monkeypatch.setattr(deploy, "opened", lambda *_: nullcontext(run))
    monkeypatch.setattr(deploy, "execute", lambda *_: seen.append("deploy"))
    monkeypatch.setattr(apply, "carry_out_due", lambda *_: seen.append("moves"))
    monkeypatch.setattr(records, "work_of", lambda run: run)
    monkeypatch.setattr(records, "refuse_conflicts", lambda *_: seen.append("conflicts"))
    monkeypatch.setattr(records, "carry_out_due", lambda _: seen.append("records"))
    apply.apply(path, lambda: None, lambda _: None, options=False, verify=False)
    assert seen == done
