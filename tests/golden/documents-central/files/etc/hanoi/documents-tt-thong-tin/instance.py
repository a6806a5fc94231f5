"""What hanoi asks of one unit's Mayan EDMS. Runs inside its containers; exit code 0 means yes.
  web, worker      serve, once this instance is set up for the version in the image
  alive            the web server answers, or waits as that of a second copy
  working          the worker answers, or waits likewise
  ready            the database and the files are set up for this version
  create PASSFILE  make it so; PASSFILE holds the first user's password
`create` can be run again at any time, also after an interruption.
"""

import importlib.metadata
import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(sys.path[0])
FACTS = json.loads((HERE / "instance.json").read_text(encoding="utf-8"))
MARK = Path(FACTS["media"], "set-up-for")  # written last, beside what it speaks of
TEMPORARY = Path(FACTS["work"], "tmp")
# There while this is a unit's second copy, which waits and is well; in memory, of this container.
WAITS = Path("/run/second-copy")
KEPT_OUT = "is not permitted to log in"  # what PostgreSQL says to a second copy's role
DAY = 24 * 3600
USER = "admin"

# Steps of Mayan's set-up that concern what is in the image, or what is rendered.
NOT_HERE = {
    "appearance.prepare_static",
    "common.create_media_storage",
    "common.upgrade_create_upload_temporary_folder",
    "common.upgrade_create_user_settings_folder",
    "dependencies.install",
    "smart_settings.save",
}


def alive():
    if WAITS.exists():
        return
    context = ssl.create_default_context(cafile=HERE / "ca.crt")
    context.load_cert_chain(HERE / "tls.crt", HERE / "tls.key")
    url = f"https://localhost:{FACTS['port']}{FACTS['health']}"
    with urllib.request.urlopen(url, timeout=4, context=context) as answer:
        answer.read()


def working():
    """Asks by the broker alone: loading all of Mayan would cost seconds at each check."""
    if WAITS.exists():
        return
    from celery import Celery

    asking = Celery(broker=f"redis+socket://{FACTS['work']}/valkey.sock?virtual_host=0")
    if not asking.control.ping(timeout=3, limit=1):
        raise SystemExit("no worker answers")


def version():
    return importlib.metadata.version("mayan-edms")


def missing():
    """Why it is not set up, or None."""
    import psycopg

    database = FACTS["database"]
    with psycopg.connect(**database, connect_timeout=5) as connection:
        found = connection.execute("SELECT to_regclass('auth_user') IS NOT NULL").fetchall()
        if not found[0][0]:
            return "no tables yet"
        users = connection.execute("SELECT FROM auth_user WHERE is_superuser LIMIT 1").fetchall()
    if not users:
        return "no first user"
    done = MARK.read_text(encoding="ascii").strip() if MARK.exists() else "no version"
    return None if done == version() else f"set up for {done}, not for {version()}"


def create(passfile):
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from mayan.apps.app_manager.classes import InitializationStep
    from mayan.apps.app_manager.literals import PROCESS_INITIAL_SETUP, PROCESS_UPGRADE

    for process in (PROCESS_INITIAL_SETUP, PROCESS_UPGRADE):
        for step in InitializationStep.get_all(process=process):
            if step.name not in NOT_HERE:
                print(step.name, flush=True)
                step.do_execute()
    users = get_user_model().objects
    if not users.filter(is_superuser=True).exists():
        password = Path(passfile).read_text(encoding="utf-8").strip()
        users.create_superuser(USER, FACTS["email"], password)
    done = MARK.with_suffix(".new")
    done.write_text(version() + "\n", encoding="ascii")
    done.replace(MARK)


def wait_until_ready():
    """Until `create` has run in this version, or the data of a move has come."""
    said = None
    while reason := why_not():
        if reason != said:
            print(f"waiting: {reason}", flush=True)
        said = reason
        if KEPT_OUT in reason:
            WAITS.touch()
        else:
            WAITS.unlink(missing_ok=True)
        time.sleep(2)
    WAITS.unlink(missing_ok=True)


def why_not():
    try:
        return missing()
    except Exception as fault:  # the database may be away for a while, whatever the reason
        return f"{type(fault).__name__}: {' '.join(str(fault).split())}"


def prepare():
    wait_until_ready()
    TEMPORARY.mkdir(mode=0o700, exist_ok=True)


def web():
    prepare()
    for left in TEMPORARY.iterdir():  # of processes that were killed
        if left.is_file() and left.stat().st_mtime < time.time() - DAY:
            left.unlink(missing_ok=True)
    os.execvp("gunicorn", ["gunicorn", "-c", str(HERE / "gunicorn.conf.py"), "mayan.wsgi"])


def keep_time(app):
    """The schedule. As a process of its own, as Celery's --beat is, it takes 140 MiB more."""
    from celery.beat import EmbeddedService

    try:
        EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler).run()
    finally:  # a worker whose clock has stopped is started anew
        os.kill(os.getpid(), signal.SIGTERM)


def worker():
    """All queues and the schedule in one process. Heavy work is done by programs it starts."""
    prepare()
    import django

    django.setup()
    from mayan.apps.task_manager.classes import CeleryQueue
    from mayan.celery import app

    queues = ",".join(queue.name for queue in CeleryQueue.all())
    argv = ["--quiet", "worker", "--pool=threads", f"--concurrency={FACTS['threads']}"]
    threading.Thread(target=keep_time, args=[app], daemon=True).start()
    app.worker_main([*argv, "--loglevel=warning", "--without-gossip", f"--queues={queues}"])


def main(arguments):
    commands = {"web": web, "worker": worker, "alive": alive, "working": working}
    if len(arguments) == 1 and arguments[0] in commands:
        return commands[arguments[0]]()
    if arguments == ["ready"]:
        reason = missing()
    elif len(arguments) == 2 and arguments[0] == "create":
        TEMPORARY.mkdir(mode=0o700, exist_ok=True)
        create(arguments[1])
        reason = missing()
    else:
        reason = "say: web, worker, alive, working, ready, or create PASSFILE"
    if reason:
        raise SystemExit(reason)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as fault:  # whatever it is, one line for the operator
        raise SystemExit(f"{type(fault).__name__}: {' '.join(str(fault).split())}") from None
