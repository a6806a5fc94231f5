"""The web application that gunicorn runs: Zope, and what keeps each unit's users in its site.

Zope finds a name also in what lies around an object, so a path below one unit's site could lead
to another's, or to Zope's own management pages. Nothing is published here that does not lie
inside the site that the gateway put before the path.
"""

import shutil
import tempfile
from pathlib import Path
from threading import BoundedSemaphore

import ask
import databases
import Zope2
from Acquisition import aq_base
from zExceptions import NotFound
from zope.component import adapter, provideHandler
from Zope2.Startup.run import make_wsgi_app
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.interfaces import IPubAfterTraversal

HERE = Path(__file__).parent
FACTS = ask.FACTS
AT_WORK = BoundedSemaphore(FACTS["threads"])  # each keeps connections to the databases
IN_MEMORY = 2**20  # bytes of a request's body; more is kept in a file
BEHIND_GATEWAY = "/VirtualHostBase/https/"


@adapter(IPubAfterTraversal)
def inside(event):
    """Refuse what was found outside of the site, or belongs to Zope's management pages."""
    request = event.request
    root = tuple(request.get("VirtualRootPhysicalPath", ()))
    parents = request["PARENTS"]
    found = [request.get("PUBLISHED"), *parents[: len(parents) - len(root)]]
    if len(root) < 3 or any(outside(root, o) for o in found) or managing(request):
        raise NotFound(request.get("URL", ""))


def outside(root, found):
    path = getattr(aq_base(found), "getPhysicalPath", None)
    return path is not None and found.getPhysicalPath()[: len(root)] != root


def managing(request):
    published = request.get("PUBLISHED")
    names = [*request.steps, getattr(aq_base(published), "__name__", "") or ""]
    return any(n == "manage" or n.startswith("manage_") for n in names)


def alive():
    """Zope has started and reads its own database."""
    connection = Zope2.DB.open()
    try:
        connection.root()["Application"].getId()
    finally:
        connection.close()


def plain(start_response, status, text):
    start_response(status, [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [text] if text else []


def application(environ, start_response):
    path = environ.get("PATH_INFO", "")
    if path == FACTS["health"]:
        alive()
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"alive\n"
        return plain(start_response, "200 OK", body)
    if not path.startswith(BEHIND_GATEWAY):
        return plain(start_response, "404 Not Found", b"Not found.\n")
    if int(environ.get("CONTENT_LENGTH") or 0) > FACTS["upload"]:
        return plain(start_response, "413 Content Too Large", b"Too large.\n")
    unit = path.removeprefix(BEHIND_GATEWAY).partition("/")[2].partition("/")[0]
    if not databases.opened(unit):
        start_response("503 Service Unavailable", [("Retry-After", "5")])
        return []
    return published(unit, environ, start_response)


def published(unit, environ, start_response):
    """The site's answer. Zope reads a request again after a conflict with another request, and
    the server gives it only once, so it is kept meanwhile."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as body, AT_WORK:
        shutil.copyfileobj(environ["wsgi.input"], body)
        body.seek(0)
        databases.REQUEST.unit = unit
        answer = zope({**environ, "wsgi.input": body}, start_response)
        try:
            yield from answer
        finally:
            getattr(answer, "close", lambda: None)()


# On a new cluster the database comes after the container, and Zope starts with it only.
ask.wait_for_database()
databases.when_asked()
zope = HTTPExceptionHandler(make_wsgi_app({}, str(HERE / "zope.conf")))
Zope2.bobo_application = databases.Root(Zope2.bobo_application)
provideHandler(inside)
for known in FACTS["units"]:  # before the first user asks
    databases.opened(known)
