"""A unit's own host joins the lab beside the sites' hosts, and leaves it without a trace."""

from __future__ import annotations

import json

import pytest

from tests.lab.conftest import Lab, hanoi

HOST = "vnnic-1"  # of the sample's unit vnnic, which hosts an application itself


def running() -> set[str]:
    return {h["id"] for h in json.loads(hanoi("lab", "status", "--json").out) if h["running"]}


@pytest.mark.long  # test_moves adds one, deploys it and takes it away
def test_a_units_host_comes_bare_and_goes(deployed: Lab) -> None:
    sites = {h.id for h in deployed.plan.hosts}
    hanoi("lab", "up", "--quiet", "--also", HOST)
    try:
        assert running() == sites | {HOST}
        seen = hanoi("lab", "ssh", HOST, "id -un; hostname; command -v dockerd || echo bare")
        assert seen.out.split() == ["root", HOST, "bare"]
    finally:
        hanoi("lab", "down", HOST, "--yes", "--quiet")
    assert running() == sites
    assert hanoi("lab", "ssh", sorted(sites)[0], "id -un").out.strip() == deployed.plan.ssh_user
