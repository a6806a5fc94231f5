"""Applications that are described by their YAML file alone: what cannot run is refused."""

from __future__ import annotations

from .harness import Case, Edit, link, put, swap

FILE = "apps/feedback.yaml"
APP = """id: feedback
name: {vi: Phản ánh, en: Feedback}
service: web
port: 8700
serves: many-units
database: {per: unit}
health: {path: /alive}
resources: {memory: 128MiB, cpus: 0.1}
web:
  user: 10200
  port: 8000
  command: [serve]
  set_up: {done: [ready], run: [create]}
"""
SOUND = (put(FILE, APP), put("images/feedback/Dockerfile", "FROM scratch\n"))
SHOWN = "sites/apps/feedback.yaml"


def spoilt(old: str, new: str) -> tuple[Edit, ...]:
    return (*SOUND, swap(FILE, old, new))


CASES = (
    Case(
        "web-without-its-description",
        (*SOUND, put(FILE, APP.partition("web:\n")[0])),
        (
            f'{SHOWN}:1 web: HN-M083: the key "web" is missing, and the service is web → add web: with user, port and command',
        ),
    ),
    Case(
        "description-of-another-service",
        spoilt("service: web\n", ""),
        (
            f"{SHOWN}:8 web: HN-M083: only the service web reads this → write service: web, or remove web:",
        ),
    ),
    Case(
        "web-port-of-another-service",
        spoilt("port: 8700", "port: 8443"),
        (
            f"{SHOWN}:4 port: HN-M084: the port 8443 is not one of those for such applications → choose one from 8700 to 8999",
        ),
    ),
    Case(
        "web-with-too-little-memory",
        spoilt("128MiB", "64MiB"),
        (
            f"{SHOWN}:8 resources.memory: HN-M084: the memory is too little: 48MiB of it are for the TLS before the application → write 112MiB or more",
        ),
    ),
    Case(
        "web-with-one-database",
        spoilt("per: unit", "per: instance"),
        (
            f"{SHOWN}:6 database.per: HN-M084: one database for all units, which none of them could move with → write per: unit",
        ),
    ),
    Case(
        "web-without-a-database-to-set-up",
        spoilt("database: {per: unit}\n", ""),
        (
            f"{SHOWN}:12 web.set_up: HN-M084: there is no database to set up → add database:, or remove set_up:",
        ),
    ),
    Case(
        "web-with-files-that-cannot-move",
        (
            *SOUND,
            swap(FILE, "database: {per: unit}\n", ""),
            swap(FILE, "many-units", "one-unit"),
            swap(
                FILE, "  set_up: {done: [ready]", "  volumes: [{name: files, path: /srv/files}]\n#"
            ),
        ),
        (
            f"{SHOWN}:12 web.volumes: HN-M084: files alone cannot move with their unit → add database: {{per: unit}}, or remove volumes:",
        ),
    ),
    Case(
        "web-with-files-that-are-not-shared",
        (*SOUND, put(FILE, APP + "  volumes: [{name: files, path: /srv/files}]\n")),
        (
            f"{SHOWN}:14 web.volumes: HN-M084: instances at several sites do not share their files → write serves: one-unit, or keep everything in the database",
        ),
    ),
    Case(
        "web-with-two-volumes-at-one-path",
        (
            *SOUND,
            put(
                FILE,
                APP.replace("many-units", "one-unit")
                + "  volumes:\n    - {name: files, path: /srv/files}\n    - {name: more, path: /srv/files}\n",
            ),
        ),
        (
            f"{SHOWN}:16 web.volumes[1].path: HN-M084: the path /srv/files is there twice → choose another path",
        ),
    ),
    Case(
        "web-environment-of-the-toolkit",
        (*SOUND, put(FILE, APP + "  environment: {UNITS_FILE: /tmp/units}\n")),
        (
            f"{SHOWN}:14 web.environment.UNITS_FILE: HN-M084: UNITS_FILE is what the toolkit tells the application → choose another name",
        ),
    ),
    Case(
        "web-environment-in-small-letters",
        (*SOUND, put(FILE, APP + "  environment: {log-level: debug}\n")),
        (
            f'{SHOWN}:14 web.environment.log-level: HN-M023: "log-level" is not accepted → write capital letters, digits and underscores, such as LOG_LEVEL',
        ),
    ),
    Case(
        "web-user-of-the-toolkits-own",
        spoilt("user: 10200", "user: 10080"),
        (f"{SHOWN}:10 web.user: HN-M024: 10080 is too small → write 10100 or more",),
    ),
    Case(
        "web-port-of-root",
        spoilt("  port: 8000", "  port: 80"),
        (f"{SHOWN}:11 web.port: HN-M024: 80 is too small → write 1024 or more",),
    ),
    Case(
        "web-without-a-command",
        spoilt("[serve]", "[]"),
        (f"{SHOWN}:12 web.command: HN-M024: the list is empty → write at least 1 entry",),
    ),
    Case(
        "web-without-an-image",
        (put(FILE, APP),),
        (
            f"{SHOWN}:9 web: HN-M085: there is no images/feedback/Dockerfile beside apps/ → add it; docs/applications.md shows one",
        ),
    ),
    Case(
        "web-with-an-image-outside",
        (
            put(FILE, APP),
            put("images/other/Dockerfile", "FROM x\n"),
            link("images/feedback", "/etc"),
        ),
        (
            f"{SHOWN}:9 web: HN-M085: there is no images/feedback/Dockerfile beside apps/ → add it; docs/applications.md shows one",
            "sites/images/feedback: HN-M005: a symbolic link that leads out of the model's directory → put the file itself here",
        ),
    ),
    Case(
        "web-without-addresses",
        (
            *SOUND,
            swap("sites/north.yaml", "172.30.1.0/24", "172.30.1.0/25"),
            swap(
                "units/centre.yaml",
                "applications:\n",
                "applications:\n  feedback:\n    mode: central\n",
            ),
        ),
        (
            "sites/sites/north.yaml:5 container_network: HN-M086: north-1 would have 2 containers of web applications, and 172.30.1.0/25 has addresses for 0 → widen it before the first deploy, or place less there",
        ),
    ),
)
