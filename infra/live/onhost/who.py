"""Who probably did it, from what the host itself has on record. Best effort, never a guess.

sudo's entries in the journal name a user and a command; logins say who was there. A command is
never repeated, only its program's name: its arguments may hold a password.
"""

from __future__ import annotations

import json
import pwd
import re
import subprocess
import time
from typing import Any

BEFORE, AFTER = 90, 10  # seconds around a change in which a command may have made it
DAYS = 14
MOST = 4000
_SUDO = re.compile(
    r"^\s*(?P<user>[\w.@-]+) : .*?USER=(?P<as>\S+) ; .*?COMMAND=(?P<command>.*)$", re.S
)
_ACCEPTED = re.compile(r"^Accepted (\S+) for (\S+) from (\S+) port \d+")
_OPENED = re.compile(r"^New session '?(\S+?)'? of user '?([\w.@-]+)")
DEPLOY = "BECOME-SUCCESS-"  # Ansible's, so a deploy's or another playbook's
OWN = (DEPLOY, "i=sys.stdin.buffer;s=i.read(int(i.readline()))", "fcntl, json, os, sys")
SHELLS = ("bash", "sh", "su", "zsh", "dash", "fish", "login")


def look(wanted: dict[str, Any], facts: Any) -> dict[str, str]:
    """wanted["asked"]: key → {words: a command that did it names one of them, when: seconds
    since the epoch or None, since: nothing older counts}. Answer: key → who, for those known."""
    every = sudo()
    commands = [c for c in every if not any(sign in c["command"] for sign in OWN)]
    deploys = [c for c in every if DEPLOY in c["command"]]
    logins = accepted()
    found = {}
    for key, question in wanted["asked"].items():
        told = (
            by_name(commands, question)
            or by_deploy(deploys, question)
            or by_time(commands, logins, question)
        )
        if told:
            found[key] = told
    return found


def journal(*matches: str) -> list[dict[str, Any]]:
    argv = [
        "journalctl", "-q", "--no-pager", "-o", "json", "-n", str(MOST),
        "--since", f"-{DAYS}d", "--output-fields=MESSAGE,_PID,_UID", *matches,
    ]  # fmt: skip
    out = subprocess.run(argv, capture_output=True, check=False, timeout=60).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


def sudo() -> list[dict[str, Any]]:
    """Commands by sudo, oldest first: user, command, when, and until when it ran."""
    found: list[dict[str, Any]] = []
    closed: dict[str, float] = {}
    for entry in journal("SYSLOG_IDENTIFIER=sudo"):
        message, when = str(entry.get("MESSAGE")), int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        match = _SUDO.match(message)
        if match and own_word(entry, match["user"]):
            text = match["command"]
            found.append(
                {"user": match["user"], "command": text, "when": when, "pid": entry.get("_PID")}
            )
        elif "(command continued)" in message and found:
            found[-1]["command"] += message.partition("(command continued)")[2]
        elif "session closed" in message:
            closed[str(entry.get("_PID"))] = when
    for command in found:
        command["until"] = closed.get(str(command["pid"]))
    return found


def own_word(entry: dict[str, Any], user: str) -> bool:
    """Anybody can write to the journal under sudo's name. The kernel says whose process it was:
    root's, or that of the very user whom the entry names."""
    try:
        uid = int(entry["_UID"])
        return uid == 0 or pwd.getpwnam(user).pw_uid == uid
    except (KeyError, ValueError):
        return False


def accepted() -> list[dict[str, Any]]:
    """Logins by SSH, oldest first: user, from, when."""
    found = []
    for entry in journal("SYSLOG_IDENTIFIER=sshd", "+", "SYSLOG_IDENTIFIER=sshd-session"):
        match = _ACCEPTED.match(str(entry.get("MESSAGE")))
        if match:
            when = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
            found.append({"user": match[2], "from": match[3], "when": when})
    return found


def by_name(commands: list[dict[str, Any]], question: dict[str, Any]) -> str:
    """The last command that names the thing; near the time of the change, where that is known."""
    when = question["when"]
    for c in reversed(commands):
        if c["when"] < question["since"]:
            break
        if (
            when is not None
            and not when - BEFORE <= c["when"] <= when + AFTER
            and not open_at(c, when)
        ):
            continue
        if any(names(c["command"], word) for word in question["words"]):
            how = f"{c['user']} by sudo {program(c['command'])} at {clock(c['when'])}"
            return f"probably: {how} (journal)"
    return ""


def by_deploy(deploys: list[dict[str, Any]], question: dict[str, Any]) -> str:
    """A deploy of another description, or another playbook: Ansible was at work then."""
    when = question["when"]
    near = [c for c in deploys if when is not None and abs(when - c["when"]) <= BEFORE]
    if not near:
        return ""
    return f"probably: a deploy, as {near[-1]['user']}, at {clock(near[-1]['when'])} (journal)"


def names(command: str, word: str) -> bool:
    """Whether the command has the word by itself, not as a part of a longer one."""
    return re.search(r"(?<![\w.-])" + re.escape(word) + r"(?![\w-]|\.\w)", command) is not None


def open_at(command: dict[str, Any], when: float) -> bool:
    return bool(command["when"] <= when <= (command["until"] or 0))


def by_time(
    commands: list[dict[str, Any]], logins: list[dict[str, Any]], question: dict[str, Any]
) -> str:
    """Who had a root shell at that time, or who logged in shortly before it."""
    when = question["when"]
    if when is None:
        return ""
    shells = [c for c in commands if program(c["command"]) in SHELLS and open_at(c, when)]
    interactive = [c for c in shells if " -c " not in c["command"]]
    if interactive:
        users = ", ".join(sorted({c["user"] for c in interactive}))
        return f"possibly: {users}, who had a root shell at {clock(when)} (journal)"
    before = [e for e in logins if when - 3600 <= e["when"] <= when]
    if before:
        users = ", ".join(sorted({f"{e['user']} from {e['from']}" for e in before}))
        return f"possibly: {users}, logged in within the hour before {clock(when)} (journal)"
    return ""


def program(command: str) -> str:
    """The program's name alone."""
    words = command.split()
    return words[0].rsplit("/", 1)[-1] if words else ""


def clock(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
