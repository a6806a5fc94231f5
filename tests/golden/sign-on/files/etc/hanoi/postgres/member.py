"""What hanoi asks of this member of the database cluster, over Patroni's REST interface.

Runs inside the container: `python3 /etc/patroni/member.py VERB`; exit code 0 means yes.
  alive             this member's PostgreSQL runs
  healthy           every member runs, one leads, all others stream from it in the quorum
  settings-current  the cluster's settings are those of dcs.json, and in force
  settings-apply    make it so, restarting one member at a time where that is needed
"""

import json
import ssl
import sys
import time
import urllib.error
import urllib.request

HERE = sys.path[0]
PATIENCE = 120  # seconds for one member to come back


def read(name):
    with open(f"{HERE}/{name}", encoding="utf-8") as file:
        return json.load(file)


FACTS = read("member.json")


def call(method, path, body=None, base=None):
    """Patroni's answer as (status, parsed body or text). Raises OSError when there is none."""
    context = ssl.create_default_context(cafile=f"{HERE}/ca.crt")
    context.load_cert_chain(f"{HERE}/tls.crt", f"{HERE}/tls.key")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request((base or FACTS["rest"]) + path, data, method=method)
    timeout = PATIENCE if method == "POST" else 4
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        status, text = refusal.code, refusal.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def members():
    return call("GET", "/cluster")[1]["members"]


def unhealthy():
    """Why the cluster is not whole, or None."""
    found = {m["name"]: m for m in members()}
    absent = sorted(set(FACTS["members"]) - set(found))
    if absent:
        return f"not there: {', '.join(absent)}"
    leaders = [m for m in found.values() if m["role"] == "leader" and m["state"] == "running"]
    if len(leaders) != 1:
        return f"{len(leaders)} members lead, expected one"
    behind = [
        f"{name} ({m['state']})"
        for name, m in sorted(found.items())
        if m["role"] != "leader" and m["state"] != "streaming"
    ]
    if behind:
        return f"not streaming: {', '.join(behind)}"
    others = sorted(set(found) - {leaders[0]["name"]})
    outside = [name for name in others if found[name]["role"] != "quorum_standby"]
    if outside:
        return f"not in the quorum yet: {', '.join(outside)}"
    return not_live(leaders[0], others)


def not_live(leader, others):
    """The same asked of this member and of the leader's PostgreSQL now, or None.

    The cluster's view comes from etcd, which remembers a member for a while after its stop.
    """
    own = call("GET", "/patroni")[1]
    if own["state"] != "running":
        return f"this member is not ready: {own['state']}"
    answer = call("GET", "/patroni", base=leader["api_url"].rsplit("/", 1)[0])[1]
    rows = answer.get("replication", [])
    streams = {r["application_name"] for r in rows if r["state"] == "streaming"}
    missing = [name for name in others if name not in streams]
    return f"no stream to: {', '.join(missing)}" if missing else None


def pending():
    """Members that run with older settings until they restart; the leader last."""
    waiting = [m for m in members() if m.get("pending_restart")]
    return sorted(waiting, key=lambda m: m["role"] == "leader")


def settings_differ():
    """Why the settings are not those of dcs.json, or None."""
    if call("GET", "/config")[1] != read("dcs.json"):
        return "the cluster's settings differ from dcs.json"
    waiting = pending()
    return f"restart pending: {', '.join(m['name'] for m in waiting)}" if waiting else None


def wait_until_healthy():
    limit = time.monotonic() + PATIENCE
    reason = "no answer"
    while time.monotonic() < limit:
        try:
            reason = unhealthy()
        except (OSError, KeyError, TypeError) as fault:
            reason = str(fault)
        if reason is None:
            return
        time.sleep(1)
    raise SystemExit(f"not healthy after {PATIENCE} s: {reason}")


def restart(member):
    wait_until_healthy()
    base = member["api_url"].rsplit("/", 1)[0]
    status, text = call("POST", "/restart", {"restart_pending": True}, base)
    if status not in (200, 202, 503):  # 503: not pending any more
        raise SystemExit(f"{member['name']} did not restart ({status}): {text}")
    wait_until_healthy()


def settings_apply():
    wanted = read("dcs.json")
    if call("GET", "/config")[1] != wanted:
        status, text = call("PUT", "/config", wanted)
        if status != 200:
            raise SystemExit(f"Patroni refused the settings ({status}): {text}")
        # Every member looks at the settings once per loop_wait, then says what it needs.
        time.sleep(2 * wanted["loop_wait"] + 1)
    # A lowered limit takes two rounds: a standby keeps the primary's until that has restarted.
    for _ in range(2):
        for member in pending():
            restart(member)
        time.sleep(wanted["loop_wait"] + 1 if pending() else 0)


def main(verb):
    if verb == "alive":
        status, _ = call("GET", "/health")
        reason = None if status == 200 else f"Patroni answers {status}"
    elif verb == "healthy":
        reason = unhealthy()
    elif verb == "settings-current":
        reason = settings_differ()
    elif verb == "settings-apply":
        settings_apply()
        reason = settings_differ()
    else:
        reason = f"unknown verb {verb}"
    if reason:
        raise SystemExit(reason)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise SystemExit(f"Patroni gave no usable answer: {fault}") from None
