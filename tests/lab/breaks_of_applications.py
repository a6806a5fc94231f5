"""What can be wrong with the applications, with sign-on and with a unit's own database: one row a
break, as in breaks.py. All of them are found where `described` is deployed.

Two of one family are planted together only where one of them is `still`: most are noticed by
several checks of their family, so each is on the family's one host, or alone. The checks of
documents are made through the gateways in turn; those of the first unit through the first one.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import yaml

from infra import paths
from tests.lab.breaks import PSQL, Break, changed, reload

WAVE = "applications-pilot"
UNIT, OTHER = "thanh-tra", "vien-chien-luoc"  # whose documents must be apart; OTHER comes second
SIGN_ON, PORTALS, DOCUMENTS, OWN = "tdh-1", "ddn-1", "nd-1", "vnnic-1"  # where each is planted
FIRST_GATEWAY, SECOND_GATEWAY = "ddn-1", "nd-1"


def described(directory: Path) -> Path:
    """A copy of the sample below the directory, whose pilot brings documents to a second unit: no
    wave of the sample does without all units' instances."""
    sites = Path(shutil.copytree(paths.sites(), directory / "sites"))
    file = sites / "roadmap.yaml"
    roadmap: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    (wave,) = [w for w in roadmap["waves"] if w["id"] == WAVE]
    (entry,) = [a for a in wave["applications"] if a["app"] == "documents"]
    entry["units"] = sorted({*entry["units"], UNIT, OTHER})
    file.write_text(yaml.safe_dump(roadmap, allow_unicode=True, sort_keys=False), "utf-8")
    return sites


def _edited(path: str, script: str, after: str = "true") -> tuple[str, str]:
    """Plant and heal for a file that sed changes; its owner and mode stay."""
    return changed(path, f"sed -i {shlex.quote(script)} {path}", after)


def _psql(database: str, container: str = "postgres") -> str:
    """SQL on standard input, as the superuser."""
    ends = "-h /run/postgresql -U postgres -v ON_ERROR_STOP=1"
    return f"docker exec -i {container} psql -XAtq {ends} -d {database}"


def _sql(database: str, plant: str, heal: str, container: str = "postgres") -> tuple[str, str]:
    run = _psql(database, container)
    return f"{run} -c {shlex.quote(plant)}", f"{run} -c {shlex.quote(heal)}"


# A gateway takes an instance that answers again for well within seconds.
_SIGN_ON_AGAIN = (
    "docker exec sign-on sh -c 'kill -HUP 1' && sleep 3 && timeout 60 sh -c"
    " 'until docker exec sign-on perl /etc/lemonldap-ng/sign-on.pl alive; do sleep 1; done'"
    " && sleep 5"
)
_PLONE_AGAIN = (  # what is under way has ten seconds to end
    "docker exec plone sh -c 'kill -HUP 1' && sleep 12 && timeout 60 sh -c"
    " 'until docker exec plone python3 /etc/plone/ask.py alive; do sleep 1; done' && sleep 5"
)
_DOCUMENTS_AGAIN = (
    f"docker restart -t 5 documents-{UNIT} && timeout 100 sh -c 'until docker exec"
    f" documents-{UNIT} python3 /etc/mayan/instance.py alive; do sleep 1; done' && sleep 5"
)
_OWN_AGAIN = "docker exec own-database sh -c 'kill -HUP 1' && sleep 1"

_SETTINGS = "/etc/hanoi/sign-on/lmConf-1.json"
_KEY = "/etc/hanoi/sign-on/signing-key.pem"
_NEW_KEY = (
    "rm -f /run/hanoi-break.pem* && ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N '' -f"
    f" /run/hanoi-break.pem && cat /run/hanoi-break.pem > {_KEY} && rm /run/hanoi-break.pem*"
)
_CACHE = '{"cache_root": "/tmp/sessions", "namespace": "sessions", "default_expires_in": 600}'
_REMEMBERS = _edited(
    _SETTINGS,
    's|"localSessionStorage": ""|"localSessionStorage": "Cache::FileCache",'
    f' "localSessionStorageOptions": {_CACHE}|',
    _SIGN_ON_AGAIN,
)

# Plone by its own script: a change of a site's contents, once or again.
_ZOPE = (
    'import sys; sys.path.insert(0, "/etc/plone"); import sites; app = sites.zope();'
    ' site = app[sys.argv[1]]["site"]; sites.setSite(site); sites.committed(lambda: {})'
)
_PUBLICATION = _ZOPE.format(
    'sites.api.content.transition(site["level-2-related"]["thu-tuc-001"], to_state=sys.argv[2])'
)
_PASSWORD = _ZOPE.format(
    'site.acl_users.source_users.updateUserPassword("admin",'
    ' (sites.HERE / "admin" / sys.argv[2]).read_text("utf-8").strip())'
)
_SECRET = _ZOPE.format(
    'sites.committed(lambda: site.acl_users.oidc.manage_changeProperties(client_secret="break"))'
)
_PLONE = "docker exec plone python3 -c"

_GUARD = _edited("/etc/hanoi/plone/serve.py", "/^provideHandler(inside)/d", _PLONE_AGAIN)
_RULE = _edited(
    "/etc/hanoi/gateway/haproxy.cfg",
    "/http-request deny .* if has_prefix leaves_prefix/d",
    reload("gateway"),
)

_MINE, _THEIRS = f"documents_{UNIT}".replace("-", "_"), f"documents_{OTHER}".replace("-", "_")
_ADMIN = "(select id from auth_user where username = $$admin$$)"
# The token goes from one server process to another, and through no argument.
_TOKEN = (
    "{ echo 'create temp table held (key text); copy held from stdin;';"
    f" {_psql(_MINE)} -c 'copy (select key from authtoken_token where user_id = {_ADMIN}) to"
    " stdout'; printf '%s\\n' '\\.'; echo 'insert into authtoken_token (key, created, user_id)"
    f" select key, now(), {_ADMIN} from held on conflict (user_id) do update set key ="
    f" excluded.key;'; }} | {_psql(_THEIRS)}"
)
# Whoever logs in next is given a new one.
_NO_TOKEN = f"{_psql(_THEIRS)} -c 'delete from authtoken_token where user_id = {_ADMIN}'"

_SIGNING_ON = (
    Break(
        "sign-on offers the implicit flow",
        SIGN_ON,
        "SIGN-01",
        *_edited(
            _SETTINGS,
            's/"oidcServiceAllowImplicitFlow": 0/"oidcServiceAllowImplicitFlow": 1/',
            _SIGN_ON_AGAIN,
        ),
    ),
    Break(
        "one instance signs with a key of its own",
        SIGN_ON,
        "SIGN-02",
        *changed(_KEY, _NEW_KEY, _SIGN_ON_AGAIN),
    ),
    Break(
        "used codes stay in the database",
        "leader",
        "SIGN-03",
        *_sql(
            "sign_on",
            "create rule hanoi_break as on delete to sessions do instead nothing",
            "drop rule if exists hanoi_break on sessions",
        ),
        alone=True,
    ),
    Break(
        "one instance remembers sessions by itself",
        SIGN_ON,
        "SIGN-04",
        _REMEMBERS[0],
        f"{_REMEMBERS[1]}; docker exec sign-on rm -rf /tmp/sessions",
    ),
    Break(
        "a client lets in the users of every unit",
        SIGN_ON,
        "SIGN-05",
        # The rule compares with a unit's id, in quotes inside a JSON string.
        *_edited(_SETTINGS, 's/"[$]unit eq ..-.."/"1"/', _SIGN_ON_AGAIN),
    ),
    Break(
        "any password is taken",
        SIGN_ON,
        "SIGN-06",
        *_edited(
            "/etc/hanoi/sign-on/Passwords.pm",
            "s/{result} = matches(.*/{result} = 1;/",
            _SIGN_ON_AGAIN,
        ),
    ),
    Break(
        "a table is on one member only",
        "leader",
        "SIGN-07",
        *_sql("sign_on", "alter table psessions set unlogged", "alter table psessions set logged"),
        still=True,
    ),
)

_ONLINE_SERVICES = (
    Break(
        "a unit's forms cannot be stored",
        "leader",
        "SERV-01",
        *_sql(
            "online_services_cuc_xuat_ban",
            "revoke insert, update on object_state from online_services_cuc_xuat_ban",
            "grant insert, update on object_state to online_services_cuc_xuat_ban",
        ),
        alone=True,
    ),
    Break(
        "a procedure is withdrawn",
        PORTALS,
        "SERV-02",
        f"{_PLONE} '{_PUBLICATION}' van-phong private",
        f"{_PLONE} '{_PUBLICATION}' van-phong published",
    ),
    Break(
        "two units have one password",
        PORTALS,
        "SERV-03",
        f"{_PLONE} '{_PASSWORD}' cuc-xuat-ban van-phong",
        f"{_PLONE} '{_PASSWORD}' cuc-xuat-ban cuc-xuat-ban",
    ),
    Break(
        "neither gateway nor instance keeps users in a site",
        PORTALS,
        "SERV-04",
        f"{_GUARD[0]} && {_RULE[0]}",
        f"{_GUARD[1]}; {_RULE[1]}",
    ),
    Break(
        "a unit's site may open another's database",
        "leader",
        "SERV-05",
        f"{PSQL} 'grant connect on database online_services_van_phong to"
        " online_services_cuc_xuat_ban'",
        f"{PSQL} 'revoke connect on database online_services_van_phong from"
        " online_services_cuc_xuat_ban'",
        still=True,
    ),
    Break(
        "a site has another secret than sign-on knows",
        PORTALS,
        "SERV-06",
        f"{_PLONE} '{_SECRET}' cuc-xuat-ban",
        "docker exec plone python3 /etc/plone/sign_on.py make cuc-xuat-ban",
        seen_on=SECOND_GATEWAY,
        alone=True,
    ),
)

_WITH_DOCUMENTS = (
    Break(
        "nobody reads what was uploaded",
        DOCUMENTS,
        "DOC-01",
        f"docker stop documents-{UNIT}-worker",
        f"docker start documents-{UNIT}-worker",
        seen_on=FIRST_GATEWAY,
    ),
    Break("a token is known to two units", "leader", "DOC-02", _TOKEN, _NO_TOKEN, alone=True),
    Break(
        "a unit's documents may open another's database",
        "leader",
        "DOC-03",
        f"{PSQL} 'grant connect on database {_THEIRS} to {_MINE}'",
        f"{PSQL} 'revoke connect on database {_THEIRS} from {_MINE}'",
        seen_on=DOCUMENTS,
        still=True,
    ),
    Break(
        "an instance asks for no certificate",
        DOCUMENTS,
        "DOC-04",
        *_edited(
            f"/etc/hanoi/documents-{UNIT}/gunicorn.conf.py",
            "s/ssl.CERT_REQUIRED/ssl.CERT_NONE/",
            _DOCUMENTS_AGAIN,
        ),
    ),
    Break(
        "an instance does not trust sign-on",
        DOCUMENTS,
        "DOC-05",
        *_edited(
            f"/etc/hanoi/documents-{UNIT}/hanoi_settings.py",
            "s/^OIDC_VERIFY_SSL = .*/OIDC_VERIFY_SSL = True/",
            _DOCUMENTS_AGAIN,
        ),
        seen_on=FIRST_GATEWAY,
        alone=True,
    ),
)

_ARCHIVE = "/srv/backup/archive"
_OF_A_UNIT = (
    Break(
        "a unit's database speaks an old protocol",
        OWN,
        "OWN-01",
        *_edited(
            "/etc/hanoi/own-database/postgresql.conf",
            "s/^ssl_min_protocol_version = .*/ssl_min_protocol_version = TLSv1/",
            _OWN_AGAIN,
        ),
    ),
    Break(
        "a unit's database lets clients in without TLS",
        OWN,
        "OWN-02",
        *changed(
            "/etc/hanoi/own-database/pg_hba.conf",
            "echo 'host all all 192.0.2.1/32 scram-sha-256' >> /etc/hanoi/own-database/pg_hba.conf",
            _OWN_AGAIN,
        ),
    ),
    Break(
        "a unit's database belongs to another role",
        OWN,
        "OWN-03",
        *_sql(
            "postgres",
            "alter database personnel_vnnic owner to postgres",
            "alter database personnel_vnnic owner to personnel_vnnic",
            "own-database",
        ),
    ),
    Break(
        "no nightly copy is due",
        OWN,
        "OWN-04",
        "systemctl stop hanoi-backup.timer",
        "systemctl start hanoi-backup.timer",
    ),
    Break(
        "the store for copies is not there",
        OWN,
        "OWN-04",
        f"mv -T {_ARCHIVE}/own {_ARCHIVE}/hanoi-break",
        # What waited for the store goes there at once when the server reads its settings again.
        f"[ ! -e {_ARCHIVE}/hanoi-break ] || mv -T {_ARCHIVE}/hanoi-break {_ARCHIVE}/own;"
        f" {_OWN_AGAIN}",
    ),
)

BREAKS = (*_SIGNING_ON, *_ONLINE_SERVICES, *_WITH_DOCUMENTS, *_OF_A_UNIT)
