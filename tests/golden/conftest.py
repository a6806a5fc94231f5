"""`pytest tests/golden --update-golden` writes the expectations anew; review them in the diff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import infra.plan
from infra.services import registered


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*/ anew")


@pytest.fixture
def update_golden(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--update-golden", default=False))


@pytest.fixture
def services_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plans without the host baseline, whose files have cases of their own."""
    on_host, once = registered()

    def only() -> tuple[tuple, tuple]:
        return tuple(
            tuple(r for r in table if r.name.startswith("infra.services."))
            for table in (on_host, once)
        )

    monkeypatch.setattr(infra.plan, "registered", only)
    yield
