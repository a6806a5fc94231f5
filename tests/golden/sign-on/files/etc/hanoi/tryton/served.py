"""The application as the web server loads it."""

import roles

roles.open_databases_as_their_own_roles()

from trytond.application import app  # noqa: E402, F401
