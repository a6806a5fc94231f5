#!/usr/bin/python3
"""Roles, databases and extensions of the central cluster, compared and brought in line.

Runs on a database host, as a program that finds `payload` (the look, changes nothing) or as
an Ansible module (which changes what differs; only on the leader). SQL goes over stdin of
`docker exec`; a password becomes its SCRAM verifier here (RFC 5803), so that not even the
server ever sees it in clear.

Wanted: container, psql (argv), roles (name, password, member_of, login), databases (name, owner,
extensions), oneoffs (id, container, probe).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess

DOCUMENTATION = "module: database_objects\nshort_description: roles and databases\n"

ITERATIONS = 4096  # PostgreSQL's own (scram_iterations)
PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

STATE = """
SELECT json_build_object(
  'replica', pg_is_in_recovery(),
  'roles', (SELECT coalesce(json_object_agg(r.rolname, json_build_object(
      'verifier', r.rolpassword, 'login', r.rolcanlogin,
      'plain', NOT (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication
                    OR r.rolbypassrls),
      'member_of', (SELECT coalesce(json_agg(g.rolname), '[]') FROM pg_auth_members m
                    JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))), '{}')
    FROM pg_authid r),
  'databases', (SELECT coalesce(json_object_agg(d.datname, json_build_object(
      'owner', pg_get_userbyid(d.datdba),
      'public', has_database_privilege('public', d.oid, 'CONNECT, TEMPORARY'))), '{}')
    FROM pg_database d WHERE NOT d.datistemplate));
"""
EXTENSIONS = "SELECT json_build_object('%s', (SELECT json_agg(extname) FROM pg_extension));"


class Failed(Exception):
    """args: what the operator must know; holds no secret."""


def sql(wanted, text, database="postgres"):
    """Rows as psql prints them, one a line. Raises Failed with the server's first error."""
    argv = ["docker", "exec", "-i", wanted["container"], *wanted["psql"], "-d", database]
    try:
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        raise Failed("the database gave no answer within 120 s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "SCRAM-SHA-256" not in line]
        told = [line for line in lines if "ERROR" in line or "FATAL" in line] or lines
        raise Failed("; ".join(told[:2])[:400] or "psql ended with %d" % done.returncode)
    return [line for line in done.stdout.splitlines() if line]


def state(wanted):
    """What is there; extensions only for the wanted databases that want some."""
    seen = json.loads(sql(wanted, STATE)[0])
    asking = [d for d in wanted["databases"] if d["extensions"] and d["name"] in seen["databases"]]
    for database in asking:
        row = sql(wanted, EXTENSIONS % database["name"].replace("'", "''"), database["name"])[0]
        seen["databases"][database["name"]]["extensions"] = json.loads(row)[database["name"]]
    return seen


def differences(wanted, seen):
    """(what differs in words, database to connect to, SQL that mends it), in order."""
    return [
        *(d for role in wanted["roles"] for d in role_differences(role, seen["roles"])),
        *(d for base in wanted["databases"] for d in database_differences(base, seen["databases"])),
    ]


def role_differences(role, roles):
    name, there = ident(role["name"]), roles.get(role["name"])
    login = "LOGIN" if role["login"] else "NOLOGIN"
    if there is None:
        secret = literal(verifier(role["password"], os.urandom(16)))
        yield (
            "role {}: missing".format(role["name"]),
            "postgres",
            f"CREATE ROLE {name} {login} {PLAIN} PASSWORD {secret};",
        )
    else:
        if there["login"] != role["login"] or not there["plain"]:
            yield (
                "role {}: rights".format(role["name"]),
                "postgres",
                f"ALTER ROLE {name} {login} {PLAIN};",
            )
        if not matches(there["verifier"], role["password"]):
            secret = literal(verifier(role["password"], os.urandom(16)))
            yield (
                "role {}: password".format(role["name"]),
                "postgres",
                f"ALTER ROLE {name} PASSWORD {secret};",
            )
    for group in role["member_of"]:
        if group not in (there or {}).get("member_of", ()):
            yield (
                "role {}: member of {}".format(role["name"], group),
                "postgres",
                f"GRANT {ident(group)} TO {name};",
            )


def database_differences(database, databases):
    name, there = ident(database["name"]), databases.get(database["name"])
    owner = ident(database["owner"])
    if there is None:
        yield (
            "database {}: missing".format(database["name"]),
            "postgres",
            f"CREATE DATABASE {name} OWNER {owner};",
        )
    elif there["owner"] != database["owner"]:
        yield (
            "database {}: owner".format(database["name"]),
            "postgres",
            f"ALTER DATABASE {name} OWNER TO {owner};",
        )
    if there is None or there["public"]:
        yield (
            "database {}: open to all".format(database["name"]),
            "postgres",
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;",
        )
    for extension in database["extensions"]:
        if extension not in ((there or {}).get("extensions") or ()):
            yield (
                "database {}: extension {}".format(database["name"], extension),
                database["name"],
                f"CREATE EXTENSION IF NOT EXISTS {ident(extension)};",
            )


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def verifier(password, salt, iterations=ITERATIONS):
    """The SCRAM-SHA-256 verifier as PostgreSQL stores it."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(p).decode() for p in (salt, hashlib.sha256(client).digest(), server)]
    return "SCRAM-SHA-256$%d:%s$%s:%s" % (iterations, *parts)


def matches(stored, password):
    """Whether the stored verifier is this password's."""
    try:
        kind, parameters, _ = stored.split("$")
        iterations, salt = parameters.split(":")
        if kind != "SCRAM-SHA-256":
            return False
        expected = verifier(password, base64.b64decode(salt), int(iterations))
    except (AttributeError, ValueError):
        return False
    return hmac.compare_digest(stored, expected)


def look(wanted):
    """What differs, by name. leader: None when the database gives no answer."""
    answer = {"leader": None, "why": "", "differs": [], "oneoffs": probes(wanted["oneoffs"])}
    if not wanted["container"]:
        return answer
    try:
        seen = state(wanted)
    except Failed as failure:
        return dict(answer, why=str(failure))
    answer["leader"] = not seen["replica"]
    if answer["leader"]:
        answer["differs"] = [words for words, _, _ in differences(wanted, seen)]
    return answer


def probes(oneoffs):
    """Ids of the one-offs that are not done yet."""
    running = [
        (
            o["id"],
            subprocess.Popen(
                ["docker", "exec", o["container"], *o["probe"]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ),
        )
        for o in oneoffs
    ]
    return [name for name, process in running if process.wait() != 0]


def apply(wanted):
    """Mend what differs; returns it in words."""
    seen = state(wanted)
    if seen["replica"]:
        raise Failed("this member does not lead any more; run the command again")
    found = differences(wanted, seen)
    for _, database, text in found:
        sql(wanted, text, database)
    return [words for words, _, _ in found]


def main():
    if "payload" in globals():  # run by the toolkit itself
        print(json.dumps(look(globals()["payload"])))
        return
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule({"wanted": {"type": "str", "required": True, "no_log": True}})
    try:
        done = apply(json.loads(base64.b64decode(module.params["wanted"])))
    except Failed as failure:
        module.exit_json(changed=False, problem=str(failure))
    module.exit_json(changed=bool(done), problem="", done=done)


if "payload" in globals() or __name__ == "__main__":
    main()
