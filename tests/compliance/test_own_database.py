"""A unit's own PostgreSQL, on the host where the unit runs its applications itself."""

from __future__ import annotations

from infra.services import own_database, postgres
from infra.verify.checks import control, gate, look, on

pytestmark = [gate("personnel", "online-services", "documents"), on(container="own-database")]

PSQL = (
    f"docker exec -i {own_database.NAME} psql -X -A -t -h {postgres.SOCKET}"
    f" -U {postgres.SUPERUSER} -d postgres -c"
)


@control("OWN-01", "own requirement")
def test_keeps_checksums_and_encrypts(host) -> None:
    """Pages have checksums, and connections are encrypted with a modern protocol."""
    found = look(
        host,
        f"{PSQL} \"SELECT current_setting('data_checksums'),"
        " current_setting('ssl'), current_setting('ssl_min_protocol_version')\"",
    )
    assert found.strip() == "on|on|TLSv1.2", f"data_checksums, ssl, least version: {found.strip()}"


@control("OWN-02", "CIS PostgreSQL Benchmark, 5")
def test_lets_nobody_in_without_tls_or_as_superuser(host) -> None:
    """From outside only with TLS, and never as the superuser."""
    rules = look(host, f'{PSQL} "SELECT type, user_name, auth_method FROM pg_hba_file_rules"')
    rows = [line.split("|") for line in rules.split() if line]
    assert rows, "no rule was read"
    assert {r[0] for r in rows} <= {"local", "hostssl"}, "connections without TLS are let in"
    assert not {r[2] for r in rows} & {"trust", "md5", "password"}, "a weak method is accepted"
    first = next(r for r in rows if r[0] == "hostssl" and postgres.SUPERUSER in r[1])
    assert first[2] == "reject", "the superuser may come in over the network"


@control("OWN-03", "own requirement")
def test_databases_are_those_planned(host, target) -> None:
    """Every planned database is there and belongs to its own role, which may not come in where
    the data is only a second copy."""
    found = look(
        host,
        f'{PSQL} "SELECT d.datname, r.rolname, r.rolcanlogin FROM pg_database d'
        ' JOIN pg_roles r ON r.oid = d.datdba"',
    )
    there = {line.split("|")[0]: line.split("|")[1:] for line in found.split() if line}
    logins = {r.name: "t" if r.login else "f" for r in target.parts.roles}
    wrong = [
        d.name for d in target.parts.databases if there.get(d.name) != [d.owner, logins[d.owner]]
    ]
    assert not wrong, f"missing, or of another owner: {', '.join(wrong)}"


@control("OWN-04", "own requirement")
def test_its_log_reaches_the_store(host, target) -> None:
    """What is written reaches the unit's store: the archive answers, and a copy is due nightly."""
    if not any(f.path.endswith("/pgbackrest.conf") for f in target.parts.files):
        return
    argv = " ".join(own_database.COPIES)
    done = host.run(f"docker exec {own_database.NAME} {argv} check")
    assert done.rc == 0, "pgBackRest cannot archive to the store"
    timer = host.run("systemctl is-active hanoi-backup.timer")
    assert timer.stdout.strip() == "active", "the nightly copy is not scheduled"
