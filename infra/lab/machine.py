"""The machine that carries the lab: its Docker engine, packages, proxies, name servers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException

from infra import paths
from infra.errors import Exit, error

Progress = Callable[[str], None]

_START_SECONDS = 60
_CERTIFICATES = Path("/usr/local/share/ca-certificates")
# What the machine's operator decided about apt, and the hosts need as well.
_APT_SETTINGS = re.compile(
    r'Acquire::(?:https?::Proxy|Check-Valid-Until|Check-Date|Retries) "[^"]*";', re.IGNORECASE
)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


@contextmanager
def engine_errors(where: str) -> Iterator[None]:
    """Turn what the Docker SDK raises into HN-L010."""
    try:
        yield
    except (DockerException, requests.RequestException) as problem:
        text = getattr(problem, "explanation", None) or str(problem)
        raise error(
            "HN-L010",
            where,
            f"the Docker engine answered: {text}",
            "Repeat the command; if it stays, look at `docker ps -a` and the engine's log.",
        ) from problem


def connect() -> docker.DockerClient | None:
    """The local engine (DOCKER_HOST is respected), or None when it does not answer."""
    try:
        client = docker.from_env(timeout=180)
    except (DockerException, requests.RequestException):
        return None
    try:
        client.ping()
    except (DockerException, requests.RequestException):
        client.close()
        return None
    return client


def client() -> docker.DockerClient:
    """The engine that is there; HN-L003 when none answers."""
    if found := connect():
        return found
    raise error(
        "HN-L003",
        "Docker engine",
        "no Docker engine answers on this machine",
        "Start it, or run `hanoi lab up` as root on Debian, which installs and starts one.",
        Exit.ENVIRONMENT,
    )


def ensure_engine(progress: Progress) -> docker.DockerClient:
    """The local engine, installed from Debian and started where there is none.

    HN-L003 when that needs rights or a system this machine does not have, HN-L004 when the
    engine does not come up.
    """
    if found := connect():
        return found
    if os.geteuid() != 0 or not is_debian():
        raise error(
            "HN-L003",
            "Docker engine",
            "no Docker engine answers, and one can be installed only by root on Debian",
            "Start Docker, or let your user reach it (group docker), or run this as root on "
            "Debian.",
            Exit.ENVIRONMENT,
        )
    missing = [
        package
        for package, binary in (("docker.io", "dockerd"), ("iptables", "iptables"))
        if not program(binary)
    ]
    install(missing, progress)
    progress("starting the Docker engine")
    log = _start_engine()
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if found := connect():
            return found
        time.sleep(0.5)
    raise error(
        "HN-L004",
        "Docker engine",
        f"the engine did not answer within {_START_SECONDS} s of its start",
        f"Read {log} and start it by hand.",
        Exit.ENVIRONMENT,
    )


def program(name: str) -> str | None:
    """Where a program is; also root's directories are searched. None when it is missing."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _start_engine() -> str:
    """Start dockerd by systemd, else by hand; returns where its log is."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker.service"], check=False)
        return "`journalctl -u docker`"
    directory = paths.state() / "lab"
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "dockerd.log"
    with log.open("ab") as out:
        engine = subprocess.Popen(
            [program("dockerd") or "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # it outlives this command
        )
    (directory / "dockerd.pid").write_text(f"{engine.pid}\n")
    return str(log)


def is_debian(release: Path = Path("/etc/os-release")) -> bool:
    try:
        return bool(re.search(r"^ID=debian$", release.read_text(), re.MULTILINE))
    except OSError:
        return False


def install(packages: Sequence[str], progress: Progress) -> None:
    """Install Debian packages that are missing; HN-L005 when apt fails."""
    if not packages:
        return
    names = " ".join(packages)
    progress(f"installing {names} from Debian")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        # A foreign source that fails must not stop what Debian itself can give.
        if done.returncode and arguments[0] == "install":
            raise error(
                "HN-L005",
                "packages",
                f"apt-get could not install {names}: {last_line(done.stderr)}",
                f"Install them by hand (apt-get install {names}), then repeat the command.",
                Exit.ENVIRONMENT,
            )


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def cgroup_version(root: Path = Path("/sys/fs/cgroup")) -> int:
    """2 for the unified hierarchy, 1 for legacy and hybrid ones."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def allows_privileged(engine: docker.DockerClient, image: str, label: dict[str, str]) -> bool:
    """Whether the engine starts a privileged container: tried with one that ends at once."""
    with engine_errors("engine"):
        trial = engine.containers.create(
            image, entrypoint=["/bin/true"], privileged=True, network_mode="none", labels=label
        )
        try:
            trial.start()
            return True
        except APIError:
            return False
        finally:
            trial.remove(force=True, v=True)


def apt_settings() -> list[str]:
    """The machine's apt settings that hosts need too (proxy, clock checks), as apt.conf lines."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    except OSError:
        dump = ""
    return select_apt_settings(dump, os.environ)


def select_apt_settings(dump: str, environment: Mapping[str, str]) -> list[str]:
    """From `apt-config dump` and the environment; a proxy on the loopback is of no use inside."""
    lines = [match for match in _APT_SETTINGS.findall(dump) if not _loopback_proxy(match)]
    for scheme in ("http", "https"):
        proxy = proxies(environment).get(f"{scheme}_proxy")
        if proxy and not any(f"acquire::{scheme}::proxy" in line.lower() for line in lines):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return lines


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The machine's proxy variables that work from a host too, lower-case names."""
    found = {}
    for name in _PROXY_VARIABLES:
        value = environment.get(name) or environment.get(name.upper())
        if value and (name == "no_proxy" or not _is_loopback(urlsplit(value).hostname or "")):
            found[name] = value
    return found


def _loopback_proxy(setting: str) -> bool:
    value = setting.split('"')[1]
    return "::proxy" in setting.lower() and _is_loopback(urlsplit(value).hostname or "")


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def name_servers(
    files: Sequence[Path] = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")),
) -> list[str]:
    """The machine's name servers that a host can reach: none on the loopback, IPv4 only."""
    for file in files:
        try:
            text = file.read_text()
        except OSError:
            continue
        found = [
            server
            for server in re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)
            if ":" not in server and not _is_loopback(server)
        ]
        if found:
            return found
    return []


def extra_certificates(directory: Path = _CERTIFICATES) -> dict[str, bytes]:
    """The machine's own CA certificates, by file name: mirrors behind a proxy need them."""
    if not directory.is_dir():
        return {}
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in sorted(directory.rglob("*.crt"))
        if file.is_file()
    }
