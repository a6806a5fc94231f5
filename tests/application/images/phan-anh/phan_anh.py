"""Feedback to a unit: whoever has something to say writes it down, and all can read it.
serve        answer over HTTP on port 8000
ready UNIT   exit code 0 when the unit's table is there
create UNIT  make it
"""

import html
import json
import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIServer, make_server

import psycopg2

UNITS_FILE = Path(os.environ["UNITS_FILE"])
PORT = 8000
LONGEST = 10_000  # bytes of a request
PAGE = """<!DOCTYPE html>
<html lang="vi"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><form method="post"><textarea name="text" required></textarea>
<button>Gửi</button></form><ul>{rows}</ul></body></html>
"""


def connected(unit):
    url = UNITS_FILE.parent / "units" / unit / "database-url"
    return psycopg2.connect(url.read_text().strip(), connect_timeout=5)


def asked(unit, statement, values=(), rows=True):
    connection = connected(unit)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [row[0] for row in cursor.fetchall()] if rows else []
    finally:
        connection.close()


def texts(unit):
    return asked(unit, "SELECT text FROM feedback ORDER BY id")


def application(environ, start_response):
    def answer(status, kind="text/plain", body="", *more):
        start_response(status, [("Content-Type", f"{kind}; charset=utf-8"), *more])
        return [body.encode()]

    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if path == "/alive":  # asked often, so the database is left alone
        return answer("200 OK")
    host = environ.get("HTTP_HOST", "").partition(":")[0].lower()
    unit = json.loads(UNITS_FILE.read_text()).get(host)
    if unit is None:
        return answer("404 Not Found", body="no unit has this name")
    if path == "/rows":
        return answer("200 OK", "application/json", json.dumps(texts(unit)))
    if path != "/":
        return answer("404 Not Found")
    if method == "POST":
        size = min(int(environ.get("CONTENT_LENGTH") or 0), LONGEST)
        text = parse_qs(environ["wsgi.input"].read(size).decode()).get("text", [""])[0]
        asked(unit, "INSERT INTO feedback (text) VALUES (%s)", (text,), rows=False)
        return answer("303 See Other", "text/plain", "", ("Location", "/"))
    rows = "".join(f"<li>{html.escape(text)}</li>" for text in texts(unit))
    title = html.escape(os.environ.get("TITLE", "Feedback"))
    return answer("200 OK", "text/html", PAGE.format(title=title, rows=rows))


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main(arguments):
    if arguments == ["serve"]:
        make_server("", PORT, application, server_class=Server).serve_forever()
    elif arguments[:1] == ["ready"]:
        if asked(arguments[1], "SELECT to_regclass('feedback') IS NULL")[0]:
            raise SystemExit("no table yet")
    elif arguments[:1] == ["create"]:
        statement = "CREATE TABLE IF NOT EXISTS feedback (id bigserial PRIMARY KEY, text text)"
        asked(arguments[1], statement, rows=False)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
