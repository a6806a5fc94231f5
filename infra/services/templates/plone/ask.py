"""What hanoi asks of Plone. Runs inside the container; exit code 0 means yes.
  alive         this instance answers
  ready UNIT    the unit's site is as the description wants it
Needs no Zope, which takes seconds to start.
"""

import hashlib
import json
import ssl
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

HERE = Path(__file__).parent
FACTS = json.loads((HERE / "plone.json").read_text(encoding="utf-8"))
CONTENT = 1  # raised when sites.py makes something else of the same facts


def wanted(unit):
    """What the unit's site is made from, as a short digest."""
    facts = {**FACTS["units"][unit]["site"], "content": CONTENT}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def database(unit):
    import psycopg2

    return closing(psycopg2.connect(FACTS["units"][unit]["dsn"]))


def wait_for_database(seconds=90):
    """Until Zope's own database can be opened; raises SystemExit when it is not in time."""
    import psycopg2

    end = time.monotonic() + seconds
    while True:
        try:
            return psycopg2.connect(FACTS["dsn"]).close()
        except psycopg2.OperationalError as fault:
            if time.monotonic() > end:
                raise SystemExit(f"no database: {str(fault).strip()}") from None
        time.sleep(2)


@contextmanager
def alone():
    """Nobody else, on whatever host, does meanwhile what is to be done alone."""
    import psycopg2

    with closing(psycopg2.connect(FACTS["dsn"])) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('hanoi: alone'))")
        yield


def record(unit):
    """Note in the unit's database that its site is as wanted."""
    with database(unit) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS hanoi_site"
            " (id integer PRIMARY KEY CHECK (id = 1), made_from text NOT NULL)"
        )
        cursor.execute(
            "INSERT INTO hanoi_site VALUES (1, %s)"
            " ON CONFLICT (id) DO UPDATE SET made_from = EXCLUDED.made_from",
            (wanted(unit),),
        )


def made_from(unit):
    """The digest of what the unit's site was made from; None before it was made."""
    with database(unit) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('hanoi_site') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT made_from FROM hanoi_site")
        row = cursor.fetchone()
    return row[0] if row else None


def missing(unit):
    """Why the site is not as wanted, or None."""
    found = made_from(unit)
    if found is None:
        return "no site yet"
    return None if found == wanted(unit) else "the site is not as described"


def alive():
    context = ssl.create_default_context(cafile=HERE / "ca.crt")
    context.load_cert_chain(HERE / "tls.crt", HERE / "tls.key")
    url = f"https://localhost:{FACTS['port']}{FACTS['health']}"
    with urllib.request.urlopen(url, timeout=4, context=context) as answer:
        answer.read()


def main(arguments):
    if arguments == ["alive"]:
        return alive()
    if len(arguments) == 2 and arguments[0] == "ready":
        reason = missing(arguments[1])
    else:
        reason = "say: alive, or ready UNIT"
    if reason:
        raise SystemExit(reason)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as fault:  # whatever it is, one line for the operator
        raise SystemExit(f"{type(fault).__name__}: {str(fault).strip()}") from None
