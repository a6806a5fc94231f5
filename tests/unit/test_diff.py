"""The offline comparison from a real repository: revisions, what cannot be read, own code."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
import infra.report
from infra.diff import own_code
from infra.diff.bootstrap import plain
from infra.diff.review import report
from infra.errors import Exit, HanoiError
from infra.plan import plan
from infra.report.content import Report
from tests.golden.model import model

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "sites"
CANARY = "canary-7f3e9b"


def git(place: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ("-c", "user.name=Lan", "-c", "user.email=lan@mic.example")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=place, env=environment, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit(place: Path, message: str = "change") -> str:
    git(place, "add", "-A")
    git(place, "commit", "-qm", message, "--allow-empty")
    return git(place, "rev-parse", "HEAD")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def more_memory(sites: Path) -> None:
    edit(sites / "apps" / "personnel.yaml", "memory: 512MiB", "memory: 768MiB")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("HANOI_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(infra.report, "render", _as_json, raising=False)


def _as_json(made: Report, form: str) -> str:
    return json.dumps(asdict(made), ensure_ascii=False)


@pytest.fixture
def ministry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the sample on main, the current directory."""
    place = tmp_path / "bộ thông tin"
    shutil.copytree(SAMPLE, place / "sites")
    git(place.parent, "init", "-q", "-b", "main", str(place))
    commit(place)
    monkeypatch.chdir(place)
    return place


def changed(made: Report) -> set[tuple[str, str, str, str]]:
    return {(c.operation, c.kind, c.name, c.host) for c in made.changes}


MORE_MEMORY = {
    ("update", "application", "personnel", ""),
    *(("replace", "container", "tryton", h) for h in ("ddn-1", "nd-1", "tdh-1")),
}


@pytest.mark.parametrize(
    ("revisions", "base", "head"),
    [
        (None, "main", "working tree"),
        ("main", "main", "working tree"),
        ("main..", "main", "working tree"),
        ("main..topic", "main", "topic"),
        ("main...topic", "main", "topic"),
        ("..topic", "main", "topic"),
    ],
)
def test_what_is_compared(ministry: Path, revisions: str | None, base: str, head: str) -> None:
    first = git(ministry, "rev-parse", "HEAD")
    git(ministry, "checkout", "-qb", "topic")
    more_memory(ministry / "sites")
    last = commit(ministry)
    made = report(revisions)
    assert made.base == f"{base} ({first[:7]})"
    assert made.head == (head if head == "working tree" else f"{head} ({last[:7]})")
    assert changed(made) == MORE_MEMORY


def test_what_main_did_meanwhile_is_not_the_branchs(ministry: Path) -> None:
    git(ministry, "checkout", "-qb", "topic")
    more_memory(ministry / "sites")
    commit(ministry)
    git(ministry, "checkout", "-q", "main")
    edit(ministry / "sites" / "ministry.yaml", "max_connections: 200", "max_connections: 300")
    commit(ministry)
    git(ministry, "checkout", "-q", "topic")
    assert changed(report()) == MORE_MEMORY
    assert changed(report("main...topic")) == MORE_MEMORY
    assert len(changed(report("main..topic"))) > len(MORE_MEMORY)


def test_files_that_are_not_committed_count_in_the_working_tree_only(ministry: Path) -> None:
    (ministry / "sites" / "apps" / "personnel.yaml").rename(ministry / "gone.yaml")
    with pytest.raises(HanoiError) as caught:
        report()
    assert {p.code for p in caught.value.problems} >= {"HN-M050"}
    assert report("main..main").empty


def test_nothing_in_the_repository_is_touched(ministry: Path) -> None:
    more_memory(ministry / "sites")
    os.utime(ministry / "sites" / "ministry.yaml", (1, 1))  # git would refresh its index
    before = snapshot(ministry)
    report()
    report("HEAD..HEAD")
    assert snapshot(ministry) == before


def snapshot(place: Path) -> dict[str, tuple[int, str]]:
    return {
        str(p): (p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest())
        for p in place.rglob("*")
        if p.is_file()
    }


def test_from_a_directory_below_and_a_caller_that_is_a_hook(
    ministry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_memory(ministry / "sites")
    (ministry / "docs").mkdir()
    monkeypatch.chdir(ministry / "docs")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    assert changed(report()) == MORE_MEMORY


def test_hooks_filters_and_monitors_of_the_repository_do_not_run(ministry: Path) -> None:
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand"):
        git(ministry, "config", name, f"touch {ministry}/ran; false")
    more_memory(ministry / "sites")
    assert changed(report()) == MORE_MEMORY
    assert not (ministry / "ran").exists()


def test_a_description_that_is_a_repository_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "model"
    shutil.copytree(SAMPLE, place)
    git(tmp_path, "init", "-q", "-b", "main", str(place))
    commit(place)
    more_memory(place)
    monkeypatch.setenv("HANOI_SITES", str(place))
    assert changed(report()) == MORE_MEMORY


def test_a_unit_that_is_renamed_is_shown_as_a_rename(ministry: Path) -> None:
    edit(ministry / "sites" / "units" / "vu-phap-che.yaml", "Vụ Pháp chế", "Cục Pháp chế")
    made = report()
    assert changed(made) == {("rename", "unit", "vu-phap-che", "")}
    (touched,) = made.summary.touched
    assert (touched.kind, touched.id, touched.name_vi) == ("unit", "vu-phap-che", "Cục Pháp chế")


# What cannot be compared


def hanoi(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["diff", *arguments])


def _shallow(place: Path) -> list[str]:
    commit(place)
    git(place, "clone", "-q", "--depth", "1", f"file://{place}", str(place / "clone"))
    os.chdir(place / "clone")
    return ["HEAD~1..HEAD"]


def _shallow_topic(place: Path) -> list[str]:
    git(place, "checkout", "-qb", "topic")
    commit(place)
    url = f"file://{place}"
    git(place, "checkout", "-q", "main")
    git(place, "clone", "-q", "--depth", "1", "--branch", "topic", url, str(place / "clone"))
    os.chdir(place / "clone")
    return []


def _no_main(place: Path) -> list[str]:
    git(place, "branch", "-m", "main", "trunk")
    return []


def _unrelated(place: Path) -> list[str]:
    git(place, "checkout", "-q", "--orphan", "other")
    commit(place, "another beginning")
    return ["main...other"]


def _plain(place: Path) -> list[str]:
    shutil.rmtree(place / ".git")
    return []


def _no_sites(place: Path) -> list[str]:
    git(place, "rm", "-rq", "sites")
    commit(place)
    return ["main~1..main"]


def _link(place: Path) -> list[str]:
    git(place, "mv", "sites", "real")
    (place / "sites").symlink_to("real")
    commit(place)
    return ["main~1..main"]


def _lost_object(place: Path) -> list[str]:
    blob = git(place, "rev-parse", "main:sites/ministry.yaml")
    (place / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    return ["main..main"]


def _unwritable(place: Path) -> list[str]:
    (place / "file").touch()
    return ["-o", "file/report.json"]


def _said(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda place: list(arguments)


@pytest.mark.parametrize(
    ("prepare", "code", "exit_code", "words"),
    [
        (_said("nonsense..main"), "HN-R001", Exit.USAGE, "revision nonsense"),
        (_said("main..nonsense"), "HN-R001", Exit.USAGE, "git fetch origin"),
        (_said("main:sites"), "HN-R001", Exit.USAGE, "no such commit"),
        (_said("--", "--output=x"), "HN-R001", Exit.USAGE, "no such commit"),
        (_shallow, "HN-R002", Exit.USAGE, "git fetch --unshallow"),
        (_shallow_topic, "HN-R002", Exit.USAGE, "fetch-depth: 0"),
        (_plain, "HN-R003", Exit.ENVIRONMENT, "not in a git repository"),
        (_no_main, "HN-R004", Exit.USAGE, "hanoi diff BASE..HEAD"),
        (_unrelated, "HN-R005", Exit.USAGE, "no history in common"),
        (_lost_object, "HN-R006", Exit.ENVIRONMENT, "git fsck"),
        (_link, "HN-R007", Exit.USAGE, "symbolic link"),
        (_no_sites, "HN-R009", Exit.USAGE, "no description"),
        (_unwritable, "HN-R012", Exit.ENVIRONMENT, "cannot be written"),
        (_said("--through", "nonsense"), "HN-P001", Exit.USAGE, "choose one of"),
    ],
)
def test_what_cannot_be_compared_says_why(
    ministry: Path,
    prepare: Callable[[Path], list[str]],
    code: str,
    exit_code: Exit,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ministry)
    result = hanoi(*prepare(ministry))
    assert code in result.stderr
    assert words in result.stderr
    assert result.exit_code == exit_code
    assert "Traceback" not in result.output


def test_a_machine_without_git(ministry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = hanoi()
    assert "HN-R003" in result.stderr and "git is not installed" in result.stderr


def test_a_broken_head_is_told_as_check_tells_it(ministry: Path) -> None:
    edit(ministry / "sites" / "ministry.yaml", "hub: nguyen-du", "hub: nowhere")
    result = hanoi()
    assert result.exit_code == Exit.FINDINGS
    assert result.stderr.startswith("sites/ministry.yaml:")
    commit(ministry)
    assert "main" in hanoi("main~1..main").stderr.split(":")[0]


def test_a_broken_base_lets_head_be_judged(ministry: Path) -> None:
    edit(ministry / "sites" / "ministry.yaml", "hub: nguyen-du", "hub: nowhere")
    commit(ministry)
    edit(ministry / "sites" / "ministry.yaml", "hub: nowhere", "hub: nguyen-du")
    made = report()
    assert made.changes == ()
    (unknown,) = made.summary.unknown
    assert "cannot be read, so nothing is compared" in unknown
    assert "sites/ministry.yaml" in unknown
    edit(
        ministry / "sites" / "ministry.yaml",
        "user_networks: [10.77.0.0/16]",
        "user_networks: [0.0.0.0/0]",
    )
    assert "open-to-everyone" in {f.id for f in report().summary.findings}


def test_a_base_without_a_description_is_nothing_known(ministry: Path) -> None:
    first = git(ministry, "commit-tree", "-m", "empty", git(ministry, "mktree"))
    made = report(f"{first}..main")
    assert made.summary.unknown == (f"{made.base} has no sites: everything is new",)


def test_links_and_submodules_in_a_revision_are_judged_as_on_disk(ministry: Path) -> None:
    unit = ministry / "sites" / "units" / "vu-phap-che.yaml"
    unit.unlink()
    unit.symlink_to("/etc/passwd")
    commit(ministry)
    with pytest.raises(HanoiError, match="HN-M005"):
        report("main~1..main")
    commit_id = git(ministry, "rev-parse", "HEAD")
    git(ministry, "update-index", "--add", "--cacheinfo", f"160000,{commit_id},sites/sub")
    git(ministry, "commit", "-qm", "a submodule")
    with pytest.raises(HanoiError, match=r"sites/sub.*HN-M003"):
        report("main~1..main")


def test_a_wave_that_only_head_has(ministry: Path) -> None:
    edit(ministry / "sites" / "roadmap.yaml", "- id: personnel\n", "- id: personnel-all\n")
    made = report(through="personnel-all")
    assert "has no wave personnel-all" in made.summary.unknown[0]


def test_a_policy_beside_the_description_of_either_revision(ministry: Path) -> None:
    policy = ministry / "policies" / "no_tryton.py"
    policy.parent.mkdir()
    policy.write_text(
        "from infra.policies import Danger, policy\n\n"
        "@policy('tryton', severity='refused', reason='r', remedy='r', compares=False)\n"
        "def tryton(before, after, changes):\n"
        "    yield from (Danger(c.host, c.why) for c in changes if c.name == 'tryton')\n"
    )
    more_memory(ministry / "sites")
    assert hanoi().exit_code == Exit.REFUSED
    commit(ministry)
    policy.unlink()
    edit(ministry / "sites" / "apps" / "personnel.yaml", "memory: 768MiB", "memory: 1GiB")
    assert hanoi().exit_code == Exit.REFUSED, "the base's policy still applies"
    commit(ministry)
    assert hanoi("main~1..main").exit_code == Exit.REFUSED
    edit(ministry / "sites" / "apps" / "personnel.yaml", "memory: 1GiB", "memory: 768MiB")
    assert hanoi().exit_code == Exit.OK


def test_no_secret_is_in_a_report(ministry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Canaries in the vault, its password, the environment and the vault files of git."""
    secrets = ministry / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("HANOI_SECRETS", str(secrets))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", CANARY)
    (secrets / ".vault-password").write_text(CANARY)
    (secrets / "passwords.yml").write_text(f"$ANSIBLE_VAULT;1.1;AES256\n{CANARY}\n")
    (secrets / "certificates.yml").write_text(f"gateway/nd-1: {{key: {CANARY}}}\n")
    commit(ministry)
    (secrets / "passwords.yml").write_text(f"$ANSIBLE_VAULT;1.1;AES256\n{CANARY}-2\n")
    (secrets / "certificates.yml").write_text(f"gateway/nd-1: {{key: {CANARY}-2}}\n")
    edit(ministry / "sites" / "ministry.yaml", "domain: mic.example", "domain: mst.example")
    result = hanoi()
    assert "secret://personnel/admin" not in result.stdout  # nothing of it changes
    assert "certificate gateway/nd-1 is issued anew" in result.stdout
    assert '"secrets/passwords.yml"' in result.stdout
    assert '"secrets/certificates.yml"' not in result.stdout, "only what is encrypted is named"
    assert CANARY not in result.output


# Each side by its own code


@pytest.fixture
def with_toolkit(ministry: Path) -> Path:
    """The same repository with the toolkit in it, as it runs."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("infra", "images", "roles", "playbooks"):
        shutil.copytree(REPOSITORY / name, ministry / name, ignore=ignore)
    shutil.copytree(REPOSITORY / "tests/compliance", ministry / "tests/compliance", ignore=ignore)
    commit(ministry, "the toolkit")
    return ministry


def test_the_same_toolkit_on_both_sides_runs_here(
    with_toolkit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "planned", lambda *_: pytest.fail("another process"))
    more_memory(with_toolkit / "sites")
    assert changed(report()) == MORE_MEMORY


def test_a_change_of_the_toolkit_shows(with_toolkit: Path) -> None:
    place = with_toolkit
    edit(place / "infra/services/templates/gateway/haproxy.cfg.j2", "timeout check 3s",
         "timeout check 4s")  # fmt: skip
    edit(place / "images/tryton/Dockerfile", "# Tryton 7.0", "# Tryton, version 7.0")
    edit(place / "images/postgres/Dockerfile", "      postgresql-17", "      postgresql-16")
    edit(place / "roles/files/tasks/main.yml", "# One task", "# A single task")
    edit(place / "tests/compliance/test_gateway.py", "GATE-06", "GATE-66")
    hosts = ("ddn-1", "nd-1", "tdh-1")
    expected = {
        *(("update", "file", "/etc/hanoi/gateway/haproxy.cfg", h) for h in hosts),
        *(("reload", "container", "gateway", h) for h in hosts),
        *(("replace", "container", c, h) for c in ("tryton", "postgres") for h in hosts),
        ("update", "image", "tryton", ""),
        ("update", "image", "postgres", ""),
        ("update", "toolkit", "roles/files", ""),
    }
    made = report()
    assert changed(made) == expected
    assert {c.why for c in made.changes if c.name == "tryton" and c.host} == {"its image changes"}
    assert [(c.control, c.operation) for c in made.summary.checks] == [
        ("GATE-06", "delete"),
        ("GATE-66", "create"),
    ]
    assert [(f.id, f.what) for f in made.summary.findings] == [("downgrade", "postgresql 17 → 16")]
    commit(place)
    assert changed(report("main~1..main")) == expected, "both from objects"


@pytest.mark.parametrize("another", [False, True], ids=["here", "by its own code"])
def test_a_units_data_moves_with_its_choice(with_toolkit: Path, another: bool) -> None:
    if another:
        (with_toolkit / "infra/note.py").write_text("ANOTHER = True\n")
    unit = with_toolkit / "sites/units/vu-to-chuc-can-bo.yaml"
    own = "mode: self-hosted\n    host: tccb-1\n    backup:\n      directory: /srv/backup"
    edit(unit, "  personnel:\n    mode: central", f"  personnel:\n    {own}")
    host = "{id: tccb-1, address: 10.77.9.50, cpus: 2, memory: 4GiB, storage: 50GiB}"
    edit(unit, "applications:", f"hosts: [{host}]\napplications:")
    summary = report().summary
    moved = [(d.what.partition(" (")[0], d.units) for d in summary.data if d.effect == "moved"]
    assert moved == [("personnel of vu-to-chuc-can-bo", ("vu-to-chuc-can-bo",))]
    assert [i.whom for i in summary.interruptions] == ["users of personnel of vu-to-chuc-can-bo"]
    assert [f.id for f in summary.findings if f.severity != "note"] == []


def test_a_toolkit_that_does_not_work(with_toolkit: Path) -> None:
    good = (with_toolkit / "infra/plan.py").read_text()
    (with_toolkit / "infra/plan.py").write_text("raise RuntimeError('half done')\n")
    result = hanoi()
    assert "HN-R008" in result.stderr and "half done" in result.stderr
    assert result.exit_code == Exit.FAILED
    commit(with_toolkit)
    (with_toolkit / "infra/plan.py").write_text(good)
    (unknown,) = report().summary.unknown
    assert "HN-R008" in unknown


def test_a_description_that_only_its_own_toolkit_reads(with_toolkit: Path) -> None:
    """The schema gains a key, and the description uses it."""
    edit(
        with_toolkit / "infra/model/schema.py",
        "    hub: Id\n",
        "    hub: Id\n    motto: Text = ''\n",
    )
    edit(with_toolkit / "sites/ministry.yaml", "hub: nguyen-du", "hub: nguyen-du\nmotto: Tận tụy")
    more_memory(with_toolkit / "sites")
    made = report()
    assert changed(made) == MORE_MEMORY - {("update", "application", "personnel", "")}
    assert "another form than this toolkit reads" in made.summary.unknown[0]


def test_a_plan_survives_its_way_between_two_toolkits() -> None:
    made = plan(model())
    told = json.loads(json.dumps(plain(made)))
    assert own_code.rebuilt(told) == made
    told["sites"][0]["hosts"][0]["parts"]["containers"][0]["later"] = [{"": "Mount"}]
    told["later"] = "a field that this toolkit does not know"
    told["sites"][0]["hosts"][0]["parts"]["containers"][0].pop("later")
    assert own_code.rebuilt(told) == made


def test_copies_of_other_toolkits_are_few(with_toolkit: Path, tmp_path: Path) -> None:
    for number in range(own_code.KEPT + 3):
        (with_toolkit / "infra" / "note.py").write_text(f"NUMBER = {number}\n")
        commit(with_toolkit)
    for number in range(own_code.KEPT + 2):
        report(f"main~{number + 1}..main~{number}") if number > own_code.KEPT - 1 else None
    copies = tmp_path / "cache" / "toolkits"
    assert 0 < len(list(copies.iterdir())) <= own_code.KEPT
    assert copies.stat().st_mode & 0o777 == 0o700
