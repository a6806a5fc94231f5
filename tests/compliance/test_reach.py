"""Whether the hosts answer at all: the one check that fails for an unreachable host."""

from __future__ import annotations

import pytest

from infra.verify.checks import control, gate

pytestmark = [gate("infrastructure", "database", "gateway", "personnel")]
pytestmark += [gate("sign-on", "online-services", "documents", "web")]


@control("REACH-01", "own requirement")
def test_host_is_reachable(host_id: str, reach) -> None:
    """The host is reachable.

    Without it nothing else is known about the host, so it is said once, here.
    """
    try:
        reach()
    except Exception as failure:
        pytest.fail(f"unreachable: {failure}", pytrace=False)
