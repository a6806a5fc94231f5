"""Opens a unit's database when it is asked for.

Zope opens all of them when it starts, and does not start without one of them. While a unit's data
moves, and as long as its earlier copy is kept, its database lets nobody in; the others go on.
"""

from threading import Lock

import ask
import transaction
import Zope2
from App.config import getConfiguration
from Products.ZODBMountPoint.MountedObject import manage_addMounts
from Zope2.Startup.datatypes import DBTab

OPENING = Lock()  # of two that open the same at once the second would fail
OPENED: set[str] = set()


def when_asked():
    """For all that starts Zope, before it does."""
    DBTab.listMountPaths = lambda dbtab: []


def opened(unit):
    """Whether the unit's database is open, or Zope may say that there is no site."""
    if unit in OPENED or unit not in ask.FACTS["units"]:
        return True
    with OPENING:
        if unit in OPENED:
            return True
        try:
            if ask.made_from(unit) is None:
                return True
            getConfiguration().dbtab.getDatabase(f"/{unit}")
            join(unit)
        except Exception as fault:  # of PostgreSQL, or what RelStorage makes of it
            print(f"{unit}: its database is not open: {' '.join(str(fault).split())[:200]}")
            return False
        OPENED.add(unit)
    return True


def join(unit):
    """Zope's own database does not know one yet that has come from elsewhere."""
    app = Zope2.app()
    try:
        mount(app, unit)
        transaction.commit()
    finally:
        transaction.abort()
        app._p_jar.close()


def mount(app, unit):
    if unit not in app.objectIds():
        manage_addMounts(app, (f"/{unit}",), create_mount_points=True)
