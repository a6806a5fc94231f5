"""Gates: what verify says of them, how they grow old, and what they keep from beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import Exit, HanoiError
from infra.resources import Parts, Plan, PlannedWave
from infra.roadmap import entry
from infra.roadmap.gates import closed, gate
from infra.state import Gates, Journal, Waves
from infra.state.waves import GateResult
from infra.verify import Check, Report
from infra.verify.gates import results
from infra.verify.report import NOT_CHECKED

WAVES = (
    PlannedWave("ground", ("infrastructure",)),
    PlannedWave("data", ("database",)),
    PlannedWave("pilot", ("gateway", "personnel")),
)
ORDER = [w.id for w in WAVES]


def result(at: str, *failed: str, passed: int = 3) -> GateResult:
    return GateResult(at, "data", passed, len(failed), failed)


def plan(through: str) -> Plan:
    waves = WAVES[: ORDER.index(through) + 1]
    return Plan("m", through, "nd-1", "hanoi", "root", 22, 1, 1, (), Parts(), waves=waves)


def checked(outcome: str, *gates: str, host: str = "nd-1", detail: str = "") -> Check:
    return Check("PG-01", host, "It is so", outcome, detail, 0.1, gates)


# --- what a verification says ---


def test_a_gate_passes_when_its_checks_do() -> None:
    report = Report(
        (
            checked("passed", "database", "gateway"),
            checked("failed", "gateway"),
            checked("skipped", "database", detail="the host is a container"),
            checked("skipped", "sharing", detail="no page is planned yet"),
        ),
        1.0,
    )
    found = results(report, "t", "data")
    assert {name: r.ok for name, r in found.items()} == {
        "database": True,
        "gateway": False,
        "sharing": False,  # nothing passed, so nothing was proven
    }
    assert (found["gateway"].failed, found["gateway"].said) == (1, ("nd-1: PG-01: It is so",))
    assert found["database"] == GateResult("t", "data", 1)


def test_a_check_that_an_unreachable_host_missed_is_no_success() -> None:
    missed = checked("skipped", "database", host="ddn-1", detail=f"{NOT_CHECKED} (ddn-1)")
    report = Report((checked("passed", "database"), missed), 1.0)
    assert not results(report, "t", "data")["database"].ok


def test_a_part_of_the_sites_can_fail_a_gate_and_not_open_it() -> None:
    report = Report((checked("passed", "database"), checked("failed", "gateway")), 1.0)
    assert set(results(report, "t", "data", whole=False)) == {"gateway"}


def test_a_run_for_one_gate_says_nothing_of_others() -> None:
    report = Report((checked("passed", "database", "gateway"),), 1.0)
    assert set(results(report, "t", "data", gate="database")) == {"database"}


def test_of_what_failed_the_first_are_kept_and_all_are_counted() -> None:
    checks = [checked("failed", "database", host=f"h{n}") for n in range(9)]
    checks += [checked("skipped", "database", detail=f"{NOT_CHECKED} (ddn-1)")] * 4
    found = results(Report(tuple(checks), 1.0), "t", "data")["database"]
    assert (found.passed, found.failed, len(found.said)) == (0, 13, 5)
    assert gate("database", {"database": found}, "").why == "h0: PG-01: It is so; 12 more"


# --- how a gate stands ---


@pytest.mark.parametrize(
    ("found", "changed", "state"),
    [
        (result("5"), "4", "passed"),
        (result("5"), "5", "passed"),
        (result("5"), "6", "old"),
        (result("5", "x"), "4", "failed"),
        (result("5", "x"), "6", "failed"),
        (result("5", passed=0), "4", "failed"),
    ],
)
def test_a_success_grows_old_and_a_failure_does_not(
    found: GateResult, changed: str, state: str
) -> None:
    assert gate("database", {"database": found}, changed).state == state


def test_a_gate_that_nothing_checks_is_told_from_one_that_was_not_seen() -> None:
    assert gate("sharing", {}, "", frozenset({"database"})).state == "unchecked"
    assert gate("database", {}, "", frozenset({"database"})).state == "unseen"
    assert gate("sharing", {}, "", None).state == "unseen"


def test_only_a_new_wave_is_kept_from_beginning() -> None:
    failing = {"infrastructure": result("5", "x"), "database": result("5")}
    ask = [w.id for w in WAVES[:2]]
    assert closed(WAVES[:2], ask, failing, "") == ()
    assert closed(WAVES[:1], ask, failing, "") == ()
    assert [(w, g.name) for w, g in closed(WAVES, ask, failing, "")] == [
        ("ground", "infrastructure")
    ]


def test_waves_of_the_same_run_do_not_wait_for_each_other() -> None:
    assert closed(WAVES, (), {}, "") == ()
    assert [g.name for _, g in closed(WAVES, ("ground",), {}, "")] == ["infrastructure"]


# --- the door, and what is kept ---


def enter(state: Path, through: str, despite: str = "") -> None:
    entry.enter(plan(through), state, despite, lambda line: None)


def finish(state: Path, through: str, *, changed: bool = True, whole: bool = True) -> None:
    Waves(state).finish([w.id for w in plan(through).waves], changed=changed, whole=whole)


def passed(state: Path, *names: str) -> None:
    from infra.state.waves import moment

    Gates(state).record({n: GateResult(moment(), "x", 1) for n in names})


def refused(state: Path, through: str) -> list[str]:
    with pytest.raises(HanoiError) as caught:
        enter(state, through)
    assert caught.value.exit_code is Exit.REFUSED
    assert {p.code for p in caught.value.problems} == {"HN-D030"}
    return [f"{p.what} | {p.remedy}" for p in caught.value.problems]


def test_a_first_deploy_goes_through_several_waves(tmp_path: Path) -> None:
    enter(tmp_path, "pilot")
    assert Waves(tmp_path).read(ORDER).entered == set(ORDER)
    assert Waves(tmp_path).read(ORDER).deployed == ()
    finish(tmp_path, "pilot")
    assert [w for w, _ in Waves(tmp_path).read(ORDER).deployed] == sorted(ORDER)


def test_the_next_wave_waits_until_the_gates_before_it_pass(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    (said,) = refused(tmp_path, "data")
    assert "the gate infrastructure of the wave ground" in said and "never seen passing" in said
    assert "hanoi verify --gate infrastructure shows it now" in said
    assert Waves(tmp_path).read(ORDER).entered == {"ground"}, "a refused run enters nothing"
    passed(tmp_path, "infrastructure")
    enter(tmp_path, "data")
    finish(tmp_path, "data")


def test_a_failing_gate_names_what_failed(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    Gates(tmp_path).record({"infrastructure": result("9999", "nd-1: SSH-01: No root")})
    assert "nd-1: SSH-01: No root" in refused(tmp_path, "data")[0]


def test_a_change_makes_what_was_seen_before_old(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    passed(tmp_path, "infrastructure")
    enter(tmp_path, "ground")
    finish(tmp_path, "ground", changed=False)
    closed_now = Waves(tmp_path).read(ORDER).changed
    assert Gates(tmp_path).all()["infrastructure"].at >= closed_now, "nothing was changed"
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    assert "something was changed since" in refused(tmp_path, "data")[0]


def test_a_killed_run_is_continued_and_makes_old_what_was_seen(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    passed(tmp_path, "infrastructure")
    enter(tmp_path, "data")  # and killed
    enter(tmp_path, "data")  # the same again: not asked once more
    finish(tmp_path, "data", changed=False)  # the killed one had changed something
    assert len(refused(tmp_path, "pilot")) == 2
    passed(tmp_path, "infrastructure", "database")
    enter(tmp_path, "pilot")


def test_going_back_a_wave_makes_the_later_one_new_again(tmp_path: Path) -> None:
    enter(tmp_path, "data")
    finish(tmp_path, "data")
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    assert Waves(tmp_path).read(ORDER).entered == {"ground"}
    refused(tmp_path, "data")


def test_a_part_of_the_sites_finishes_no_wave(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground", whole=False)
    known = Waves(tmp_path).read(ORDER)
    assert known.entered == {"ground"} and known.deployed == ()


def test_going_on_knowingly_is_kept(tmp_path: Path) -> None:
    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    said: list[str] = []
    entry.enter(plan("data"), tmp_path, "the mirror is down until noon", said.append)
    assert said == ["gates passed by: infrastructure (the mirror is down until noon)"]
    finish(tmp_path, "data")
    (kept,) = Waves(tmp_path).read(ORDER).despite
    assert (kept.waves, kept.gates) == (("data",), ("infrastructure",))
    assert kept.reason == "the mirror is down until noon" and "@" in kept.who and kept.at
    Waves(tmp_path).clear()
    assert Waves(tmp_path).read(ORDER).despite == (kept,)
    assert Waves(tmp_path).read(ORDER).entered == frozenset()


def test_a_reason_without_need_is_not_kept(tmp_path: Path) -> None:
    enter(tmp_path, "ground", "just in case")
    assert Waves(tmp_path).read(ORDER).despite == ()


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_reason_must_say_something(text: str) -> None:
    with pytest.raises(HanoiError) as caught:
        entry.reason(text)
    assert caught.value.problems[0].code == "HN-D031"
    assert (entry.reason(None), entry.reason(" so\n be it ")) == ("", "so be it")


def test_a_state_from_before_this_record_says_how_far_it_came(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin("hanoi hosts images containers runtime", "data")
    assert Waves(tmp_path).read(ORDER).deployed == ()
    journal.end()
    known = Waves(tmp_path).read(ORDER)
    assert known.entered == {"ground", "data"}
    assert [w for w, _ in known.deployed] == ["data", "ground"]
    assert len(refused(tmp_path, "pilot")) == 2


def test_a_deploy_is_refused_before_it_looks_and_a_bootstrap_is_not_asked(tmp_path: Path) -> None:
    from types import SimpleNamespace
    from typing import Any

    from infra import deploy

    def look() -> None:
        raise LookupError("it looked")

    enter(tmp_path, "ground")
    finish(tmp_path, "ground")
    run: Any = SimpleNamespace(plan=plan("data"), state=tmp_path, say=print, look=look)
    for steps in (deploy.STEPS, ("images", "containers"), ("hosts", "runtime")):
        with pytest.raises(HanoiError, match="HN-D030"):
            deploy.execute(run, None, steps)
    for steps in (("hosts",), ("images",)):
        with pytest.raises(LookupError):
            deploy.execute(run, None, steps)
    with pytest.raises(LookupError):
        deploy.execute(run, None, deploy.STEPS, "it is known")


def test_the_command_line_hands_the_reason_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import contextlib
    from types import SimpleNamespace

    from click.testing import CliRunner

    import cli
    from infra import deploy, engine
    from infra.live import apply
    from infra.moves import commands
    from infra.records import carry

    given: list[str] = []

    def execute(run, made, steps, despite=""):
        given.append(despite)
        return deploy.Outcome()

    def applied(saved, made, say, *, options, verify, despite=""):
        given.append(f"{saved.name}: {despite}")
        return deploy.Outcome(), True

    opened = contextlib.nullcontext(SimpleNamespace())
    monkeypatch.setenv("HANOI_STATE", str(tmp_path))
    monkeypatch.setattr(deploy, "opened", lambda *_: opened)
    monkeypatch.setattr(deploy, "execute", execute)
    for name in ("work_of", "refuse_conflicts", "carry_out_due"):
        monkeypatch.setattr(carry, name, lambda *_: None)
    monkeypatch.setattr(engine, "ensure", lambda say: None)
    monkeypatch.setattr(apply, "apply", applied)
    monkeypatch.setattr(commands, "carry_out_due", lambda *_: [])

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.main, ["deploy", "--no-verify", "--quiet", *arguments])
        return done.exit_code, done.output

    assert run("--despite-gates", " it is\nknown ")[0] == 0
    assert run("saved.plan", "--despite-gates", "so be it")[0] == 0
    assert run()[0] == 0
    assert given == ["it is known", "saved.plan: so be it", ""]
    code, output = run("--despite-gates", " ")
    assert code == Exit.USAGE and "HN-D031" in output and len(given) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gates.json", '{"database": {"at": "t"}}'),
        ("gates.json", '{"database": 1}'),
        ("roadmap.json", '{"entered": 1}'),
        ("roadmap.json", '{"deployed": []}'),
        ("roadmap.json", '{"despite": [{"at": "t"}]}'),
        ("roadmap.json", '{"changed": 3}'),
    ],
)
def test_a_damaged_record_is_said_to_be(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(HanoiError) as caught:
        enter(tmp_path, "data")
    (problem,) = caught.value.problems
    assert problem.code == "HN-D003" and problem.where.endswith(name)
