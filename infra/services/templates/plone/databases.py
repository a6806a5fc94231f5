"""Opens a unit's database when it is asked for, and keeps units' connections apart.

Zope opens all databases when it starts, and does not start without one of them. It keeps a
connection to its own database together with those to all units' that were visited through it, and
none of them works on when one breaks; a path below one unit's site is enough to visit another's, as
Zope finds names also in what lies around. While a unit's data moves, and as long as its earlier
copy is kept, its database lets nobody in: the others' users must not notice.
"""

from threading import Lock, local

import ask
import transaction
from App.config import getConfiguration
from App.ZApplication import ZApplicationWrapper
from OFS.Application import Application
from Products.ZODBMountPoint.MountedObject import MountedObject, manage_addMounts
from Zope2.Startup.datatypes import DBTab

OPENING = Lock()  # of two that open the same at once the second would fail
OPENED: set[str] = set()
ROOTS: dict[str, ZApplicationWrapper] = {}  # unit → Zope's own database, with its connections
REQUEST = local()  # unit: whose site is asked


def when_asked():
    """For all that starts Zope, before it does."""
    DBTab.listMountPaths = lambda dbtab: []
    visit = MountedObject._getOrOpenObject

    def visit_own(mount, parent):
        if mount.id != getattr(REQUEST, "unit", mount.id):
            raise LookupError(mount.id)  # Zope goes on with the mount point, which leads nowhere
        return visit(mount, parent)

    MountedObject._getOrOpenObject = visit_own


class Root:
    """What the publisher takes Zope's own database from: for each unit by connections that no
    other unit's request uses."""

    def __init__(self, plain):
        self._plain = plain

    def __getattr__(self, name):
        return getattr(self._plain, name)

    def __call__(self, *connection):
        return ROOTS.get(getattr(REQUEST, "unit", ""), self._plain)(*connection)


def opened(unit):
    """Whether the unit's site is made and its database open, or Zope may say that it has none."""
    if unit in OPENED or unit not in ask.FACTS["units"]:
        return True
    with OPENING:
        if unit in OPENED:
            return True
        try:
            if ask.made_from(unit) is None:
                return False
            getConfiguration().dbtab.getDatabase(f"/{unit}")
            join(unit)
        except Exception as fault:  # of PostgreSQL, or what RelStorage makes of it
            said = " ".join(str(fault).split())[:200]
            print(f"{unit}: its database is not open: {said}", flush=True)
            return False
        OPENED.add(unit)
    return True


def join(unit):
    """Zope's own database does not know one yet that has come from elsewhere."""
    REQUEST.unit = unit
    if unit not in ROOTS:
        dbtab = getConfiguration().dbtab
        own = dbtab.getDatabaseFactory("/").open(f"/ for {unit}", dbtab.databases)
        ROOTS[unit] = ZApplicationWrapper(own, "Application", Application)
    app = ROOTS[unit]()
    try:
        mount(app, unit)
        transaction.commit()
    finally:
        transaction.abort()
        app._p_jar.close()


def mount(app, unit):
    if unit not in app.objectIds():
        manage_addMounts(app, (f"/{unit}",), create_mount_points=True)
