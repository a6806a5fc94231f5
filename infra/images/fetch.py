"""How a build reaches pip's and npm's registries: by the operator's own settings.

An image that needs packages of Python or of a web page has two stages. The first copies
.fetch/ from its context (pip.conf, npmrc, ca.crt: written here, for the time of the build)
to /fetch and fetches; the second copies the result alone. So no address or login of a mirror
gets into an image, and the first stage's layers are removed from the engine after the build.
"""

from __future__ import annotations

import configparser
import os
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = ".fetch"
PLACE = "/fetch"  # where the first stage puts the folder
STAGE = "hanoi.stage=fetch"  # the first stage's label: what bears it is removed

# What says where packages are and how to get there; the rest is the machine's own affair.
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
NPM_SETTINGS = ("registry", "proxy", "https-proxy", "noproxy", "strict-ssl")
_AUTHORITIES = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
_SYSTEM_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def needed(dockerfile: str) -> bool:
    """Whether the image's Dockerfile asks for the folder."""
    return f"COPY {FOLDER} " in dockerfile


def files(env: Mapping[str, str] = os.environ, root: Path = Path("/")) -> dict[str, bytes]:
    """The folder's files by name, from this machine's settings: clients' files, then `env`.

    Settings that cannot be read count as absent: the build then says what it could not reach.
    root: where the machine's own files are (tests).
    """
    pip, npm = pip_settings(env, root), npm_settings(env, root)
    stated = (pip.get("cert"), npm.get("cafile"), *(env.get(name) for name in _AUTHORITIES))
    authorities = [*(place for place in stated if place), *_system_authorities(root)]
    pip_lines = ["[global]", f"cert = {PLACE}/ca.crt"]
    # pip takes several addresses as lines of their own, each indented.
    pip_lines += [f"{k} = " + "\n  ".join(pip[k].split()) for k in PIP_SETTINGS if k in pip]
    npm_lines = [f"cafile={PLACE}/ca.crt"]
    npm_lines += [f"{k}={v}" for k, v in npm.items() if k in NPM_SETTINGS or k[:1] in "@/"]
    return {
        "ca.crt": b"\n".join(_contents(dict.fromkeys(authorities))),
        "npmrc": ("\n".join(npm_lines) + "\n").encode(),
        "pip.conf": ("\n".join(pip_lines) + "\n").encode(),
    }


def pip_settings(env: Mapping[str, str], root: Path = Path("/")) -> dict[str, str]:
    """pip's settings for an installation, in pip's own order: system, user, environment."""
    home = Path(env.get("HOME", "/nonexistent"))
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    named = env.get("PIP_CONFIG_FILE")
    places = [
        root / "etc/xdg/pip/pip.conf",
        root / "etc/pip.conf",
        home / ".pip/pip.conf",
        config / "pip/pip.conf",
        Path(sys.prefix, "pip.conf"),
        *([Path(named)] if named else []),
    ]
    found: dict[str, str] = {}
    for place in [] if named == os.devnull else places:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(place.read_text(encoding="utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {k.replace("_", "-"): v for k, v in parser.items(section)}
    found |= _environment(env, "PIP_")
    return {"timeout" if k == "default-timeout" else k: v for k, v in found.items() if v.strip()}


def npm_settings(env: Mapping[str, str], root: Path = Path("/")) -> dict[str, str]:
    """npm's settings, in npm's own order: system, user, environment."""
    home = Path(env.get("HOME", "/nonexistent"))
    user = env.get("NPM_CONFIG_USERCONFIG") or env.get("npm_config_userconfig")
    places = [root / f"{p}/npmrc" for p in ("etc", "usr/etc", "usr/local/etc")]
    found: dict[str, str] = {}
    for place in (*places, Path(user) if user else home / ".npmrc"):
        try:
            lines = place.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
        pairs = (line.partition("=") for line in lines if not line.lstrip().startswith(("#", ";")))
        found |= {k.strip(): v.strip().strip("\"'") for k, equals, v in pairs if equals}
    return {**found, **_environment(env, "npm_config_"), **_environment(env, "NPM_CONFIG_")}


def _environment(env: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): value
        for name, value in sorted(env.items())
        if name.startswith(prefix) and value
    }


def _system_authorities(root: Path) -> Iterator[str]:
    """The machine's bundle of authorities: the first of the usual places."""
    python = ssl.get_default_verify_paths().cafile
    usual = [str(root / place.lstrip("/")) for place in _SYSTEM_AUTHORITIES]
    yield from [place for place in (*usual, python) if place and Path(place).is_file()][:1]


def _contents(places: Mapping[str, None]) -> Iterator[bytes]:
    seen = set()
    for place in places:
        try:
            content = Path(place).read_bytes()
        except OSError:
            continue
        if content not in seen:
            seen.add(content)
            yield content
