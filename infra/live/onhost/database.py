"""What lives in the central database beside the plan: roles, databases, settings, access rules.

Asked on every member, answered for the cluster by the one that leads. No verifier is read.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

STATE = """
SELECT json_build_object(
  'leads', NOT pg_is_in_recovery(),
  'roles', (SELECT coalesce(json_agg(json_build_object('name', rolname, 'super', rolsuper,
      'login', rolcanlogin, 'powers', (rolcreatedb OR rolcreaterole OR rolreplication
      OR rolbypassrls))), '[]') FROM pg_roles WHERE rolname !~ '^pg_'),
  'members', (SELECT coalesce(json_agg(json_build_object('role', g.rolname, 'member', m.rolname)),
      '[]') FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
      JOIN pg_roles m ON m.oid = a.member WHERE m.rolname !~ '^pg_'),
  'databases', (SELECT coalesce(json_agg(datname), '[]') FROM pg_database
      WHERE NOT datistemplate),
  'settings', (SELECT coalesce(json_agg(json_build_object('name', name, 'setting', setting,
      'applied', applied)), '[]') FROM pg_file_settings WHERE sourcefile ~ 'postgresql.auto.conf$'),
  'role_settings', (SELECT coalesce(json_agg(json_build_object(
      'role', CASE WHEN setrole = 0 THEN '' ELSE setrole::regrole::text END,
      'database', coalesce((SELECT datname FROM pg_database WHERE oid = setdatabase), ''),
      'names', (SELECT json_agg(split_part(c, '=', 1)) FROM unnest(setconfig) c))), '[]')
      FROM pg_db_role_setting),
  'rules', (SELECT coalesce(json_agg(json_build_object('type', type, 'database', database,
      'user', user_name, 'address', address, 'mask', netmask, 'method', auth_method,
      'options', options)
      ORDER BY line_number), '[]') FROM pg_hba_file_rules WHERE error IS NULL));
"""


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any] | None:
    """wanted: container, psql (argv). None where this host has no running member."""
    if not wanted["container"]:
        return None
    argv = ["docker", "exec", "-i", wanted["container"], *wanted["psql"], "-d", "postgres"]
    done = subprocess.run(
        argv, input=STATE, capture_output=True, text=True, errors="replace", check=False, timeout=60
    )
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if "ERROR" in x or "FATAL" in x]
        raise OSError((lines or ["psql gave no answer"])[0][:200])
    return dict(json.loads(done.stdout.splitlines()[0]))
