"""Runs inside a postgres container: inserts rows through the read-write endpoints, one
transaction each, and prints each acknowledged id with the time. Ends at `end` (epoch seconds) or
when the file `stop` exists.

Reads its settings as JSON from the environment variable WRITER; the password from stdin.
"""

import contextlib
import json
import os
import sys
import time

import psycopg2

settings = json.loads(os.environ["WRITER"])
password = sys.stdin.readline().strip()
number = 0
connection = None
while time.time() < settings["end"] and not os.path.exists(settings["stop"]):
    number += 1
    try:
        if connection is None:
            connection = psycopg2.connect(
                host=settings["hosts"],
                port=settings["port"],
                dbname=settings["database"],
                user=settings["user"],
                password=password,
                sslmode="verify-full",
                sslrootcert=settings["ca"],
                connect_timeout=3,
                tcp_user_timeout=4000,
                keepalives_idle=2,
                keepalives_interval=1,
                keepalives_count=3,
                target_session_attrs="read-write",
            )
            connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("insert into written (id) values (%s)", (number,))
        print(json.dumps([number, time.time()]), flush=True)
        time.sleep(0.02)
    except psycopg2.Error as failure:
        print(json.dumps(["error", time.time(), str(failure).splitlines()[0][:200]]), flush=True)
        if connection is not None:
            with contextlib.suppress(psycopg2.Error):
                connection.close()
        connection = None
        time.sleep(0.2)
