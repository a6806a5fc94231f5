"""What a host says is shown without what looks like a secret."""

from __future__ import annotations

import pytest

from infra.live.hidden import Hider

HIDER = Hider({"kX9vBq27LmP4": "secret://db/x#password", "short": "secret://y#password"})
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user kX9vBq27LmP4 end", "user secret://db/x#password end"),
        ("a short word", "a short word"),
        ("password = hunter2", "password = (hidden)"),
        ('DB_PASSWORD="two words"', "DB_PASSWORD=(hidden)"),
        ("api-key: 123456", "api-key: (hidden)"),
        ('{"token": "abc", "a": 1}', '{"token": (hidden), "a": 1}'),
        ("postgres://an:hunter2@db/x", "postgres://an:(hidden)@db/x"),
        ("secret://db/x#password", "secret://db/x#password"),
        (f"key\n{PEM}\nend", "key\n(hidden)\nend"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "(hidden)"),
        ("PasswordAuthentication no", "PasswordAuthentication no"),
        ("", ""),
    ],
)
def test_hidden(text: str, shown: str) -> None:
    assert HIDER.text(text) == shown


def test_a_planned_line_is_shown_as_it_is() -> None:
    """A plan holds no secret, so a setting whose name sounds like one is none."""
    planned = "password_encryption: scram\ntoken: plain\n"
    assert HIDER.text(planned, planned) == planned
    assert HIDER.text("token: other\n", planned) == "token: (hidden)\n"
