"""Sign-on: who is let in where, what is kept where, and the command that knows its users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra import sign_on, ssh
from infra.errors import Exit, HanoiError
from infra.plan import plan
from infra.resources import File, Plan
from infra.services import Context, HostContext, Scope, relying_party
from infra.services.relying_party import Client, provider, signs_on
from infra.ssh.connection import Completed
from tests.golden.model import model, with_sign_on

PASSWORD = "canary-Zx81-never-in-argv"
WHO = ("an.nguyen", "Nguyễn Văn An", "an@mic.example")


def _made() -> Plan:
    return plan(model(with_sign_on()), "sign-on")


def _files(host: str = "tdh-1") -> dict[str, File]:
    start = "/etc/hanoi/sign-on/"
    found = _made().host(host).parts.files
    return {f.path.removeprefix(start): f for f in found if f.path.startswith(start)}


def _settings() -> dict[str, Any]:
    return dict(json.loads(_files()["lmConf-1.json"].content))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An application with a client for one unit."""
    monkeypatch.setattr(relying_party, "_clients", dict(relying_party._clients))

    @signs_on("app:tryton")
    def clients(ctx: Context) -> tuple[Client, ...]:
        back = ("https://forms-legal.mic.example/callback",)
        return (Client("forms-legal", "vu-phap-che", back),)

    yield


# What is rendered


@pytest.mark.usefixtures("registered")
def test_a_client_lets_in_its_own_units_users_and_leads_to_its_own_addresses() -> None:
    party = _settings()["oidcRPMetaDataOptions"]["forms-legal"]
    assert party["oidcRPMetaDataOptionsRule"] == '$unit eq "vu-phap-che"'
    back = "https://forms-legal.mic.example/callback"
    assert party["oidcRPMetaDataOptionsRedirectUris"] == back
    key = party["oidcRPMetaDataOptionsClientSecret"]
    assert key == "secret://sign-on/client/forms-legal#password"
    assert "sign-on/client/forms-legal" in {s.id for s in _made().secrets}


def test_only_the_code_flow_with_signed_tokens() -> None:
    settings = _settings()
    assert settings["oidcServiceAllowAuthorizationCodeFlow"] == 1
    for other in ("AllowImplicitFlow", "AllowHybridFlow", "AllowDynamicRegistration"):
        assert settings[f"oidcService{other}"] == 0
    assert settings["oidcServiceMetaDataDisallowNoneAlg"] == 1
    parties = settings["oidcRPMetaDataOptions"].values()
    assert {p["oidcRPMetaDataOptionsIDTokenSignAlg"] for p in parties} == {"RS256"}


def test_nothing_is_kept_in_an_instance() -> None:
    settings = _settings()
    for kind in ("global", "persistent"):
        assert settings[f"{kind}Storage"] == "Apache::Session::Browseable::PgJSON"
        source = settings[f"{kind}StorageOptions"]["DataSource"]
        assert "host=database-proxy" in source and "sslmode=verify-full" in source
    assert settings["tokenUseGlobalStorage"] == 1
    assert settings["localSessionStorage"] == "" and settings["handlerInternalCache"] == 0
    assert "unlogged table" in _files()["tables.sql"].content
    assert "CREATE UNLOGGED" not in _files()["tables.sql"].content.upper()
    mounts = _made().host("tdh-1").container("sign-on").mounts
    assert {m.kind for m in mounts} == {"bind"}


def test_whoever_reads_a_file_that_all_may_read_learns_no_secret() -> None:
    files = _files()
    assert {n for n, f in files.items() if f.secrets and f.mode != 0o400} == {"ca.crt", "tls.crt"}
    names = {"signing-key.pem", "signing-next.pem", "signing-previous.pem", "lmConf-1.json"}
    assert {files[n].mode for n in names} == {0o400}


def test_instances_are_alike() -> None:
    one, other = _files("tdh-1"), _files("nd-1")
    differing = {n for n in one if one[n].content != other[n].content}
    assert differing == {"uwsgi.ini", "tls.crt", "tls.key"}


def test_the_tables_come_before_anybody_asks() -> None:
    common = _made().common
    assert [o.id for o in common.oneoffs if o.container == "sign-on"] == ["sign-on-tables"]
    assert ("sign_on", "sign_on") in {(d.name, d.owner) for d in common.databases}


def test_an_earlier_wave_has_none_of_it() -> None:
    made = plan(model(with_sign_on()))
    assert not any("sign-on" in f.path for h in made.hosts for f in h.parts.files)
    assert not any(s.id.startswith("sign-on/") for s in made.secrets)


# How applications reach it


def _context(parts: set[str], host: str, **roles: list[str]) -> HostContext:
    described = with_sign_on()
    for site in described["sites"]:
        for one in site["hosts"]:
            one["roles"] = roles.get(one["id"].replace("-", "_"), ["database", "gateway"])
    found = model(described)
    site = next(s for s in found.sites if any(h.id == host for h in s.hosts))
    return HostContext(found, Scope(frozenset(parts)), site, site.hosts[0])


def test_a_container_asks_through_the_gateway_of_its_own_host() -> None:
    found = provider(_context({"sign-on"}, "tdh-1"))
    assert found and found.hosts == (("sign-on.mic.example", "10.77.2.10"),)
    assert found.issuer == "https://sign-on.mic.example"


def test_without_a_gateway_of_its_own_it_asks_another_hosts_which_lets_it() -> None:
    context = _context({"sign-on"}, "tdh-1", tdh_1=["applications"])
    found = provider(context)
    assert found and found.hosts[0][1] in {"10.77.1.10", "10.77.3.10"}
    assert [h.id for h in relying_party.without_gateway(context)] == ["tdh-1"]


def test_there_is_no_provider_before_its_wave() -> None:
    context = _context({"gateway"}, "tdh-1", tdh_1=["applications"])
    assert provider(context) is None and relying_party.without_gateway(context) == ()


# hanoi sign-on user …


class Host:
    """A connection that keeps what it was asked."""

    def __init__(self, answer: Completed):
        self.answer, self.scripts, self.inputs = answer, [], []  # type: ignore[var-annotated]

    def run(self, script: str, *, input: bytes | None = None) -> Completed:
        self.scripts.append(script)
        self.inputs.append(input)
        return self.answer


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(Completed(0, b"", ""))

    @contextmanager
    def connected(hosts: Any, *_: Any, **__: Any) -> Iterator[dict[str, Host]]:
        yield {id_: made for id_, _ in hosts}

    monkeypatch.setattr(ssh, "connected", connected)
    return made


def _code(failure: pytest.ExceptionInfo[HanoiError]) -> list[str]:
    return [p.code for p in failure.value.problems]


def test_a_password_travels_as_input_only(host: Host) -> None:
    sign_on.put(model(with_sign_on()), _made(), "tt-thong-tin", WHO, PASSWORD)
    assert host.inputs == [f"{PASSWORD}\n".encode()]
    (script,) = host.scripts
    assert PASSWORD not in script
    assert script.startswith("docker exec -i sign-on perl /etc/lemonldap-ng/sign-on.pl user put")
    assert script.endswith("tt-thong-tin an.nguyen 'Nguyễn Văn An' an@mic.example")


def test_a_user_of_no_unit_is_refused_before_a_host_is_asked(host: Host) -> None:
    described = with_sign_on()
    described["units"][0] |= {"closed": "2027-01-01", "applications": {}}
    for unit in ("tt-thong-tim", "tt-thong-tin"):
        with pytest.raises(HanoiError) as failure:
            sign_on.put(model(described), _made(), unit, WHO, PASSWORD)
        assert _code(failure) == ["HN-N001"] and failure.value.exit_code == Exit.USAGE
    assert host.scripts == []


def test_a_wave_without_sign_on_has_no_users(host: Host) -> None:
    with pytest.raises(HanoiError) as failure:
        sign_on.users(plan(model(with_sign_on())))
    assert _code(failure) == ["HN-N002"] and host.scripts == []


def test_what_sign_on_says_reaches_the_operator(host: Host) -> None:
    host.answer = Completed(255, b"", "there is no user an.nguyen\n")
    with pytest.raises(HanoiError) as failure:
        sign_on.remove(_made(), "an.nguyen")
    assert _code(failure) == ["HN-N003"] and "there is no user an.nguyen" in str(failure.value)


def test_users_are_listed(host: Host) -> None:
    row = {"login": "an", "unit": "tt-thong-tin", "name": "An", "mail": ""}
    host.answer = Completed(0, json.dumps([row]).encode(), "")
    assert sign_on.users(_made()) == [row]


def test_another_instance_is_asked_where_one_is_not_reached(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    reached = ssh.connected

    def connected(hosts: Any, *more: Any) -> Any:
        asked.append(hosts[0][0])
        if len(asked) == 1:
            raise HanoiError(sign_on.error("HN-C001", "x", "away", "look").problems)
        return reached(hosts, *more)

    monkeypatch.setattr(ssh, "connected", connected)
    host.answer = Completed(0, b"[]", "")
    assert sign_on.users(_made()) == [] and len(asked) == 2
