"""The image registry at the hub."""

from __future__ import annotations

from infra.verify.checks import control, gate, look, on

pytestmark = [gate("infrastructure")]


@control("REG-01", "own requirement")
@on(container="registry")
def test_settings(host) -> None:
    """It asks every client for a certificate of our authority."""
    text = look(host, "cat /etc/hanoi/registry/config.yml")
    assert "clientcas:" in text and "minimumtls: tls1.2" in text, (
        "clientcas or minimumtls is not set"
    )


@control("REG-02", "own requirement")
def test_engine_may_pull(host, plan) -> None:
    """This host's engine has a certificate for the registry, for itself only."""
    hub = plan.host(plan.hub).address
    base = f"/etc/docker/certs.d/{hub}:5000"
    assert host.file(f"{base}/client.cert").exists, "there is no client certificate"
    found = look(host, f"stat -c '%a %U' {base}/client.key").strip()
    assert found == "400 root", f"its key is {found}"


@control("REG-03", "own requirement")
def test_registry_answers(host, plan) -> None:
    """The registry answers this host's engine."""
    hub = plan.host(plan.hub).address
    base = f"/etc/docker/certs.d/{hub}:5000"
    program = (
        "import ssl,sys,urllib.request as u;b=sys.argv[1];"
        "c=ssl.create_default_context(cafile=b+'/ca.crt');"
        "c.load_cert_chain(b+'/client.cert',b+'/client.key');"
        "print(u.urlopen('https://'+sys.argv[2]+':5000/v2/',timeout=5,context=c).status)"
    )
    done = host.run("python3 -I -c %s %s %s", program, base, hub)
    assert done.rc == 0, f"no answer: {done.stderr.strip().splitlines()[-1:]}"
    assert done.stdout.strip() == "200", f"it answers {done.stdout.strip()}"
