"""Applications that sign their users on: requirements on the plan, and what their own parts do."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import infra.services
from infra.diff.common import _oneoffs
from infra.diff.owners import Owners
from infra.placement import Home, Place
from infra.plan import plan
from infra.resources import Plan, digest
from tests.golden.model import joined, model

TEMPLATES = Path(infra.services.__file__).parent / "templates"
SITE = "online-services-tt-thong-tin"
INSTANCE = "documents-tt-thong-tin"


@pytest.fixture
def made() -> Plan:
    return plan(model(joined()), "sign-on")


def _file(made: Plan, host: str, path: str) -> str:
    return next(f.content for f in made.host(host).parts.files if f.path == f"/etc/hanoi/{path}")


def _clients(made: Plan) -> dict[str, dict[str, Any]]:
    settings = json.loads(_file(made, "nd-1", "sign-on/lmConf-1.json"))
    return dict(settings["oidcRPMetaDataOptions"])


# Clients


def test_every_units_application_is_a_client_that_lets_in_this_units_users(made: Plan) -> None:
    found = {n: c for n, c in _clients(made).items() if not n.startswith("verify")}
    units = {
        "online-services": ("tt-thong-tin", "vu-to-chuc-can-bo", "vnnic"),
        "documents": ("tt-thong-tin", "vu-to-chuc-can-bo"),
    }
    expected = {f"{a}-{u}": f'$unit eq "{u}"' for a, all_ in units.items() for u in all_}
    assert {n: c["oidcRPMetaDataOptionsRule"] for n, c in found.items()} == expected
    assert {c["oidcRPMetaDataOptionsRequirePKCE"] for c in _clients(made).values()} == {1}


def test_a_code_comes_back_to_the_whole_address_at_the_units_present_name(made: Plan) -> None:
    def back(made: Plan, client: str) -> str:
        return str(_clients(made)[client]["oidcRPMetaDataOptionsRedirectUris"])

    label = "to-chuc.mic.example"
    site = back(made, "online-services-vu-to-chuc-can-bo")
    assert site == f"https://online-services-{label}/acl_users/oidc/callback"
    own = back(made, "documents-vu-to-chuc-can-bo")
    assert own == f"https://documents-{label}/oidc/callback/"
    renamed = joined()
    renamed["units"][1] |= {"label": "can-bo", "former_labels": ["to-chuc"]}
    after = plan(model(renamed), "sign-on")
    assert back(after, "documents-vu-to-chuc-can-bo") == own.replace("to-chuc", "can-bo")
    # Who asks by the former name is led to the present one, and begins there.
    elsewhere = _file(after, "nd-1", "gateway/elsewhere.map")
    assert "documents-to-chuc.mic.example https://documents-can-bo.mic.example\n" in elsewhere


def test_a_rename_replaces_nothing(made: Plan) -> None:
    renamed = joined()
    renamed["units"][0]["label"] = "a-new-label"
    after = plan(model(renamed), "sign-on")

    def containers(made: Plan) -> dict[str, str]:
        return {f"{h.id}/{c.name}": digest(c) for h in made.hosts for c in h.parts.containers}

    assert containers(made) == containers(after)
    assert made.common.oneoffs == after.common.oneoffs
    paths = "plone/sign-on.json", "plone/sign_on.py"
    assert [_file(made, "nd-1", p) for p in paths] == [_file(after, "nd-1", p) for p in paths]


def test_a_client_goes_along_when_its_unit_moves(made: Plan) -> None:
    homes = {("documents", "vu-to-chuc-can-bo"): Home(Place("nd-1"))}
    moving = plan(model(joined()), "sign-on", homes)
    assert _clients(moving).keys() == _clients(made).keys()
    line = 'OIDC_RP_CLIENT_ID = "documents-vu-to-chuc-can-bo"\n'
    for host in ("nd-1", "tccb-1"):
        assert line in _file(moving, host, "documents-vu-to-chuc-can-bo/hanoi_settings.py")


def test_a_units_own_system_is_no_client_of_ours() -> None:
    described = joined()
    elsewhere = {"mode": "external", "endpoint": "https://van-ban.example.org/"}
    described["units"][0]["applications"]["documents"] = elsewhere
    assert INSTANCE not in _clients(plan(model(described), "sign-on"))


# Where it is not in scope, and what it takes where it is


def test_before_its_wave_no_application_differs() -> None:
    """A roadmap with a later wave of sign-on plans what one without it plans, byte for byte."""
    without = joined()
    del without["roadmap"]["waves"][-1]
    before, after = plan(model(without), "documents"), plan(model(joined()), "documents")
    assert before == after
    assert "sign-on" not in repr([h.parts.files for h in after.hosts])


def test_the_secret_of_a_client_is_read_by_its_own_container_only(made: Plan) -> None:
    for host in made.hosts:
        for container in host.parts.containers:
            assert "sign-on/client" not in repr((container.command, container.environment))
        for file in host.parts.files:
            mine = {s for s in file.secrets if s.startswith("sign-on/client/")}
            if mine:
                assert file.mode == 0o400 and file.owner != "root", file.path
                assert mine <= {s.id for s in host.parts.secrets}, file.path
    own = made.host("tccb-1").parts
    told = {s.id for s in own.secrets if s.id.startswith("sign-on/")}
    assert told == {"sign-on/client/documents-vu-to-chuc-can-bo"}


def test_a_units_own_host_asks_the_central_provider_through_a_gateway_that_lets_it(
    made: Plan,
) -> None:
    ((name, address),) = made.host("vnnic-1").container("plone").hosts
    assert name == "sign-on.mic.example"
    (gateway,) = [h for h in made.hosts if h.address == address]
    opened = {s for o in gateway.parts.openings if o.port == 443 for s in o.sources}
    assert "10.77.9.10/32" in opened


def test_what_asks_the_provider_trusts_the_toolkits_authority(made: Plan) -> None:
    plone = made.host("nd-1").container("plone")
    assert dict(plone.environment) == {"REQUESTS_CA_BUNDLE": "/etc/plone/ca.crt"}
    settings = _file(made, "nd-1", f"{INSTANCE}/hanoi_settings.py")
    assert 'OIDC_VERIFY_SSL = str(HERE / "ca.crt")\n' in settings


def test_a_review_says_which_sites_are_joined_and_whose_secrets_come(made: Plan) -> None:
    models = model(joined()), model(joined())
    before = plan(models[0], "documents")
    found = {c.name: c for c in _oneoffs(before, made, Owners(*models)) if c.kind == "one-off"}
    assert found[SITE].operation == "update" and "sign on" in found[SITE].why
    assert not list(_oneoffs(made, made, Owners(*models)))
    owned = Owners(*models).secret(f"sign-on/client/{INSTANCE}")
    assert owned == (("tt-thong-tin",), ("documents",))


# What Mayan asks of a user


class Users(list[dict[str, Any]]):
    """As much of a model's manager as is asked for."""

    def filter(self, **wanted: Any) -> Users:
        return Users(u for u in self if all(u[k] == v for k, v in wanted.items()))

    def exists(self) -> bool:
        return bool(self)


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("loaded", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def settings() -> SimpleNamespace:
    """As much of Mayan's settings as is looked at."""
    rest = {"DEFAULT_AUTHENTICATION_CLASSES": ("token",)}
    return SimpleNamespace(
        SIGN_ON_CLAIMS={"unit": "tt-thong-tin"}, MIDDLEWARE=("first",), REST_FRAMEWORK=rest
    )


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch, settings: SimpleNamespace) -> ModuleType:
    """What hanoi gives Mayan, with as much of Django and Mayan as it needs to be loaded."""
    own = {"django_authentication_backend_paths": ("own",), "do_initialize": lambda self: None}
    mayan = "mayan.apps.authentication"
    stubs: dict[str, dict[str, Any]] = {
        "django.conf": {"settings": settings},
        "django.contrib.auth.models": {"Group": object},
        f"{mayan}.authentication_backends": {
            "AuthenticationBackendModelDjangoDefault": type("Default", (), own)
        },
        f"{mayan}_oidc.django_authentication_backends": {"DjangoAuthenticationBackendOIDC": object},
    }
    for name, content in stubs.items():
        for n in range(1, name.count(".") + 1):
            parent = ".".join(name.split(".")[:n])
            monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return _loaded(TEMPLATES / "mayan/hanoi_sign_on/authentication_backends.py")


@pytest.mark.parametrize(
    ("login", "unit", "taken"),
    [
        ("an.nguyen", "tt-thong-tin", True),
        ("somebody.new", "tt-thong-tin", True),
        ("an.nguyen", "vnnic", False),
        ("an.nguyen", None, False),
        ("admin", "tt-thong-tin", False),
        (None, "tt-thong-tin", False),
        ("", "tt-thong-tin", False),
    ],
)
def test_documents_take_users_of_the_unit_and_never_one_for_the_first_user(
    backends: ModuleType, login: str | None, unit: str | None, taken: bool
) -> None:
    known = [("admin", True), ("an.nguyen", False)]
    users = Users({"username": n, "is_superuser": s} for n, s in known)
    backend = backends.SignedOn()
    backend.UserModel = SimpleNamespace(objects=users)
    claims = {"preferred_username": login, "unit": unit, "email": "admin@mic.example"}
    assert backend.verify_claims(claims) is taken


def test_documents_keep_passwords_and_take_no_token_of_the_provider(
    backends: ModuleType, settings: SimpleNamespace
) -> None:
    """Mayan's own backend would let any client's token in at its REST API, and no password."""
    backend = backends.AuthenticationBackendSignOn()
    assert backend.django_authentication_backend_paths == ("own", "loaded.SignedOn")
    backend.do_initialize()
    assert settings.REST_FRAMEWORK == {"DEFAULT_AUTHENTICATION_CLASSES": ("token",)}
    assert list(settings.MIDDLEWARE) == ["first", *backends.RENEWAL]


# What the sites' one-off asks


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Plone's sign_on.py beside its facts, with a database that answers from a list."""
    facts = {"issuer": "https://sign-on.mic.example", "scopes": ["openid"]}
    facts |= {"units": {"u": {"client": "online-services-u", "secret": "one"}}}  # type: ignore[dict-item]
    (tmp_path / "sign-on.json").write_text(json.dumps(facts))
    script = tmp_path / "sign_on.py"
    script.write_text((TEMPLATES / "plone/sign_on.py").read_text("utf-8"))
    ask = ModuleType("ask")
    ask.missing = lambda unit: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ask", ask)
    return _loaded(script)


class Answers:
    """A connection and its cursor: what the table holds, if it is there."""

    def __init__(self, rows: list[tuple[str]] | None):
        self.rows = rows

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cursor(self) -> Answers:
        return self

    def execute(self, _: str) -> None:
        pass

    def fetchone(self) -> tuple[bool]:
        return (self.rows is not None,)

    def fetchall(self) -> list[tuple[str]]:
        return self.rows or []


def test_a_site_is_joined_again_when_its_clients_secret_is_another(site: ModuleType) -> None:
    def missing(rows: list[tuple[str]] | None) -> str | None:
        site.ask.database = lambda unit: Answers(rows)
        return site.missing("u")  # type: ignore[no-any-return]

    made_from = site.wanted("u")
    assert missing(None) == "nobody can sign on yet"
    assert missing([(made_from,)]) is None
    site.FACTS["units"]["u"]["secret"] = "another"
    assert missing([(made_from,)]) == "signing on is not as described"
    site.ask.missing = lambda unit: "no site yet"
    assert missing([(made_from,)]) == "no site yet"
