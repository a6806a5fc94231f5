"""Where a user is sent to sign on. Loaded by Zope through etc/sign_on.zcml."""

from pas.plugins.oidc.browser.view import LoginView
from plone import api


class Login(LoginView):
    def _internal_redirect_location(self, session):
        """Where to while the provider does not answer: never back to a page that only users see,
        which would lead here again."""
        return api.portal.get().absolute_url()
