"""`hanoi drift` on faked hosts: the report, who it was, exit codes; and both commands' options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from infra import deploy, paths, ssh
from infra.errors import Exit
from infra.live import preview, saved, survey
from infra.live.described import Described, Source
from infra.report.content import Report
from infra.secrets import Secrets, keeper
from tests.unit.livehost import SAMPLE, Fake, bare_facts, connecting, database, sample

MODEL, PLAN = sample()
DESCRIBED = Described(MODEL, PLAN, Source("1a2b3c4d5e", False, "d" * 64))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("generated") / "secrets"
    Secrets.open(directory).ensure([*PLAN.secrets, preview.PASSPHRASE])
    return directory


@pytest.fixture
def fakes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, generated: Path
) -> Iterator[dict[str, Fake]]:
    """Three deployed hosts; nd-1's member of the database leads."""
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HANOI_SECRETS", str(generated))
    monkeypatch.setenv("HANOI_SITES", str(SAMPLE))
    monkeypatch.delenv("HANOI_BACKEND", raising=False)
    monkeypatch.setattr(keeper, "public_key", lambda: "ssh-ed25519 AAAA hanoi-deploy")
    found = {h.id: Fake(h, PLAN) for h in PLAN.hosts}
    found["nd-1"].inside["leader"] = True
    for fake in found.values():
        fake.answers["who"] = {}
    monkeypatch.setattr(ssh, "connect", connecting(found))
    yield found


def find(*sites: str) -> tuple[Report, Any]:
    return survey.find(DESCRIBED, sites, lambda line: None)


@pytest.mark.usefixtures("fakes")
def test_deployed_sites_have_no_drift(tmp_path: Path) -> None:
    report, failure = find()
    assert (report.changes, report.summary.findings, report.summary.unknown) == ((), (), ())
    assert failure is None
    assert report.source == "drift" and report.base == "sites (1a2b3c4)"
    assert not (tmp_path / "state").exists()


def test_each_drift_is_a_change_and_a_finding(fakes: dict[str, Fake]) -> None:
    fakes["tdh-1"].answers["packages"]["held"] = ["tzdata"]
    fakes["tdh-1"].answers["who"] = {"0": "probably: an by sudo apt-mark at 12:03 (journal)"}
    report, _ = find()
    [change], [finding] = report.changes, report.summary.findings
    assert (change.host, change.kind, change.name, change.operation) == (
        "tdh-1", "package", "tzdata", "update",
    )  # fmt: skip
    assert change.why.endswith("probably: an by sudo apt-mark at 12:03 (journal)")
    assert finding.id == "package-held" and finding.severity == "danger"
    assert finding.where == "tdh-1 package tzdata"
    assert finding.reason == "probably: an by sudo apt-mark at 12:03 (journal)"
    assert finding.remedy == "apt-mark unhold tzdata"


def test_a_host_without_a_drift_is_not_asked_who(fakes: dict[str, Fake]) -> None:
    fakes["tdh-1"].answers["packages"]["held"] = ["tzdata"]
    report, _ = find()
    assert "who" in fakes["tdh-1"].asked and "who" not in fakes["nd-1"].asked
    assert "no record" in report.summary.findings[0].reason


def test_the_cluster_is_told_of_once(fakes: dict[str, Fake]) -> None:
    """What all members see is one drift; what only the leader knows is asked there."""
    for host, fake in fakes.items():
        fake.answers["database"] = database(PLAN, leads=host == "nd-1")
        fake.answers["database"]["databases"].append("stray")
    fakes["nd-1"].inside["differs"] = ["role tryton: rights"]
    report, _ = find()
    once = [f for f in report.summary.findings if not f.id.startswith("database-access")]
    assert [(f.id, f.where) for f in once] == [
        ("database-role", "the database cluster database role tryton"),
        ("database-unknown", "the database cluster database stray"),
    ]
    assert {c.host for c in report.changes if c.kind.startswith("database ro")} == {""}


def test_the_leaders_host_is_asked_who_changed_the_database(fakes: dict[str, Fake]) -> None:
    fakes["nd-1"].inside["differs"] = ["role tryton: rights"]
    fakes["nd-1"].answers["who"] = {"0": "probably: an by sudo docker at 12:03 (journal)"}
    report, _ = find()
    assert [h for h, fake in fakes.items() if "who" in fake.asked] == ["nd-1"]
    assert "probably: an" in report.summary.findings[0].reason


def test_what_follows_from_a_container_by_hand_is_not_told_beside_it(
    fakes: dict[str, Fake],
) -> None:
    containers = fakes["nd-1"].answers["engine"]["containers"]
    mine = next(c for c in containers if c["Name"] == "/gateway")
    mine["Config"] |= {"Labels": None, "User": "", "Cmd": ["sleep"]}
    mine["HostConfig"] |= {"Privileged": True, "Memory": 0}
    report, _ = find()
    assert [f.id for f in report.summary.findings] == ["container-by-hand"]


def test_what_cannot_be_looked_at_is_unknown(fakes: dict[str, Fake]) -> None:
    original = fakes["ddn-1"].python

    def failing(source: str, payload: Any, timeout: float = 0) -> Any:
        answer = original(source, payload, timeout)
        if "network" in answer:
            answer["network"] = {"failed": "FileNotFoundError: nft"}
        return answer

    fakes["ddn-1"].python = failing  # type: ignore[method-assign]
    report, failure = find()
    assert report.changes == () and failure is None
    assert report.summary.unknown == ("ddn-1: network: not looked at (FileNotFoundError: nft)",)


def test_a_bare_host_is_unknown_not_drifted(fakes: dict[str, Fake]) -> None:
    fakes["ddn-1"].facts = bare_facts(PLAN.host("ddn-1"))
    report, _ = find()
    assert report.changes == ()
    assert any("ddn-1: the toolkit has never been here" in u for u in report.summary.unknown)


def test_a_silent_engine_is_unknown_not_empty(fakes: dict[str, Fake]) -> None:
    fakes["ddn-1"].facts |= {"engine": "down", "containers": [], "volumes": [], "networks": []}
    report, _ = find()
    assert report.changes == ()
    assert any("ddn-1: the Docker engine is down" in u for u in report.summary.unknown)


# The command line


def hanoi(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, arguments)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms are tested elsewhere."""

    def render(report: Report, form: str) -> str:
        return json.dumps({"form": form, "changes": [c.name for c in report.changes]})

    monkeypatch.setattr("infra.report.render", render, raising=False)


@pytest.mark.usefixtures("fakes", "rendered")
def test_no_drift_ends_with_0() -> None:
    result = hanoi("drift", "--quiet")
    assert result.exit_code == Exit.OK, result.output
    assert json.loads(result.stdout) == {"form": "text", "changes": []}


@pytest.mark.usefixtures("rendered")
def test_a_drift_ends_with_1(fakes: dict[str, Fake]) -> None:
    fakes["tdh-1"].answers["packages"]["held"] = ["tzdata"]
    result = hanoi("drift", "--quiet", "--json")
    assert result.exit_code == Exit.FINDINGS
    assert json.loads(result.stdout) == {"form": "json", "changes": ["tzdata"]}
    assert hanoi("drift", "--quiet", "--site", PLAN.host("nd-1").site).exit_code == Exit.OK


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("command", ["drift", "plan"])
def test_an_unreachable_host_ends_with_6_and_the_report_is_printed(
    fakes: dict[str, Fake], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fake in fakes.values():
        fake.facts |= {"engine": "absent", "containers": []}
    fakes["tdh-1"].down = True
    result = hanoi(command, "--quiet", "--format", "markdown")
    assert result.exit_code == Exit.UNREACHABLE
    assert json.loads(result.stdout)["form"] == "markdown"
    assert result.stderr.count("HN-C001") == 1


@pytest.mark.usefixtures("fakes", "rendered")
def test_an_incomplete_plan_is_not_saved(fakes: dict[str, Fake], tmp_path: Path) -> None:
    for fake in fakes.values():
        fake.facts |= {"engine": "absent", "containers": []}
    fakes["tdh-1"].down = True
    result = hanoi("plan", "--quiet", "-o", str(tmp_path / "plan.bin"))
    assert result.exit_code == Exit.UNREACHABLE
    assert "HN-R038" in result.stderr
    assert not (tmp_path / "plan.bin").exists()


@pytest.fixture
def kept(fakes: dict[str, Fake], rendered: None, tmp_path: Path) -> Path:
    """A plan saved through the command line, of hosts without an engine."""
    for fake in fakes.values():
        fake.facts |= {"engine": "absent", "containers": []}
    path = tmp_path / "plan.bin"
    result = hanoi("plan", "--quiet", "-o", str(path))
    assert result.exit_code == Exit.OK, result.output
    assert saved.read(path).sites == ()
    return path


@pytest.fixture
def no_deploy(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be deployed; nothing is."""
    begun: list[str] = []

    def opened(*_: Any) -> None:
        begun.append("opened")
        raise AssertionError("deploying")

    monkeypatch.setattr(deploy, "opened", opened)
    return begun


def test_a_saved_plan_that_still_holds_is_deployed(kept: Path, no_deploy: list[str]) -> None:
    result = hanoi("deploy", str(kept), "--quiet")
    assert no_deploy == ["opened"], result.output


def test_a_saved_plan_is_refused_before_anything_is_opened(
    kept: Path, no_deploy: list[str], fakes: dict[str, Fake]
) -> None:
    fakes["nd-1"].facts["drift"]["packages"] = ["nftables"]
    result = hanoi("deploy", str(kept), "--quiet")
    assert result.exit_code == Exit.REFUSED
    assert "host nd-1: HN-R035" in result.stderr
    assert "package nftables: was as planned, is not installed" in result.stderr
    assert "nothing was changed" in result.stderr
    assert no_deploy == []


def test_what_moves_between_the_look_and_the_lock_is_refused(
    kept: Path, fakes: dict[str, Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look, under the lock, finds another host than the first."""
    from contextlib import contextmanager

    from infra import facts

    class Run:
        hosts = PLAN.hosts

        def look(self) -> None:
            fakes["nd-1"].facts["drift"]["packages"] = ["sudo"]
            self.looks = {h: facts.parse(h, f.facts) for h, f in fakes.items()}

    @contextmanager
    def opened(*_: Any) -> Iterator[Run]:
        yield Run()

    monkeypatch.setattr(deploy, "opened", opened)
    monkeypatch.setattr(deploy, "execute", lambda *a: pytest.fail("it went on"))
    result = hanoi("deploy", str(kept), "--quiet")
    assert result.exit_code == Exit.REFUSED
    assert "package sudo" in result.stderr


@pytest.mark.parametrize("option", [("--site", "nguyen-du"), ("--through", "personnel-pilot")])
def test_a_saved_plan_takes_no_other_sites(
    kept: Path, no_deploy: list[str], option: tuple[str, str]
) -> None:
    result = hanoi("deploy", str(kept), *option)
    assert result.exit_code == Exit.USAGE
    assert "HN-R037" in result.stderr
    assert no_deploy == []


def test_a_foreign_file_is_no_plan(tmp_path: Path, fakes: dict[str, Fake]) -> None:
    (tmp_path / "x").write_text("{}")
    result = hanoi("deploy", str(tmp_path / "x"))
    assert result.exit_code == Exit.USAGE and "HN-R030" in result.stderr
    result = hanoi("deploy", str(tmp_path / "none"))
    assert result.exit_code == Exit.USAGE and "HN-R030" in result.stderr


def test_no_secret_is_in_a_saved_plan(kept: Path) -> None:
    import zlib

    content = zlib.decompress(kept.read_bytes().partition(b"\n")[2]).decode()
    values = Secrets.open(paths.secrets()).values()
    assert len(values) > 10
    assert [v for v in values if v in content] == []
