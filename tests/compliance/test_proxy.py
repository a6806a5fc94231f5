"""The database's endpoints of each host."""

from __future__ import annotations

from infra.verify.checks import control, gate, look, on

pytestmark = [gate("database"), on(container="database-proxy")]

FILE = "/etc/hanoi/database-proxy/haproxy.cfg"


@control("PROXY-01", "own requirement")
def test_configuration_is_valid(host) -> None:
    """HAProxy accepts the configuration that lies there.

    Break: a line in haproxy.cfg that it does not know.
    """
    done = host.run("docker exec database-proxy haproxy -c -q -f /etc/haproxy/haproxy.cfg")
    assert done.rc == 0, "haproxy refuses its configuration"


@control("PROXY-02", "own requirement")
def test_checks_the_role(host) -> None:
    """It asks Patroni who leads: a member whose port merely answers is no primary."""
    text = look(host, f"cat {FILE}")
    asked = {line.split()[-1] for line in text.splitlines() if "option httpchk" in line}
    assert asked == {"/primary", "/replica"}, "it does not ask for the role"
    assert "on-marked-down shutdown-sessions" in text, "sessions to a lost primary stay open"


@control("PROXY-03", "own requirement")
def test_verifies_members(host) -> None:
    """It verifies the members' certificates."""
    servers = [s for s in look(host, f"cat {FILE}").splitlines() if s.strip().startswith("server ")]
    loose = [s.split()[1] for s in servers if "verify required" not in s or "ca-file" not in s]
    assert servers and not loose, f"not verified: {', '.join(loose)}"


@control("PROXY-04", "own requirement")
def test_knows_all_members(host, plan) -> None:
    """It knows every member of the cluster, for writing and for reading."""
    text = look(host, f"cat {FILE}")
    planned = [h.id for h in plan.running("postgres")]
    missing = [m for m in planned if text.count(f"server {m} ") != 2]
    assert not missing, f"missing: {', '.join(missing)}"
