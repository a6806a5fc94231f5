"""Everything on a host's Docker engine: containers whole, networks, volumes, images, events."""

from __future__ import annotations

import time
from typing import Any

EVENTS_BACK = 7 * 24 * 3600  # seconds; the engine itself remembers the last few hundred only
TELLING = ("create", "destroy", "update", "rename", "stop", "die", "pause", "connect", "kill")


def look(wanted: dict[str, Any], facts: Any) -> dict[str, Any]:
    ask = facts.ask_engine
    listed = ask("/containers/json?all=1")
    containers = [ask(f"/containers/{c['Id']}/json") for c in listed]
    used = {c["Image"] for c in containers}
    return {
        "containers": containers,
        "networks": [ask(f"/networks/{n['Id']}") for n in ask("/networks")],
        "volumes": ask("/volumes")["Volumes"] or [],
        "images": ask("/images/json"),
        "environment": {image: image_environment(ask, image) for image in used},
        "info": {k: v for k, v in ask("/info").items() if k in ("LiveRestoreEnabled", "Swarm")},
        "events": events(facts),
    }


def image_environment(ask: Any, image: str) -> list[str]:
    """What the image itself sets; nothing where it is gone."""
    try:
        return list(ask(f"/images/{image}/json")["Config"].get("Env") or [])
    except OSError:
        return []


def events(facts: Any) -> list[dict[str, Any]]:
    """What changed containers and networks lately: action, name, when."""
    now = int(time.time())
    path = f"/events?since={now - EVENTS_BACK}&until={now}"
    return [
        {
            "action": e["Action"],
            "type": e["Type"],
            "name": e["Actor"]["Attributes"].get("name", ""),
            "container": e["Actor"]["Attributes"].get("container", ""),
            "when": e["timeNano"] / 1e9,
        }
        for e in stream(facts, path)
        if e.get("Action") in TELLING
    ]


def stream(facts: Any, path: str) -> list[dict[str, Any]]:
    """The answer is one JSON object after the other."""
    import json

    connection = facts.EngineConnection("docker", timeout=20)
    try:
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found
