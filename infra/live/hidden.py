"""What a host says, made fit to be shown: known secrets and what looks like one are hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "(hidden)"
SHORTEST = 8  # characters; anything shorter would hide half the text
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_NAMED = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credential)s?[\"']?\s*[=:]\s*)"
    r"(?!//)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"']+)"
)
_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(@)")


class Hider:
    """Hides in text whatever the vault holds, private keys, and values named like a password.

    values: a secret's value → the reference that is shown in its place. `planned`: text that
    stands in the plan may be shown as it is, since a plan holds no secret.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = sorted(
            ((v, ref) for v, ref in values.items() if len(v.strip()) >= SHORTEST),
            key=lambda pair: -len(pair[0]),
        )

    def text(self, text: str, planned: str = "") -> str:
        for value, reference in self._values:
            text = text.replace(value.strip(), reference)
        text = _KEY_BLOCK.sub(HIDDEN, text)
        known = set(planned.splitlines())
        lines = text.splitlines(keepends=True)
        return "".join(x if x.rstrip("\n") in known else _masked(x) for x in lines)


def _masked(line: str) -> str:
    return _IN_ADDRESS.sub(rf"\1{HIDDEN}\2", _NAMED.sub(rf"\1{HIDDEN}", line))
