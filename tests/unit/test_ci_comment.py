"""One comment a target, against local stand-ins of GitLab's and GitHub's interfaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import infra.report
from cli import main
from infra.ci import http
from infra.ci.comment import comment, says_nothing
from infra.ci.github import GitHub, from_fork
from infra.errors import Exit, HanoiError
from tests.unit.codehosts import ME, OTHER, TOKEN, Answer, CodeHost, codehost

MARK = "<!-- hanoi-report: diff -->"
REPORT = "<!-- hanoi-report: main (1a2b3c4) -->\n# Thay đổi\n\n| Site | Changes |\n|---|---|\n| nd | 2 |\n"
TEXT = "# Thay đổi\n\n| Site | Changes |\n|---|---|\n| nd | 2 |\n"
EMPTY = "<!-- hanoi-report: x -->\n# Thay đổi · Changes\n\nNothing changes.\n"


@pytest.fixture(params=["gitlab", "github"])
def host(request: pytest.FixtureRequest) -> Iterator[CodeHost]:
    with codehost(request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits: the pauses are recorded."""
    found: list[float] = []
    start = http.Api.__init__

    def patched(self: http.Api, *args: Any, **kwargs: Any) -> None:
        start(self, *args, **{**kwargs, "sleep": found.append})

    monkeypatch.setattr(http.Api, "__init__", patched)
    return found


@pytest.fixture
def run(host: CodeHost, tmp_path: Path) -> Any:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(_event()))

    def call(
        text: str | None = REPORT, change: int | None = None, target: str = "diff", **more: str
    ) -> str:
        file = tmp_path / "report.md"
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text, encoding="utf-8")
        given = host.environment(**{"GITHUB_EVENT_PATH": str(event), **more})
        done, warning = comment(file, None, target, change, given)
        return f"warning: {done}" if warning else done

    return call


def _event(head: int = 1) -> dict[str, Any]:
    sides = {"head": {"repo": {"id": head}}, "base": {"repo": {"id": 1}}}
    return {"pull_request": {"number": 12, **sides}}


def problem(call: Any, *args: Any, **kwargs: Any) -> Any:
    with pytest.raises(HanoiError) as caught:
        call(*args, **kwargs)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


def test_a_report_becomes_a_comment_with_our_marker_first(host: CodeHost, run: Any) -> None:
    assert run().endswith("12: comment created")
    assert host.bodies == [f"{MARK}\n{TEXT}"]
    assert host.tokens == {TOKEN if host.kind == "gitlab" else f"Bearer {TOKEN}"}


def test_the_same_report_again_writes_nothing(host: CodeHost, run: Any) -> None:
    run()
    host.comments[0]["body"] = host.comments[0]["body"].replace("\n", "\r\n").rstrip()
    host.calls.clear()
    assert run().endswith("the comment says so already")
    assert host.writes == []


def test_another_report_updates_the_comment(host: CodeHost, run: Any) -> None:
    run()
    assert run(REPORT.replace("nd | 2", "nd | 3")).endswith("comment updated")
    assert host.bodies == [f"{MARK}\n{TEXT.replace('nd | 2', 'nd | 3')}"]


def test_nothing_changes_no_comment(host: CodeHost, run: Any) -> None:
    assert run(EMPTY).endswith("nothing changes, so there is no comment")
    assert host.bodies == []


def test_nothing_changes_any_more(host: CodeHost, run: Any) -> None:
    run()
    assert run(EMPTY).endswith("comment updated")
    assert host.bodies == [f"{MARK}\n**Không còn thay đổi · No changes any more.**\n"]
    assert run(EMPTY).endswith("the comment says so already")
    run()
    assert host.bodies == [f"{MARK}\n{TEXT}"]


def test_targets_have_comments_of_their_own(host: CodeHost, run: Any) -> None:
    run(target="diff")
    run(target="plan")
    run(REPORT.replace("nd | 2", "nd | 3"), target="plan")
    assert [b.split("\n")[0] for b in host.bodies] == [MARK, "<!-- hanoi-report: plan -->"]
    assert ["nd | 2" in host.bodies[0], "nd | 3" in host.bodies[1]] == [True, True]


def test_our_comment_is_found_on_a_later_page(host: CodeHost, run: Any) -> None:
    for n in range(250):
        host.add(f"thảo luận {n}", OTHER[host.kind])
    host.add(f"{MARK}\nold")
    assert run().endswith("comment updated")
    assert (len(host.comments), host.bodies[-1]) == (251, f"{MARK}\n{TEXT}")
    assert [m for m, p in host.calls if "omments" in p or "notes" in p].count("GET") == 3


def test_others_comments_with_the_marker_are_left_alone(host: CodeHost, run: Any) -> None:
    host.add(f"{MARK}\nforged", OTHER[host.kind])
    host.add(f"a quotation:\n{MARK}\n")
    run()
    assert host.bodies[:2] == [f"{MARK}\nforged", f"a quotation:\n{MARK}\n"]
    assert host.bodies[2:] == [f"{MARK}\n{TEXT}"]
    assert host.writes == ["POST"]


def test_system_notes_are_no_comments(tmp_path: Path) -> None:
    report = tmp_path / "r.md"
    report.write_text(REPORT)
    with codehost("gitlab") as host:
        host.add(f"{MARK}\nchanged the description", system=True)
        comment(report, "gitlab", "diff", 12, host.environment())
        assert len(host.comments) == 2


def test_two_jobs_at_once_leave_one_comment(host: CodeHost, run: Any) -> None:
    """The other job's comment comes between our look and our own."""
    host.then("GET", lambda: host.add(f"{MARK}\n<!-- hanoi-run: 7 -->\nof the other job"))
    run(CI_PIPELINE_ID="8", GITHUB_RUN_ID="8")
    assert host.bodies == [f"{MARK}\n<!-- hanoi-run: 8 -->\n{TEXT}"]


def test_doubles_of_ours_are_removed(host: CodeHost, run: Any) -> None:
    host.add(f"{MARK}\nfirst")
    host.add(f"{MARK}\nsecond")
    run()
    assert [(c["id"], c["body"]) for c in host.comments] == [(1, f"{MARK}\n{TEXT}")]


def test_a_comment_deleted_in_between_is_made_anew(host: CodeHost, run: Any) -> None:
    host.add(f"{MARK}\nold")
    host.then("GET", host.comments.clear)
    run()
    assert host.bodies == [f"{MARK}\n{TEXT}"]


@pytest.mark.parametrize(
    ("ours", "stays"), [("6", "of 7"), ("7", "ours"), ("8", "ours"), ("", "ours")]
)
def test_a_newer_pipelines_comment_stays(host: CodeHost, run: Any, ours: str, stays: str) -> None:
    host.add(f"{MARK}\n<!-- hanoi-run: 7 -->\nof 7")
    run(CI_PIPELINE_ID=ours, GITHUB_RUN_ID=ours)
    assert ("of 7" in host.bodies[0]) == (stays == "of 7")


def test_without_a_report_an_old_one_does_not_stay(host: CodeHost, run: Any) -> None:
    found = problem(run, None)
    assert (found.code, host.bodies) == ("HN-R054", [])
    run()
    assert problem(run, None).code == "HN-R054"
    assert host.bodies[0].startswith(f"{MARK}\n**Chưa so sánh được bản mới nhất")
    assert TEXT not in host.bodies[0]


@pytest.mark.parametrize("data", [b"", b" \n", b"<!-- hanoi-report: x -->\n", b"\xff\xfe\x00"])
def test_no_report_in_the_file(host: CodeHost, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "r.md"
    file.write_bytes(data)
    assert problem(comment, file, None, "diff", 12, host.environment()).code == "HN-R054"
    assert host.writes == []


# ---- limits ----


@pytest.mark.parametrize("extra", [0, 1])
def test_the_hosts_limit(host: CodeHost, run: Any, extra: int) -> None:
    limit = {"gitlab": 1_000_000, "github": 65_536}[host.kind]
    text = "| ố |\n" + "ố" * (limit - len(MARK) - 1 - 6 - 1 + extra)
    if extra:
        found = problem(run, text)
        assert (found.code, host.bodies) == ("HN-R058", [])
        assert f"{limit + 1:,}" in found.what
    else:
        run(text, CI_PIPELINE_ID="8", GITHUB_RUN_ID="8")  # no room is left for the run's line
        assert [len(b) for b in host.bodies] == [limit]


def test_gitlabs_commands_in_a_report_are_not_carried_out(host: CodeHost, run: Any) -> None:
    run("| a |\n/merge\n  /assign @x\n/etc/hanoi is a path\na /merge b\n")
    lines = host.bodies[0].split("\n")
    expected = ["| a |", "/merge", "  /assign @x", "/etc/hanoi is a path", "a /merge b"]
    if host.kind == "gitlab":
        expected[1:4] = ["\u200b/merge", "  \u200b/assign @x", "\u200b/etc/hanoi is a path"]
    assert lines[1:-1] == expected


# ---- failures of the host ----

LIST = "notes$|comments$"


@pytest.mark.parametrize(
    ("answer", "pauses"),
    [
        (Answer(429, {}, {"Retry-After": "7"}), [7.0]),
        (Answer(429, {}), [1.0]),
        (Answer(500, {}), [1.0]),
        (Answer(502, raw=b"<html>Bad Gateway</html>"), [1.0]),
        (Answer(503, {}, {"Retry-After": "soon"}), [1.0]),
        (Answer(403, {}, {"Retry-After": "60"}), [60.0]),
        (Answer(403, {}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}), [1.0]),
        (Answer(503, {}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), [0.0]),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_try_where_it_helps(
    host: CodeHost, run: Any, waits: list[float], method: str, answer: Answer, pauses: list[float]
) -> None:
    host.refuse(method, LIST, answer)
    assert run().endswith("comment created")
    assert (host.bodies, waits) == ([f"{MARK}\n{TEXT}"], pauses)


def test_an_answer_that_got_lost_does_not_double_the_comment(host: CodeHost, run: Any) -> None:
    """The host wrote the comment and a proxy answered 502: the next try writes it again."""
    genuine = host._host

    def lost(method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        answer = genuine(method, path, query, body)
        first = method == "POST" and "graphql" not in path and len(host.comments) == 1
        return Answer(502, {}) if first else answer

    host._host = lost  # type: ignore[method-assign]
    run()
    assert host.writes == ["POST", "POST", "DELETE"]
    assert host.bodies == [f"{MARK}\n{TEXT}"]


def test_patience_ends(host: CodeHost, run: Any, waits: list[float]) -> None:
    host.refuse("GET", LIST, Answer(503, {}), always=True)
    found = problem(run)
    assert (found.code, waits) == ("HN-R059", [1.0, 2.0, 4.0, 8.0])
    assert "503" in found.what


def test_a_wait_that_is_too_long_is_not_begun(host: CodeHost, run: Any, waits: list[float]) -> None:
    host.refuse("GET", LIST, Answer(429, {}, {"Retry-After": "3600"}))
    found = problem(run)
    assert (found.code, waits) == ("HN-R059", [])
    assert "3600 s" in found.what


REFUSED = [
    (Answer(401, {"message": f"bad {TOKEN}\x1b[31m"}), "HN-R057", "401: the token is not valid (any more) (bad *** [31m)"),
    (Answer(403, {"message": "403 Forbidden"}), "HN-R057", "403: the token may not do this (403 Forbidden)"),
    (Answer(404, {"error": "gone"}), "HN-R057", "404: not found, or the token may not see it (gone)"),
    (Answer(301, {}, {"Location": "http://127.0.0.1:9/"}), "HN-R060", "301: it redirects elsewhere"),
    (Answer(422, {"message": ["a", "b"]}), "HN-R060", "422: it refuses the POST (['a', 'b'])"),
    (Answer(400, raw=b"no"), "HN-R060", "400: it refuses the POST"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code", "what"), REFUSED, ids=[str(r[0].status) for r in REFUSED]
)
def test_refusals_say_what_is_missing(
    host: CodeHost, run: Any, waits: list[float], answer: Answer, code: str, what: str
) -> None:
    host.refuse("POST", LIST, answer)
    found = problem(run)
    assert (found.code, found.what, waits) == (code, what, [])
    if code == "HN-R057":
        needed = {"gitlab": "scope api and the role Reporter", "github": "pull-requests: write"}
        assert needed[host.kind] in found.remedy
    assert TOKEN not in str(found)


def test_a_login_page_is_no_answer(host: CodeHost, run: Any) -> None:
    host.refuse("GET", LIST, Answer(200, raw=b"<html>login</html>"))
    assert problem(run).code == "HN-R060"


def test_nobody_answers(host: CodeHost, run: Any, waits: list[float]) -> None:
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(HanoiError) as caught:
        run(CI_API_V4_URL=nowhere, GITHUB_API_URL=nowhere)
    assert caught.value.problems[0].code == "HN-R059"
    assert caught.value.exit_code == Exit.UNREACHABLE
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_netrc_does_not_replace_the_token(
    host: CodeHost, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    run()
    assert host.tokens == {TOKEN if host.kind == "gitlab" else f"Bearer {TOKEN}"}


def test_without_graphql_the_author_is_the_jobs_robot() -> None:
    with codehost("github") as host:
        host.refuse("POST", "graphql", Answer(403, {"message": "no"}))
        assert GitHub(host.environment(), 12).me() == ME["github"]


# ---- forks and wrong surroundings ----


def fork(tmp_path: Path) -> dict[str, str]:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(_event(head=2)))
    return {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"}


def test_a_forks_token_that_only_reads_is_a_warning(
    host: CodeHost, run: Any, tmp_path: Path
) -> None:
    host.refuse("POST", LIST, Answer(403, {"message": "Resource not accessible by integration"}))
    assert run(**fork(tmp_path)).startswith("warning: the change comes from a fork")
    assert run(**fork(tmp_path), GITLAB_TOKEN="", GITHUB_TOKEN="").startswith("warning:")
    assert host.bodies == []


def test_a_forks_other_failures_are_failures(host: CodeHost, run: Any, tmp_path: Path) -> None:
    host.refuse("GET", LIST, Answer(503, {}), always=True)
    assert problem(run, **fork(tmp_path)).code == "HN-R059"


@pytest.mark.parametrize(("actor", "reads"), [("dependabot[bot]", True), ("nguyen-van-a", False)])
def test_the_update_robots_token_only_reads(tmp_path: Path, actor: str, reads: bool) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(_event()))
    assert from_fork({"GITHUB_EVENT_PATH": str(event), "GITHUB_ACTOR": actor}) is reads


WRONG = [
    ({"CI_MERGE_REQUEST_IID": "", "GITHUB_EVENT_PATH": ""}, "HN-R055"),
    ({"CI_MERGE_REQUEST_IID": "12/../13", "GITHUB_EVENT_PATH": "/nonexistent"}, "HN-R055"),
    ({"CI_API_V4_URL": "", "GITHUB_API_URL": ""}, "HN-R055"),
    ({"CI_API_V4_URL": "https://a:b@c", "GITHUB_API_URL": "ftp://x"}, "HN-R055"),
    ({"CI_MERGE_REQUEST_PROJECT_ID": "7/x", "GITHUB_REPOSITORY": "a/b/c"}, "HN-R055"),
    ({"GITLAB_TOKEN": "", "GITHUB_TOKEN": ""}, "HN-R056"),
    ({"GITLAB_TOKEN": "two\nlines", "GITHUB_TOKEN": "two\nlines"}, "HN-R056"),
    ({"GITLAB_CI": "", "GITHUB_ACTIONS": ""}, "HN-R055"),
]


@pytest.mark.parametrize(("more", "code"), WRONG)
def test_wrong_surroundings(host: CodeHost, run: Any, more: dict[str, str], code: str) -> None:
    same = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": ""}
    found = problem(run, **{**same, **more})
    assert (found.code, host.calls) == (code, [])
    assert "lines" not in str(found).replace("on one line", "")


@pytest.mark.parametrize("target", ["", "Diff", "a--b", "-->", "a b", "a\n", "ố", ".a"])
def test_a_target_that_would_break_the_marker(host: CodeHost, run: Any, target: str) -> None:
    assert problem(run, target=target).code == "HN-R061"
    assert host.calls == []


def test_the_command(host: CodeHost, tmp_path: Path) -> None:
    file = tmp_path / "r.md"
    file.write_text(REPORT)
    arguments = ["ci", "comment", "--report", str(file), "--change", "12", "--host", host.kind]
    result = CliRunner(env=host.environment()).invoke(main, arguments)
    kind = {"gitlab": "merge request !12", "github": "pull request #12"}[host.kind]
    assert (result.exit_code, result.output) == (0, f"{kind}: comment created\n")
    host.refuse("GET", LIST, Answer(401, {}))
    result = CliRunner(env=host.environment()).invoke(main, arguments)
    assert result.exit_code == Exit.FAILED
    assert "HN-R057" in result.output and TOKEN not in result.output


# ---- what counts as nothing ----


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("Nothing changes.", True),
        ("# A\n\n## B\nKhông có thay đổi.\n<!-- hidden\nlines -->", True),
        ("# A\n\n| a |\n", False),
        ("one\n\ntwo", False),
        ("# A\n<details>x</details>", False),
        ("# A\n```diff", False),
    ],
)
def test_what_counts_as_nothing(text: str, nothing: bool) -> None:
    assert says_nothing(text) is nothing


@pytest.mark.skipif(not hasattr(infra.report, "render"), reason="the forms are not there yet")
def test_the_reports_own_empty_form_counts_as_nothing() -> None:
    from infra.ci.comment import MARKER
    from infra.report.content import Change, Report, Summary

    names = ("diff", "main (1a2b3c4)", "working tree", "Bộ", "Ministry")
    made = {
        n: MARKER.sub("", infra.report.render(Report(*names, Summary(), changes), "markdown"))
        for n, changes in {"empty": (), "full": (Change("unit", "a", "create"),)}.items()
    }
    assert (says_nothing(made["empty"]), says_nothing(made["full"])) == (True, False)
