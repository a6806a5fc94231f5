"""Questions put to a host, one noun a module: programs that run there and change nothing.

Each module is sent as text and has a function ``look(wanted, facts)``: `wanted` is what the
caller asks for, `facts` the module of roles/facts, whose way to the engine is used here too.
Standard library only. What a module cannot find out is told, never taken for empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infra import paths

if TYPE_CHECKING:
    from infra.ssh import Connection

_MAIN = """
import json, sys, types
def load(name, source):
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)
    return module
facts = load("host_facts", payload["facts"])
answer = {}
for name, source in payload["modules"].items():
    try:
        answer[name] = {"seen": load(name, source).look(payload["wanted"], facts)}
    except Exception as failure:
        text = f"{failure.__class__.__name__}: {failure}"
        answer[name] = {"failed": text.splitlines()[0][:200]}
print(json.dumps(answer))
"""


@dataclass(frozen=True)
class Answers:
    """seen: module → what it found; failed: module → why it could not look."""

    seen: Mapping[str, Any]
    failed: Mapping[str, str]


def ask(
    connection: Connection, modules: Sequence[str], wanted: Mapping[str, Any], timeout: float = 120
) -> Answers:
    """Put the modules' questions to one host, in one round trip.

    Raises HanoiError HN-C… when the host gives no answer.
    """
    payload = {
        "facts": _facts(),
        "modules": {name: _source(name) for name in modules},
        "wanted": dict(wanted),
    }
    answer = connection.python(_MAIN, payload, timeout)
    return Answers(
        {name: a["seen"] for name, a in answer.items() if "seen" in a},
        {name: a["failed"] for name, a in answer.items() if "failed" in a},
    )


@lru_cache(maxsize=32)
def _source(name: str) -> str:
    return (paths.PACKAGE / "live" / "onhost" / f"{name}.py").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _facts() -> str:
    return (paths.roles() / "facts" / "library" / "host_facts.py").read_text(encoding="utf-8")
