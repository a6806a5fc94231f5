"""Each policy sees what it is for, and leaves its neighbour alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.diff.compare import compare
from infra.diff.review import compared, judge, verdict
from infra.diff.revisions import Revision
from infra.diff.side import Side
from infra.diff.sides import Sources, empty
from infra.errors import Exit, HanoiError
from infra.policies import accepted, shipped
from infra.report.content import Finding
from infra.resources import Container, HostPlan
from tests.golden import changed
from tests.golden.changed import Description, base, side

Edit = Callable[[Description], None]
Turn = Callable[[Side], Side]
POSTGRES_16 = "RUN image-install postgres 1 \\\n postgresql-16 patroni\n"
POSTGRES_17 = "RUN image-install postgres 1 \\\n postgresql-17 patroni\n"


@cache
def before() -> Side:
    return side("before", base())


def both(edit: Edit | None = None, turn: Turn | None = None) -> tuple[Side, Side]:
    edited = base()
    if edit:
        edit(edited)
    after = side("after", edited, before()) if edit else replace(before(), name="after")
    return before(), turn(after) if turn else after


def findings(old: Side, new: Side) -> list[Finding]:
    return judge(old, new, compare(old, new), None, None)


def ids(old: Side, new: Side) -> set[str]:
    return {f.id for f in findings(old, new)}


def containers(change: Callable[[HostPlan, Container], Container]) -> Turn:
    """Every container of the plan, changed."""

    def host(h: HostPlan) -> HostPlan:
        made = tuple(change(h, c) for c in h.parts.containers)
        return replace(h, parts=replace(h.parts, containers=made))

    def turn(made: Side) -> Side:
        assert made.plan
        sites = tuple(replace(s, hosts=tuple(host(h) for h in s.hosts)) for s in made.plan.sites)
        return replace(made, plan=replace(made.plan, sites=sites))

    return turn


def without_volume(*hosts: str) -> Turn:
    return containers(
        lambda h, c: (
            replace(c, mounts=tuple(m for m in c.mounts if m.kind != "volume"))
            if c.name == "postgres" and h.id in hosts
            else c
        )
    )


def carried_to(place: str) -> Turn:
    """What the sites keep for units, at another place."""

    def turn(made: Side) -> Side:
        assert made.plan
        common = made.plan.common
        data = tuple(replace(d, place=place) for d in common.data)
        return replace(made, plan=replace(made.plan, common=replace(common, data=data)))

    return turn


def without_gate(*hosts: str) -> Turn:
    return containers(lambda h, c: replace(c, gate=()) if c.name == "etcd" and h.id in hosts else c)


def recipes(postgres: str, suite: str = "trixie") -> Turn:
    return lambda made: replace(made, recipes={"postgres": postgres, "suite": suite})


def set_(path: str, value: Any) -> Edit:
    """An edit of one value; path such as "ministry.ssh"."""

    def edit(d: Description) -> None:
        *parents, last = path.split(".")
        place: Any = d
        for name in parents:
            place = place[int(name)] if name.isdigit() else place[name]
        place[int(last) if last.isdigit() else last] = value

    return edit


def one_member_leaves(d: Description) -> None:
    d["sites"][2]["hosts"][0]["roles"] = ["gateway", "applications"]


def two_members_leave(d: Description) -> None:
    for site in d["sites"][1:]:
        site["hosts"][0]["roles"] = ["gateway", "applications"]


# id, what fires it, what comes near and does not.
CASES: list[tuple[str, tuple[Side, Side], tuple[Side, Side]]] = [
    (
        "capacity-exceeded",
        both(changed.memory_exceeded),
        both(set_("ministry.database", {"memory": "4GiB"})),
    ),
    ("data-left-behind", both(changed.unit_closed), both(changed.rename_label)),
    ("data-lost", both(turn=without_volume("nd-1")), both(set_("ministry.database", {"ttl": 30}))),
    (
        "database-upgrade",
        (recipes(POSTGRES_16)(both()[0]), recipes(POSTGRES_17)(both()[1])),
        (recipes(POSTGRES_17)(both()[0]), recipes(POSTGRES_17)(both()[1])),
    ),
    (
        "downgrade",
        (recipes(POSTGRES_17)(both()[0]), recipes(POSTGRES_16)(both()[1])),
        (recipes(POSTGRES_16)(both()[0]), recipes(POSTGRES_17)(both()[1])),
    ),
    ("hub-moved", both(changed.hub_moved), both(changed.new_site)),
    ("login-left-behind", both(changed.operator_removed), both(changed.operator_added)),
    ("move-impossible", both(turn=carried_to("central/tdh-1")), both(turn=carried_to("own/tdh-1"))),
    ("network-in-use", both(changed.container_network), both(changed.user_networks)),
    ("open-to-everyone", both(changed.open_to_everyone), both(changed.user_networks)),
    (
        "operators-locked-out",
        both(changed.management_networks),
        both(set_("ministry.management_networks", ["10.77.0.0/16", "10.78.0.0/16"])),
    ),
    ("quorum-at-risk", both(one_member_leaves), both(changed.new_site)),
    ("service-removed", both(changed.wave_taken_back), both(changed.hub_moved)),
    ("site-or-host-removed", both(changed.host_removed), both(changed.new_site_host)),
    (
        "two-voting-members-at-once",
        both(turn=without_gate("nd-1", "tdh-1")),
        both(turn=without_gate("nd-1")),
    ),
    ("unit-cut-off", both(changed.central_to_external), both(changed.rename_label)),
    ("unit-vanished", both(changed.unit_removed), both(changed.unit_closed)),
    ("unit-without-backup", both(changed.central_to_self_hosted), both(changed.backup_text)),
    ("wave-taken-back", both(changed.wave_taken_back), both(changed.wave_advanced)),
]


def test_every_shipped_policy_has_its_two_cases() -> None:
    assert [p.id for p in shipped()] == [name for name, _, _ in CASES]


@pytest.mark.parametrize(("name", "fires", "quiet"), CASES, ids=[c[0] for c in CASES])
def test_a_policy_sees_what_it_is_for_and_nothing_beside_it(
    name: str, fires: tuple[Side, Side], quiet: tuple[Side, Side]
) -> None:
    assert name in ids(*fires)
    assert name not in ids(*quiet)
    assert name not in ids(*both()), "nothing changes"


@pytest.mark.parametrize(
    ("sides", "policy", "where", "severity"),
    [
        (both(turn=without_volume("nd-1")), "data-lost", "host nd-1", "danger"),
        (
            both(turn=without_volume("nd-1", "tdh-1", "ddn-1")),
            "data-lost",
            "host nd-1",
            "refused",
        ),
        (both(one_member_leaves), "quorum-at-risk", "quorum etcd", "danger"),
        (both(two_members_leave), "quorum-at-risk", "quorum postgres", "refused"),
        (
            both(set_("ministry.management_networks", ["0.0.0.0/0"])),
            "open-to-everyone",
            "tcp/22 on ddn-1, nd-1, tdh-1",
            "refused",
        ),
        (
            both(changed.open_to_everyone),
            "open-to-everyone",
            "tcp/443 on ddn-1, nd-1, tdh-1",
            "danger",
        ),
        (both(changed.ssh_port), "operators-locked-out", "ssh: port", "danger"),
        (both(changed.operator_removed), "operators-locked-out", "operators", "danger"),
        (
            (
                recipes(POSTGRES_17, "trixie")(both()[0]),
                recipes(POSTGRES_17, "bookworm")(both()[1]),
            ),
            "downgrade",
            "every image",
            "refused",
        ),
    ],
)
def test_how_grave_it_is(sides: tuple[Side, Side], policy: str, where: str, severity: str) -> None:
    found = {(f.id, f.where): f.severity for f in findings(*sides)}
    assert found[policy, where] == severity


def test_a_unit_forgets_whom_it_came_from() -> None:
    earlier = base()
    earlier["units"][1]["predecessors"] = ["cuc-tan-so"]
    assert "unit-vanished" in ids(side("a", earlier), side("b", base()))


def test_the_exit_code_follows_the_gravest() -> None:
    assert verdict(compared(*both())) is Exit.OK
    assert verdict(compared(*both(changed.logs))) is Exit.OK
    assert verdict(compared(*both(changed.operator_added))) is Exit.OK
    assert verdict(compared(*both(changed.hub_moved))) is Exit.FINDINGS
    assert verdict(compared(*both(two_members_leave))) is Exit.REFUSED


def test_an_unknown_base_leaves_what_can_be_judged_alone() -> None:
    _, after = both(changed.open_to_everyone)
    report = compared(empty(Revision("main"), "main cannot be read"), after)
    assert {f.id for f in report.summary.findings} == {"open-to-everyone"}
    assert report.summary.unknown == ("main cannot be read",)
    assert report.changes == ()
    assert verdict(report) is Exit.FINDINGS


OWN = """
from infra.policies import Danger, policy

@policy("freeze", severity="refused", reason="nobody is here", remedy="wait", compares=False)
def freeze(before, after, changes):
    print("this must not get into the report")
    for change in changes:
        if change.kind == "container":
            yield Danger(change.host, change.name)
"""


def sources(directory: Path | None, commit: str | None = None) -> Sources:
    return Sources(Revision("main" if commit else "working tree", commit), Path(), "", directory)


def policies(path: Path, **files: str) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / (name.replace("__", "."))).write_text(text, "utf-8")
    return path


def judged(base_policies: Path | None, head_policies: Path | None) -> list[Finding]:
    old, new = both(changed.application_memory)
    earlier = sources(base_policies, "a" * 40)
    return judge(old, new, compare(old, new), earlier, sources(head_policies))


def test_a_ministrys_own_policy_refuses(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = judged(None, policies(tmp_path / "policies", freeze__py=OWN))
    assert [(f.id, f.severity, f.where, f.what) for f in found] == [
        ("freeze", "refused", host, "tryton") for host in ("ddn-1", "nd-1", "tdh-1")
    ]
    assert capfd.readouterr().out == ""


def test_a_change_cannot_switch_off_the_policy_that_refuses_it(tmp_path: Path) -> None:
    found = judged(policies(tmp_path / "base", freeze__py=OWN), None)
    assert {f.id for f in found} == {"freeze"}


def test_the_same_policy_on_both_sides_says_it_once(tmp_path: Path) -> None:
    directory = policies(tmp_path / "policies", freeze__py=OWN)
    assert len(judged(directory, directory)) == 3


@pytest.mark.parametrize(
    "meddling",
    [
        "import infra.policies, infra.diff.review\ninfra.policies._registered.clear()\n"
        "infra.diff.review.verdict = lambda report: 0\n",
        "import os\nos.environ.clear()\n",
    ],
)
def test_a_policy_can_take_nothing_back(tmp_path: Path, meddling: str) -> None:
    base_policies = policies(tmp_path / "base", freeze__py=OWN)
    found = judged(base_policies, policies(tmp_path / "head", meddle__py=meddling))
    assert {f.id for f in found} == {"freeze"}
    assert len(shipped()) == len(CASES)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("def broken(:\n", "policies/p.py:1", "SyntaxError"),
        ("import nothing_of_that_name\n", "policies/p.py:1", "ModuleNotFoundError"),
        (OWN.replace("freeze", "hub-moved", 1), "policies/p.py:4", "registered twice"),
        (OWN.replace("change.host, change.name", "1 / 0"), "policies/p.py:9", "ZeroDivisionError"),
        ("raise SystemExit(0)\n", "policies/p.py:1", "SystemExit"),
        ("import os\nos._exit(0)\n", "policies", "ended the process"),
    ],
)
def test_a_policy_that_does_not_work(tmp_path: Path, text: str, where: str, what: str) -> None:
    directory = policies(tmp_path / "policies", p__py=text)
    with pytest.raises(HanoiError) as caught:
        judged(None, directory)
    problem = caught.value.problems[0]
    assert (problem.code, problem.where) == ("HN-R010", where)
    assert what in problem.what
    # On the earlier side it does not stand in the way of its correction.
    (found,) = judged(directory, None)
    assert (found.id, found.severity) == ("policy-unusable", "danger")
    assert what in found.what


ENTRY = "- policy: freeze\n  where: nd-1\n  reason: the storage is bought\n"


def test_an_accepted_danger_is_a_note_that_says_why() -> None:
    danger = Finding("hub-moved", "danger", "hub", "a → b", "because", "do not")
    entry = accepted.Accepted("hub-moved", "hub", "agreed")
    (found,) = accepted.apply([danger], (), (entry,))
    assert (found.severity, found.reason) == ("note", "accepted: agreed (because)")
    assert accepted.apply([danger], (entry,), ()) == [danger], "it was taken away again"
    other = accepted.Accepted("hub-moved", "elsewhere", "agreed")
    assert accepted.apply([danger], (), (other,)) == [danger]


def test_a_refusal_is_lifted_by_a_change_of_its_own(tmp_path: Path) -> None:
    with_entry = policies(tmp_path / "with", freeze__py=OWN, accepted__yaml=ENTRY)
    without = policies(tmp_path / "without", freeze__py=OWN)

    def of_nd_1(found: list[Finding]) -> str:
        return next(f.severity for f in found if f.where == "nd-1")

    assert of_nd_1(judged(without, with_entry)) == "refused"
    assert of_nd_1(judged(with_entry, with_entry)) == "note"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("policy: x\n", "it is not a list"),
        ("- policy: x\n  where: y\n", "entry 1 has not the keys"),
        (ENTRY + "- x\n", "entry 2 has not the keys"),
        (ENTRY.replace("the storage is bought", '""'), "entry 1 has not the keys"),
        ("- &a x\n", "an anchor"),
        ("- [\n", ""),
    ],
)
def test_a_list_of_accepted_dangers_that_cannot_be_read(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(HanoiError, match="HN-R011") as caught:
        judged(None, policies(tmp_path / "policies", accepted__yaml=text))
    assert what in caught.value.problems[0].what
