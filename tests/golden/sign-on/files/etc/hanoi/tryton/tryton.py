"""What hanoi asks of Tryton. Runs inside the container; exit code 0 means yes.
  alive                      this instance answers
  ready DATABASE             the database has Tryton's tables and every wanted module
  create DATABASE PASSFILE   make it so; PASSFILE holds the first user's password
Both can be run again at any time, also after an interruption.
"""

import configparser
import json
import os
import runpy
import shutil
import ssl
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

HERE = sys.path[0]
CONFIG = f"{HERE}/trytond.conf"


def read_facts():
    with open(f"{HERE}/tryton.json", encoding="utf-8") as file:
        return json.load(file)


FACTS = read_facts()


def alive():
    context = ssl.create_default_context(cafile=f"{HERE}/ca.crt")
    context.load_cert_chain(f"{HERE}/tls.crt", f"{HERE}/tls.key")
    url = f"https://localhost:{FACTS['port']}{FACTS['health']}"
    with urllib.request.urlopen(url, timeout=4, context=context) as answer:
        answer.read()


def connected(database):
    import psycopg2

    config = configparser.RawConfigParser()
    config.read(CONFIG)
    uri = urlsplit(config["database"]["uri"])._replace(path=f"/{database}").geturl()
    return psycopg2.connect(uri, user=database)


def seen(database):
    """(whether the tables are there, the active modules, whether the first user has a password)."""
    connection = connected(database)
    try:
        with connection.cursor() as cursor:
            # Tryton makes the users' table last of those that it cannot do without.
            cursor.execute("SELECT to_regclass('res_user') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return False, set(), False
            cursor.execute("SELECT name FROM ir_module WHERE state = 'activated'")
            active = {row[0] for row in cursor.fetchall()}
            # Without a password it is one that an interrupted creation left.
            cursor.execute("SELECT count(password_hash) FROM res_user WHERE login = 'admin'")
            return True, active, cursor.fetchone()[0] > 0
    finally:
        connection.close()


def clear(database):
    """Away with the first tables of a creation that was interrupted: Tryton would stumble over
    them, and nobody has ever been able to log in."""
    connection = connected(database)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        connection.close()


def missing(database):
    """Why the database is not ready, or None."""
    tables, active, password = seen(database)
    if not tables:
        return "no tables yet"
    absent = sorted(set(FACTS["modules"]) - active)
    if absent:
        return f"modules not active: {', '.join(absent)}"
    return None if password else "no first user with a password"


def create(database, passfile):
    argv = [sys.executable, f"{HERE}/tryton.py", "admin", "-c", CONFIG, "-d", database]
    argv += ["--activate-dependencies", "--email", FACTS["email"]]
    tables, _, password = seen(database)
    if not tables:
        clear(database)
    elif not password:
        argv.append("--password")  # by itself Tryton sets it only where it makes the tables
    argv += ["-u", "ir", "res", *FACTS["modules"]]
    environment = {**os.environ, "TRYTONPASSFILE": passfile}
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"trytond-admin ended with {done.returncode}")


def admin(arguments):
    """trytond-admin itself, with each database opened as its own role."""
    import roles

    os.environ["TRYTOND_CONFIG"] = CONFIG
    roles.open_databases_as_their_own_roles()
    program = shutil.which("trytond-admin")
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")


def main(arguments):
    if arguments == ["alive"]:
        return alive()
    if arguments[:1] == ["admin"]:
        return admin(arguments[1:])
    if len(arguments) == 2 and arguments[0] == "ready":
        reason = missing(arguments[1])
    elif len(arguments) == 3 and arguments[0] == "create":
        create(*arguments[1:])
        reason = missing(arguments[1])
    else:
        reason = "say: alive, ready DATABASE, or create DATABASE PASSFILE"
    if reason:
        raise SystemExit(reason)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as fault:  # whatever it is, one line for the operator
        raise SystemExit(f"{type(fault).__name__}: {str(fault).strip()}") from None
