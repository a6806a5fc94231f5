"""Make or renew a unit's site, and let the unit's users sign on there. Runs inside the container.
  ready UNIT    the site is as the description wants it, and so is the way to sign on
  make UNIT     make it so; can be run again at any time, also after an interruption
Who signs on for the first time becomes a user of the site, without any right; its first user
gives rights. The first user's own way in, /login, stays.
"""

import hashlib
import json
import sys
from pathlib import Path

import ask

FACTS = json.loads((Path(__file__).parent / "sign-on.json").read_text(encoding="utf-8"))
JOINED = 1  # raised when join() makes something else of the same facts
PRODUCT = "pas.plugins.oidc"


def wanted(unit):
    """What the site's way to sign on is made from, its client's secret too, as a short digest."""
    facts = [JOINED, FACTS["issuer"], FACTS["scopes"], FACTS["units"][unit]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def missing(unit):
    """Why the site is not as wanted, or None. Needs no Zope, which takes seconds to start."""
    if reason := ask.missing(unit):
        return reason
    with ask.database(unit) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('hanoi_sign_on') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return "nobody can sign on yet"
        cursor.execute("SELECT made_from FROM hanoi_sign_on")
        rows = cursor.fetchall()
    return None if rows == [(wanted(unit),)] else "signing on is not as described"


def record(unit):
    """Note in the unit's database that signing on is as wanted."""
    with ask.database(unit) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS hanoi_sign_on"
            " (id integer PRIMARY KEY CHECK (id = 1), made_from text NOT NULL)"
        )
        cursor.execute(
            "INSERT INTO hanoi_sign_on VALUES (1, %s)"
            " ON CONFLICT (id) DO UPDATE SET made_from = EXCLUDED.made_from",
            (wanted(unit),),
        )


def join(site, unit):
    """The plug-in for OpenID Connect, with what the provider knows this site by."""
    from plone.base.utils import get_installer

    installer = get_installer(site, site.REQUEST)
    if not installer.is_product_installed(PRODUCT):
        installer.install_product(PRODUCT)
    own = FACTS["units"][unit]
    site.acl_users.oidc.manage_changeProperties(
        issuer=FACTS["issuer"],
        client_id=own["client"],
        client_secret=own["secret"],
        scope=tuple(FACTS["scopes"]),
        redirect_uris=(),  # the plug-in's own address, below the name that the site is asked by
        use_pkce=True,
        create_user=True,
        create_ticket=True,
        create_restapi_ticket=False,
    )
    # A whole page, not a window in the page: it leads to another host.
    actions = site.portal_actions.user
    for name, view in (("login", "require_login"), ("logout", "logout")):
        url = "string:${portal_url}/acl_users/oidc/" + view
        actions[name].manage_changeProperties(url_expr=url, modal="")


def make(unit):
    from zope.component.hooks import getSite

    import sites

    sites.main(unit)
    site = getSite()
    sites.committed(lambda: join(site, unit))
    record(unit)


def main(arguments):
    reason = "say: ready UNIT, or make UNIT"
    if len(arguments) == 2 and arguments[0] == "ready":
        reason = missing(arguments[1])
    elif len(arguments) == 2 and arguments[0] == "make":
        make(arguments[1])
        reason = missing(arguments[1])
    if reason:
        raise SystemExit(reason)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as fault:  # whatever it is, one line for the operator
        raise SystemExit(f"{type(fault).__name__}: {str(fault).strip()}") from None
