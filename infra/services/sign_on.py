"""Sign-on for all applications: LemonLDAP::NG, an OpenID Connect provider behind the gateways.

One instance per application host, all alike: users, sessions and one-time codes are in the central
database, the keys that sign come from the toolkit. So any instance goes on with what another began,
and a site that is lost takes no session with it. Who may sign on where is in infra/services/
relying_party.py: a client of one unit lets in that unit's users only.
"""

from __future__ import annotations

import json

from infra.resources import (
    Action,
    Certificate,
    Container,
    File,
    Health,
    OneOff,
    Page,
    Parts,
    Password,
    Published,
    SigningKey,
    secret,
)
from infra.services import (
    Backend,
    Context,
    HostContext,
    Route,
    behind_gateway,
    on_host,
    once,
    render,
)
from infra.services.database import endpoint, login, owned
from infra.services.per_unit import FIRST_USER, instances
from infra.services.relying_party import (
    ALGORITHM,
    PART,
    UNIT_CLAIM,
    Client,
    client_password,
    client_secret,
    clients,
    host_name,
    signs_on,
)
from infra.services.tls import directory, joined, mounted, opening, tls_files

NAME = "sign-on"
IMAGE = "lemonldap"
ROLE = "applications"
PORT = 8446
ADDRESS = 18
UID = 10076
CONFIG = "/etc/lemonldap-ng"
DATABASE = "sign_on"
PROCESSES = 3
MEMORY = 512 * 2**20
HEALTH_PATH = "/.well-known/openid-configuration"
CREATE_SECONDS = 5
RELOAD = "sign-on-reload"
KEYS = SigningKey("sign-on/signing")
CIPHER = Password("sign-on/cipher")  # for what LemonLDAP::NG encrypts, such as a form's token

SESSION_SECONDS = 10 * 3600  # a working day
IDLE_SECONDS = 2 * 3600
TOKEN_SECONDS = 3600
SHORTEST_PASSWORD = 12
FAILURES = 5  # wrong passwords in a row, after which a user waits
WAIT_SECONDS = 60

SCRIPT = ("perl", f"{CONFIG}/sign-on.pl")
CLAIMS = {
    "email": "mail",
    "name": "cn",
    "preferred_username": "_user",
    UNIT_CLAIM: UNIT_CLAIM,
}


CHECK = "verify"  # the client of `hanoi verify`
CHECK_ELSEWHERE = "verify-elsewhere"  # the same for a unit that nobody belongs to
NO_UNIT = "-"  # no unit's id


@signs_on(PART)
def checks(ctx: Context) -> tuple[Client, ...]:
    """What compliance checks sign on to. Where they come back to is a page of our own that says
    nothing, so that a code leads nobody anywhere else."""
    back = (f"https://{host_name(ctx)}/static/verify",)
    return Client(CHECK, None, back), Client(CHECK_ELSEWHERE, NO_UNIT, back)


@on_host(PART, role=ROLE)
def sign_on(ctx: HostContext) -> Parts:
    """One instance."""
    own, database = ctx.container_address(ADDRESS), endpoint(ctx)
    certificate = Certificate(
        f"sign-on/{ctx.host.id}",
        f"{NAME} {ctx.host.id}",
        dns=(NAME, "localhost"),
        addresses=(str(ctx.host.address), own, "127.0.0.1"),
        usages=("server", "client"),  # client of itself, for the health check
    )
    return Parts(
        files=(*_files(ctx), *tls_files(NAME, UID, certificate.id, (RELOAD,))),
        actions=(Action(RELOAD, ("docker", "exec", NAME, "sh", "-c", "kill -HUP 1"), NAME),),
        containers=(
            Container(
                name=NAME,
                image=IMAGE,
                user=f"{UID}:{UID}",
                command=("uwsgi", "--ini", f"{CONFIG}/uwsgi.ini"),
                address=own,
                memory=MEMORY,
                mounts=(mounted(NAME, CONFIG),),
                ports=(Published(PORT, PORT, str(ctx.host.address)),),
                stop_signal="SIGTERM",
                stop_timeout=15,
                health=Health(("CMD", *SCRIPT, "alive"), interval=15, start_period=60),
                needs=(database.host,),
            ),
        ),
        openings=opening(ctx, PORT, ctx.hosts("gateway"), "gateways: sign-on, by certificate"),
        secrets=(certificate, *_secrets(ctx)),
    )


def _secrets(ctx: Context) -> tuple[Password | SigningKey, ...]:
    return (KEYS, CIPHER, *(Password(client_password(c.id)) for c in clients(ctx)))


def _files(ctx: HostContext) -> tuple[File, ...]:
    base, owner, database = directory(NAME), str(UID), endpoint(ctx)
    source = (
        f"dbi:Pg:dbname={DATABASE};host={database.host};port={database.port};sslmode=verify-full"
        f";sslrootcert={CONFIG}/ca.crt;passfile={CONFIG}/pgpass;connect_timeout=5"
        ";keepalives_idle=15;keepalives_interval=5;keepalives_count=3"
    )
    script = render(
        "sign_on/sign-on.pl.j2",
        config=CONFIG,
        health=HEALTH_PATH,
        host=host_name(ctx),
        port=PORT,
        reserved=FIRST_USER,
        role=DATABASE,
        shortest=SHORTEST_PASSWORD,
        source=source,
    )
    hosts = [h.id for h in ctx.hosts(ROLE)]
    uwsgi = render(
        "sign_on/uwsgi.ini.j2",
        port=PORT,
        config=CONFIG,
        processes=PROCESSES,
        minute=hosts.index(ctx.host.id) * 7 % 60,
    )
    private = {
        "lmConf-1.json": json.dumps(_settings(ctx, source), indent=2, sort_keys=True) + "\n",
        "pgpass": login(DATABASE),
        **{f"signing-{p}.pem": secret(KEYS.id, p) + "\n" for p in ("key", "next", "previous")},
    }
    public = {
        "lemonldap-ng.ini": render("sign_on/lemonldap-ng.ini.j2", config=CONFIG),
        "app.psgi": render("sign_on/app.psgi.j2", config=CONFIG),
        "Passwords.pm": render("sign_on/Passwords.pm"),
        "uwsgi.ini": uwsgi,
    }
    return (
        *(
            File(f"{base}/{n}", t, 0o400, owner, owner, actions=(RELOAD,))
            for n, t in private.items()
        ),
        *(File(f"{base}/{n}", t, 0o444, actions=(RELOAD,)) for n, t in public.items()),
        File(f"{base}/sign-on.pl", script, 0o444),
        File(f"{base}/tables.sql", render("sign_on/tables.sql"), 0o444),
    )


def _settings(ctx: Context, source: str) -> dict[str, object]:
    """LemonLDAP::NG's configuration, with references for secrets; what is not here has the
    default of the program itself."""
    name, parties = host_name(ctx), clients(ctx)
    return {
        "cfgNum": 1,
        "cfgDate": 1,  # it takes a configuration without a date for none
        "key": secret(CIPHER.id, "password"),
        "portal": f"https://{name}/",
        "domain": "",  # the cookie is for the portal alone, no application sees it
        "securedCookie": 1,
        "sameSite": "Lax",
        "locationRules": {name: {"default": "accept"}},
        "corsEnabled": 0,
        "timeout": SESSION_SECONDS,
        "timeoutActivity": IDLE_SECONDS,
        **_storage(source),
        **_users(source),
        "issuerDBOpenIDConnectActivation": 1,
        "oidcServiceMetaDataIssuer": f"https://{name}",
        "oidcServiceAllowAuthorizationCodeFlow": 1,
        "oidcServiceAllowImplicitFlow": 0,
        "oidcServiceAllowHybridFlow": 0,
        "oidcServiceAllowDynamicRegistration": 0,
        "oidcServiceMetaDataDisallowNoneAlg": 1,
        # An application gets the claims stated here, whatever scope its library knows to ask for.
        "oidcServiceIgnoreScopeForClaims": 1,
        "oidcServiceAccessTokenExpiration": TOKEN_SECONDS,
        "oidcServiceIDTokenExpiration": TOKEN_SECONDS,
        "oidcRPMetaDataOptions": {c.id: _party(c) for c in parties},
        "oidcRPMetaDataExportedVars": {c.id: CLAIMS for c in parties},
        "captcha_login_enabled": 0,
        "captcha_mail_enabled": 0,
        "captcha_register_enabled": 0,
        "portalDisplayRegister": 0,
        "portalDisplayResetPassword": 0,
        "portalDisplayGeneratePassword": 0,
        "portalDisplayAppslist": 0,
    }


def _storage(source: str) -> dict[str, object]:
    """Everything that one request leaves for another is in the database."""
    module = "Apache::Session::Browseable::PgJSON"

    def options(table: str) -> dict[str, object]:
        generated = "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"
        return {
            "DataSource": source,
            "UserName": DATABASE,
            "TableName": table,
            "Commit": 1,
            "generateModule": generated,
        }

    return {
        "globalStorage": module,
        "globalStorageOptions": options("sessions"),
        "persistentStorage": module,
        "persistentStorageOptions": options("psessions"),
        "tokenUseGlobalStorage": 1,
        # Whoever reads the table cannot take over a session by its id.
        "hashedSessionStore": 1,
        # No cache: a session that ended at one site would live on in another's.
        "localSessionStorage": "",
        "handlerInternalCache": 0,
    }


def _users(source: str) -> dict[str, object]:
    return {
        "authentication": "DBI",
        "userDB": "Same",
        "passwordDB": "DBI",
        "dbiAuthChain": source,
        "dbiAuthUser": DATABASE,
        "dbiAuthTable": "users",
        "dbiAuthLoginCol": "login",
        "dbiAuthPasswordCol": "password",
        "dbiExportedVars": {"cn": "name", "mail": "mail", "uid": "login", UNIT_CLAIM: "unit"},
        # Passwords.pm hashes and compares; "dynamic" is what makes the portal ask it.
        "dbiDynamicHashEnabled": 1,
        "dbiDynamicHashNewPasswordScheme": "yescrypt",
        "dbiDynamicHashValidSchemes": "",
        "dbiDynamicHashValidSaltedSchemes": "",
        "customPlugins": "Passwords",
        "passwordPolicyMinSize": SHORTEST_PASSWORD,
        "portalDisplayPasswordPolicy": 1,
        "loginHistoryEnabled": 1,
        "failedLoginNumber": FAILURES,
        "bruteForceProtection": 1,
        "bruteForceProtectionMaxFailed": FAILURES,
        "bruteForceProtectionTempo": WAIT_SECONDS,
    }


def _party(client: Client) -> dict[str, object]:
    rule = f'${UNIT_CLAIM} eq "{client.unit}"' if client.unit else f'${UNIT_CLAIM} ne ""'
    return {
        "oidcRPMetaDataOptionsClientID": client.id,
        "oidcRPMetaDataOptionsClientSecret": client_secret(client.id),
        "oidcRPMetaDataOptionsDisplayName": client.id,
        "oidcRPMetaDataOptionsRedirectUris": " ".join(client.redirects),
        "oidcRPMetaDataOptionsPostLogoutRedirectUris": " ".join(client.after_logout),
        "oidcRPMetaDataOptionsRule": rule,
        # A code serves only the browser that asked for it, whatever the application compares.
        "oidcRPMetaDataOptionsRequirePKCE": 1,
        "oidcRPMetaDataOptionsIDTokenSignAlg": ALGORITHM,
        "oidcRPMetaDataOptionsIDTokenForceClaims": 1,
        "oidcRPMetaDataOptionsUserIDAttr": "_user",
        # The applications are the ministry's own: nobody is asked whether they may know one's name.
        "oidcRPMetaDataOptionsBypassConsent": 1,
        "oidcRPMetaDataOptionsLogoutBypassConfirm": 1,
    }


@once(PART)
def shared(ctx: Context) -> Parts:
    """The database, its tables, and the page that users see."""
    tables = OneOff("sign-on-tables", NAME, (*SCRIPT, "ready"), (*SCRIPT, "create"), CREATE_SECONDS)
    pages = (Page(host_name(ctx), HEALTH_PATH, 200, NAME),)
    return joined(owned(DATABASE), Parts(secrets=_secrets(ctx), oneoffs=(tables,), pages=pages))


@behind_gateway(PART)
def offered(ctx: HostContext) -> tuple[Backend, ...]:
    """All instances; that of the gateway's own host by its container's address."""
    found = instances(ctx, ROLE, PORT, ADDRESS)
    return (Backend(NAME, NAME, HEALTH_PATH, 200, (Route(host_name(ctx)),), found),)
