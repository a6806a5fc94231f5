"""verify(): selection, outcomes, the report and what goes wrong; with local stand-ins for hosts."""

from __future__ import annotations

import json
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from infra.errors import Exit, HanoiError
from infra.resources import Container, HostPlan, Parts, Plan, SitePlan
from infra.verify import Check, Report, verify
from infra.verify.report import Check as ReportCheck

# Hosts "a" and "b" are this machine through the agent, "gone" does not answer.
STAND_IN = """
    import infra.verify.sessions as sessions
    from infra.verify.backend import Conversation, Unreachable, local_argv, AgentBackend

    def agent(self, target):
        if target.id == "gone":
            raise Unreachable("no route to host")
        conversation = Conversation(local_argv())
        conversation.open()
        def note(command):
            self._seen.setdefault(target.id, {}).setdefault(self.check, []).append(command)
        return AgentBackend(target.id, conversation, note)

    sessions.Sessions._agent = agent
"""
REACH = '''
    import pytest
    from infra.verify.checks import control, gate

    @gate("infrastructure")
    @control("REACH-01")
    def test_host_is_reachable(host_id, reach):
        """The host is reachable."""
        try:
            reach()
        except Exception as failure:
            pytest.fail(f"unreachable: {failure}", pytrace=False)
'''


def a_plan(*hosts: str) -> Plan:
    def host(name: str) -> HostPlan:
        web = Container("web", "web", "1000:1000", (), "172.30.1.9", 2**20)
        parts = Parts(containers=(web,) if name == "a" else ())
        return HostPlan(name, f"site-{name}", "127.0.0.1", parts)

    sites = tuple(SitePlan(f"site-{h}", h, (host(h),)) for h in hosts)
    return Plan("m", "w", hosts[0], "hanoi", "root", 22, 2**20, 3, sites, Parts())


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    directory = tmp_path / "checks"
    directory.mkdir()
    (directory / "conftest.py").write_text(textwrap.dedent(STAND_IN))
    (directory / "test_reach.py").write_text(textwrap.dedent(REACH))
    return directory


def write(directory: Path, name: str, text: str) -> None:
    head = "from infra.verify.checks import control, fresh, gate, look, on\nimport pytest\n"
    (directory / name).write_text(head + textwrap.dedent(text))


def by_name(report: Report) -> dict[tuple[str, str], Check]:
    return {(c.id, c.host): c for c in report.checks}


def test_each_check_runs_on_each_host_with_id_title_and_reason(checks: Path) -> None:
    write(
        checks,
        "test_x.py",
        '''
        @control("X-01")
        def test_good(host):
            """It is good.

            More is not for the report.
            """
            assert look(host, "echo yes") == "yes\\n"

        @control("X-02")
        def test_bad(host):
            """It is not bad."""
            assert look(host, "echo bad").strip() != "bad", "it is bad"
    ''',
    )
    report = verify(a_plan("a", "b"), checks=checks)
    found = by_name(report)
    assert found["X-01", "a"].outcome == found["X-01", "b"].outcome == "passed"
    assert found["X-01", "a"].title == "It is good"
    assert (found["X-02", "b"].outcome, found["X-02", "b"].detail) == ("failed", "it is bad")
    assert report.counts == {"passed": 4, "failed": 2, "skipped": 0}
    assert not report.ok


def test_an_unreachable_host_is_said_once(checks: Path) -> None:
    write(
        checks,
        "test_x.py",
        "\n".join(
            f'@control("X-{n}")\ndef test_{n}(host):\n    "T."\n    look(host, "true")\n'
            for n in range(9)
        ),
    )
    said: list[str] = []
    report = verify(a_plan("a", "gone"), checks=checks, progress=said.append)
    assert [c.id for c in report.failed] == ["REACH-01"]
    assert report.failed[0].detail == "unreachable: no route to host"
    skipped = [c for c in report.checks if c.outcome == "skipped"]
    assert {c.detail for c in skipped} == {"not checked: unreachable (gone)"} and len(skipped) == 9
    assert report.text().count("gone: ") == 1 and "9 × not checked" in report.text()
    assert sum("gone" in line for line in said) == 1
    assert not report.ok


def test_on_and_container_choose_hosts(checks: Path) -> None:
    write(
        checks,
        "test_x.py",
        '''
        @control("X-01")
        @on(container="web")
        def test_where(host):
            """T."""

        @control("X-02")
        def test_each(host, container):
            """T."""
            assert container == "web"

        @control("X-03")
        @on(container="absent")
        def test_nowhere(host):
            """T."""
    ''',
    )
    found = by_name(verify(a_plan("a", "b"), expression="X", checks=checks))
    assert set(found) == {("X-01", "a"), ("X-02", "a")}
    assert found["X-02", "a"].title == "web: T"


def test_a_site_is_checked_alone_and_what_concerns_all_only_with_all(checks: Path) -> None:
    write(
        checks,
        "test_x.py",
        '''
        @control("X-01")
        def test_one(host):
            """T."""

        @control("X-02")
        def test_all(hosts):
            """T."""
            assert sorted(hosts) == ["a", "b"]
    ''',
    )
    one = by_name(verify(a_plan("a", "b"), ["site-b"], checks=checks))
    assert set(one) == {("REACH-01", "b"), ("X-01", "b")}
    assert by_name(verify(a_plan("a", "b"), checks=checks))["X-02", "all"].outcome == "passed"


def test_gate_selects_by_marker(checks: Path) -> None:
    write(
        checks,
        "test_x.py",
        '''
        @gate("database")
        @control("X-01")
        def test_one(host):
            """T."""
    ''',
    )
    assert set(by_name(verify(a_plan("a"), gate="database", checks=checks))) == {("X-01", "a")}


def test_commands_are_noted_and_run_again_in_the_next_session(checks: Path, tmp_path: Path) -> None:
    write(
        checks,
        "test_x.py",
        f'''
        @control("X-01")
        def test_one(host):
            """T."""
            look(host, "echo x >> {tmp_path}/ran")
            fresh(host, "true")
    ''',
    )
    for times in (1, 2):
        assert verify(a_plan("a"), checks=checks).ok
        assert (tmp_path / "ran").read_text() == "x\n" * times
    notes = json.loads((tmp_path / "state" / "verify" / "commands.json").read_text())
    assert [c for cs in notes["a"].values() for c in cs] == [f"echo x >> {tmp_path}/ran"]


def test_damaged_notes_are_no_reason_to_fail(checks: Path, tmp_path: Path) -> None:
    (tmp_path / "state" / "verify").mkdir(parents=True)
    (tmp_path / "state" / "verify" / "commands.json").write_text('{"a": [')
    assert verify(a_plan("a"), checks=checks).ok


def test_junit(checks: Path, tmp_path: Path) -> None:
    verify(a_plan("a", "gone"), junit=tmp_path / "out.xml", checks=checks)
    cases = list(ET.parse(tmp_path / "out.xml").iter("testcase"))
    assert len(cases) == 2 and sum(c.find("failure") is not None for c in cases) == 1


@pytest.mark.parametrize(
    ("given", "code", "exit_code"),
    [
        ({"sites": ["nowhere"]}, "HN-V001", Exit.USAGE),
        ({"expression": "and and"}, "HN-V002", Exit.USAGE),
        ({"expression": "no_such_check"}, "HN-V003", Exit.USAGE),
        ({"gate": "no-such-gate"}, "HN-V003", Exit.USAGE),
    ],
)
def test_wrong_calls(checks: Path, given: dict, code: str, exit_code: Exit) -> None:
    with pytest.raises(HanoiError) as caught:
        verify(a_plan("a"), checks=checks, **given)
    assert caught.value.problems[0].code == code and caught.value.exit_code == exit_code


def test_a_check_that_cannot_be_loaded_is_our_fault_not_a_sites(checks: Path) -> None:
    write(checks, "test_x.py", "import no_such_module_at_all\n")
    with pytest.raises(HanoiError) as caught:
        verify(a_plan("a"), checks=checks)
    assert caught.value.problems[0].code == "HN-V004"
    assert "no_such_module_at_all" in str(caught.value)


def test_pytest_settings_of_the_operator_do_not_interfere(
    checks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert verify(a_plan("a"), checks=checks).counts["passed"] == 1


def test_report_as_json_and_text() -> None:
    check = ReportCheck("X-01", "a", "It is so", "failed", "it is not", 0.5)
    report = Report((check,), 1.25)
    assert json.loads(report.as_json())["checks"][0]["detail"] == "it is not"
    assert report.text() == "a: X-01: It is so\n    it is not\n0 passed, 1 failed in 1.2 s"
    assert not Report((), 0.1).ok, "nothing checked proves nothing"


def test_every_check_of_the_suite_has_id_docstring_and_gate() -> None:
    """What a reader of a failed control needs: an id of its own and a reason."""
    import ast

    from infra import paths

    ids: dict[str, str] = {}
    for file in sorted(paths.compliance().glob("test_*.py")):
        tree = ast.parse(file.read_text())
        assert "pytestmark = [gate(" in file.read_text(), f"{file.name} belongs to no gate"
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            assert ast.get_docstring(node), f"{file.name}: {node.name} says no reason"
            own = [
                d.args[0].value  # type: ignore[attr-defined]
                for d in node.decorator_list
                if isinstance(d, ast.Call) and getattr(d.func, "id", "") == "control"
            ]
            assert own or "control(" in ast.unparse(node.decorator_list[0]), f"{node.name}: no id"
            for control_id in own:
                assert ids.setdefault(control_id, node.name) == node.name, f"{control_id} twice"
    assert len(ids) >= 60


def test_what_it_says_of_gates_is_kept(checks: Path) -> None:
    from infra.state import Gates

    write(
        checks,
        "test_x.py",
        '''
        @gate("database")
        @control("X-01")
        def test_bad(host):
            """It is good."""
            assert look(host, "echo bad") == "", "it is bad"
    ''',
    )
    report = verify(a_plan("a"), checks=checks)
    assert by_name(report)["X-01", "a"].gates == ("database",)
    kept = Gates().all()
    assert {name: r.ok for name, r in kept.items()} == {"database": False, "infrastructure": True}
    assert kept["database"].said == ("a: X-01: It is good",)
    verify(a_plan("a"), expression="X-01", checks=checks)
    assert Gates().all() == kept, "a choice of checks says nothing of a gate"
    verify(a_plan("a", "gone"), sites=["site-a"], checks=checks)
    assert Gates().all()["infrastructure"] == kept["infrastructure"], "not all hosts were seen"
    assert Gates().all()["database"].at > kept["database"].at
