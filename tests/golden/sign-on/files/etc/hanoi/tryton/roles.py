"""Each unit's database is opened as its own role, which has the same name.

Tryton has one login for all databases. With this one unit's requests cannot reach another
unit's data, even where the application itself were led astray.
"""

import os


def open_databases_as_their_own_roles():
    """Before anything else of Tryton is loaded: it chooses its backend at its first import."""
    from trytond.config import config

    config.update_etc(os.environ["TRYTOND_CONFIG"])
    from trytond.backend.postgresql.database import Database

    plain = Database._connection_params.__func__
    Database._connection_params = classmethod(lambda cls, name: {**plain(cls, name), "user": name})
