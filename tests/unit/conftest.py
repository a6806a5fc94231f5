"""What every unit test may rely on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def environment_restored() -> Iterator[None]:
    """The command line's --sites is kept in the environment for what it starts; the next test
    begins without it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
