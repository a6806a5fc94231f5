"""What a check makes of signing on: who must get in, who must not, and what is left behind."""

from __future__ import annotations

import json
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from infra.plan import plan
from infra.resources import Plan
from infra.verify import sign_on
from infra.verify.checks import pages_here
from tests.golden.model import joined, model

IN = {"step": "done", "status": 200, "text": "inside"}
REFUSED = {"step": "the provider", "status": 200, "said": ["84"]}
FORM = {"step": "the provider's form", "status": 500, "said": "https://x/"}


class Lab:
    """All hosts as one: keeps what it was asked, and answers as the case says."""

    def __init__(self, own: dict[str, Any], other: dict[str, Any]):
        self.own, self.other = own, other
        self.users: set[str] = set()
        self.asked: list[str] = []
        self.inputs: list[bytes] = []
        self.backend = self

    def fresh(self, command: str, *_: str, timeout: float = 60, stdin: bytes = b"") -> Any:
        self.asked.append(command)
        words = shlex.split(command)
        answer: dict[str, Any] = {}
        if words[0] == "docker":
            if "put" in words:
                self.users.add(words[-3])
            else:
                self.users.remove(words[-1])
        else:
            login = words[-2]
            assert login in self.users, "nobody signs on who is not there"
            answer = self.other if login.endswith("-other") else self.own
        self.inputs.append(stdin)
        return SimpleNamespace(rc=0, stdout=json.dumps(answer), stderr="")


@pytest.fixture
def made() -> Plan:
    return plan(model(joined()), "sign-on")


def _wrong(made: Plan, lab: Lab, forgotten: list[str]) -> list[str]:
    def forget(_: Any, __: Any, page: Any, login: str) -> str:
        forgotten.append(f"{page.unit} {login}")
        return ""

    hosts = {h.id: lab for h in made.hosts}
    told = sign_on.signed_on(
        hosts, made, "authority", "documents", ("/in", "/who"), lambda text, _: text == "inside",
        forget,
    )  # fmt: skip
    assert sorted(told) == ["ddn-1", "nd-1", "tdh-1"]
    return sorted({w.split(": ", 1)[1] for all_ in told.values() for w in all_})


@pytest.mark.parametrize(
    ("own", "other", "wrong"),
    [
        (IN, REFUSED, []),
        (IN, IN, ["a user of no unit gets to done: None"]),
        (IN, {**REFUSED, "said": ["5"]}, ["a user of no unit gets to the provider: ['5']"]),
        ({**IN, "text": "?"}, REFUSED, ["who signed on is not known there"]),
        (REFUSED, REFUSED, ["a user of the unit gets to the provider: ['84']"]),
        (FORM, REFUSED, ["a user of the unit gets to the provider's form: https://x/"]),
    ],
)
def test_a_users_way_in_is_judged(
    made: Plan, own: dict[str, Any], other: dict[str, Any], wrong: list[str]
) -> None:
    lab, forgotten = Lab(own, other), list[str]()
    assert _wrong(made, lab, forgotten) == wrong
    units = [p.unit for p in pages_here(made, "documents")]
    assert sorted(forgotten) == sorted(f"{u} {sign_on.login_of(str(u))}" for u in units)
    assert not lab.users, "a user of the check stays at sign-on"


def test_passwords_are_in_no_process_list(made: Plan) -> None:
    lab = Lab(IN, REFUSED)
    _wrong(made, lab, [])
    passwords = {i.decode().strip() for i in lab.inputs if i}
    assert len(passwords) == 2 * len(pages_here(made, "documents"))
    assert not [p for p in passwords for command in lab.asked if p in command]


def test_a_wave_without_sign_on_is_not_judged() -> None:
    before = plan(model(joined()), "documents")
    with pytest.raises(pytest.skip.Exception, match="not in this wave"):
        sign_on.running({h.id: Lab(IN, REFUSED) for h in before.hosts}, before)


def test_the_checks_users_are_told_apart_and_are_valid_logins() -> None:
    units = ["a", "vien-chien-luoc-thong-tin-va-truyen-thong-rat-dai", "b"]
    logins = {sign_on.login_of(u) for u in units}
    assert len(logins) == 3 and max(len(f"{login}-other") for login in logins) <= 63
