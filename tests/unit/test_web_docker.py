"""The added application as a unit's own host would run it: image, files, secrets and settings of
the plan, on the local engine. Its database first, then the TLS before it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from test_images_docker import engine, run_here  # noqa: F401  (a fixture)

from infra import images, paths
from infra.model import load
from infra.plan import plan
from infra.resources import Certificate, HostPlan
from infra.secrets import Secrets
from tests.application import APP, OWN, added

NETWORK = "172.29.241.0/24"  # in place of the host's container network: no engine has it by default
PREFIX = "fourth-application-"
NAME = f"{APP}-{OWN}.mic.example"
DATABASE = "phan_anh_vnnic"


class Host:
    """The planned host on the local engine, container by container."""

    def __init__(self, client: Any, planned: HostPlan, files: Path, network: Any) -> None:
        self._client, self._planned, self._files = client, planned, files
        self._network = network

    def start(self, name: str) -> Any:
        """One container by its plan, but for its ports: it is asked at its own address."""
        wanted = self._planned.container(name)
        uid = dict(plan_images(self._planned))[wanted.image]
        container = self._client.containers.create(
            images.reference(images.ImageSpec(wanted.image, uid)),
            list(wanted.command),
            name=PREFIX + name,
            user=wanted.user,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs=dict.fromkeys(wanted.tmpfs, "mode=1777"),
            environment=dict(wanted.environment),
            mem_limit=wanted.memory,
            memswap_limit=wanted.memory,
            nano_cpus=10**9,
            stop_signal=wanted.stop_signal,
            network=self._network.name,
            mounts=[
                docker.types.Mount(m.target, self._source(m), type=m.kind, read_only=m.read_only)
                for m in wanted.mounts
                if not m.target.startswith("/backup")
            ],
        )
        self._network.disconnect(container)
        self._network.connect(container, ipv4_address=wanted.address, aliases=[name])
        container.start()
        assert wanted.health
        wait_for(lambda: self.run(container, *wanted.health.test[1:])[0] == 0, container)
        return container

    def _source(self, mount: Any) -> str:
        place = mount.source.removeprefix("/etc/hanoi/")
        return str(self._files / place) if mount.kind == "bind" else PREFIX + mount.source

    @staticmethod
    def run(container: Any, *argv: str) -> tuple[int, str]:
        done = container.exec_run(list(argv))
        return done.exit_code, done.output.decode()


def plan_images(host: HostPlan) -> list[tuple[str, int]]:
    return sorted({(c.image, int(c.user.split(":")[0])) for c in host.parts.containers})


def wait_for(condition: Callable[[], bool], container: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, container.logs().decode()[-2000:]
        time.sleep(0.5)


def rendered(planned: HostPlan, secrets: Secrets, directory: Path) -> Path:
    """The containers' files with their secrets, as they are on the host."""
    for file in planned.parts.files:
        if not file.path.startswith("/etc/hanoi/"):
            continue
        path = directory / file.path.removeprefix("/etc/hanoi/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.resolve(file.content), "utf-8")
        if file.owner.isdigit():
            os.chown(path, int(file.owner), int(file.group))
        path.chmod(file.mode)
    return directory


@pytest.fixture
def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[HostPlan, Secrets, Path]]:
    if os.geteuid():
        pytest.skip("files belong to the containers' users: only root can write them")
    sites = added(tmp_path, OWN)
    unit = sites / "units" / f"{OWN}.yaml"
    address = f"    address: 10.77.9.10\n    container_network: {NETWORK}\n"
    unit.write_text(unit.read_text().replace("    address: 10.77.9.10\n", address))
    monkeypatch.setenv("HANOI_SITES", str(sites))
    whole = plan(load(sites))
    (planned,) = [h for h in whole.hosts if h.own]
    secrets = Secrets.open(tmp_path / "secrets")
    gateway = next(s for s in whole.host("nd-1").parts.secrets if s.id == "gateway/nd-1")
    secrets.ensure([*planned.parts.secrets, gateway])
    tmp_path.chmod(0o755)
    yield planned, secrets, rendered(planned, secrets, tmp_path / "hanoi")


@pytest.fixture
def host(made: tuple[HostPlan, Secrets, Path], engine: Any, tmp_path: Path) -> Iterator[Host]:  # noqa: F811
    planned, _, files = made
    wanted = [f"app-{APP}", "haproxy", "postgres"]
    specs = [images.ImageSpec(n, u) for n, u in plan_images(planned) if n in wanted]
    names = [f"{s.name}-{images.tag(s)}" for s in specs] + [f"base-{images.base_tag()}"]
    kept_before = {t for image in engine.images.list() for t in image.tags}
    images.ensure(engine, run_here, specs, reading_cache(tmp_path / "cache", names))
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=NETWORK)])
    network = engine.networks.create(PREFIX + "network", ipam=pool)
    try:
        yield Host(engine, planned, files, network)
    finally:
        for container in engine.containers.list(all=True, filters={"name": PREFIX}):
            container.remove(force=True, v=True)
        network.remove()
        for volume in engine.volumes.list(filters={"name": PREFIX}):
            volume.remove()
        for ref in {images.reference(s) for s in specs} - kept_before:
            engine.images.remove(ref)


def reading_cache(cache: Path, names: list[str]) -> Path:
    """A cache of the test's own, with what the real one has: that spares minutes where it is warm,
    and what is built here does not stay."""
    (cache / "images").mkdir(parents=True)
    for file in (f"{name}.tar{end}" for name in names for end in ("", ".sha256")):
        if (kept := paths.cache() / "images" / file).is_file():
            (cache / "images" / file).symlink_to(kept)
    return cache


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_it_keeps_what_is_said_and_answers_gateways_only(
    host: Host, made: tuple[HostPlan, Secrets, Path]
) -> None:
    planned, secrets, _ = made
    database = host.start("own-database")
    (role,) = [r for r in planned.parts.roles if r.name == DATABASE]
    password = secrets.value(role.password, "password")
    for statement in (
        f"CREATE ROLE {DATABASE} LOGIN PASSWORD '{password}'",
        f"CREATE DATABASE {DATABASE} OWNER {DATABASE}",
    ):
        sql(host, database, "postgres", statement)
    application = host.start(f"app-{APP}")
    (setting,) = [o for o in planned.parts.oneoffs if o.id == f"{APP}-{OWN}"]
    assert host.run(application, *setting.probe) == (1, "no table yet\n")
    for _ in range(2):
        assert host.run(application, *setting.argv) == (0, "")
        assert host.run(application, *setting.probe) == (0, "")
    inner = (planned.container(f"app-{APP}").address, 8000)
    said = "Cổng dịch vụ chậm <hôm nay>"
    body = urllib.parse.urlencode({"text": said})
    assert asked(socket.create_connection(inner, 10), "POST", "/", body)[0] == 303
    stored = sql(host, database, DATABASE, "SELECT text FROM feedback")
    assert stored == said
    status, page = asked(socket.create_connection(inner, 10), "GET", "/")
    assert status == 200 and "Cổng dịch vụ chậm &lt;hôm nay&gt;" in page
    assert json.loads(asked(socket.create_connection(inner, 10), "GET", "/rows")[1]) == [said]
    assert asked(socket.create_connection(inner, 10), "GET", "/", name="x.mic.example")[0] == 404
    database.remove(force=True)  # what follows must not need it

    host.start(f"tls-{APP}")
    front = (planned.container(f"tls-{APP}").address, 8443)
    gateway = trusting(secrets, "gateway/nd-1")
    assert asked(spoken(gateway, front), "GET", "/alive")[0] == 200
    assert asked(spoken(gateway, front), "GET", "/alive", name=f"app-{APP}")[0] == 200
    assert asked(spoken(gateway, front), "GET", "/alive", name="x.mic.example")[0] == 421
    other = next(
        s.id
        for s in planned.parts.secrets
        if isinstance(s, Certificate) and s.id.startswith("own-database")
    )
    assert asked(spoken(trusting(secrets, other), front), "GET", "/alive")[0] == 403
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        asked(spoken(trusting(secrets), front), "GET", "/alive")


def sql(host: Host, container: Any, database: str, statement: str) -> str:
    argv = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "/run/postgresql", "-U", "postgres")
    code, said = host.run(container, *argv, "-d", database, "-c", statement)
    assert code == 0, said
    return said.strip()


def trusting(secrets: Secrets, client: str = "") -> ssl.SSLContext:
    """What a gateway checks; client: the certificate that is shown, if any."""
    context = ssl.create_default_context(cadata=secrets.value("ca", "cert"))
    if client:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("\n".join(secrets.value(client, part) for part in ("cert", "key")) + "\n")
            file.flush()
            context.load_cert_chain(file.name)
    return context


def spoken(context: ssl.SSLContext, address: tuple[str, int]) -> ssl.SSLSocket:
    plain = socket.create_connection(address, 10)
    return context.wrap_socket(plain, server_hostname=f"app-{APP}")


def asked(
    stream: socket.socket, method: str, path: str, body: str = "", name: str = NAME
) -> tuple[int, str]:
    """Status and text of one answer."""
    with contextlib.closing(http.client.HTTPConnection(name)) as connection:
        connection.sock = stream
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
