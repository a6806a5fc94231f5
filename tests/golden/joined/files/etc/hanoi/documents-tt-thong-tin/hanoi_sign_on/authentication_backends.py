"""Who may in: users of Mayan's own by their password, and users of this unit who sign on.

Mayan's own backend for OpenID Connect has no place for the former, takes a user for another by
the e-mail address, and lets its REST API be used with any token of the provider, also one that
was given to another unit's application. So only its parts that do the protocol are used.
"""

from django.conf import settings
from django.contrib.auth.models import Group
from mayan.apps.authentication.authentication_backends import (
    AuthenticationBackendModelDjangoDefault,
)
from mayan.apps.authentication_oidc.django_authentication_backends import (
    DjangoAuthenticationBackendOIDC,
)

GROUP = "sign-on"  # of everybody who has ever signed on; roles are given to it, or to single users
RENEWAL = (
    "mayan.apps.authentication_oidc.middleware.session_renewal.SessionRenewalRedirect",
    "mayan.apps.authentication_oidc.middleware.session_refresh.SessionRefreshMayan",
)


class SignedOn(DjangoAuthenticationBackendOIDC):
    """Users of the provider, known here by their login."""

    def verify_claims(self, claims):
        login = claims.get("preferred_username")
        unit = all(claims.get(name) == value for name, value in settings.SIGN_ON_CLAIMS.items())
        known = self.UserModel.objects.filter(username=login)
        return bool(login) and unit and not known.filter(is_superuser=True).exists()

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["preferred_username"])

    def get_username(self, claims):
        return claims["preferred_username"]

    def create_user(self, claims):
        return self._described(super().create_user(claims), claims)

    def update_user(self, user, claims):
        return self._described(user, claims)

    def _described(self, user, claims):
        user._event_ignore = True  # Mayan's word for: nobody has edited this user
        user.first_name, user.last_name = claims.get("name", "")[:150], ""
        user.email = claims.get("email", "")
        user.save(update_fields=("first_name", "last_name", "email"))
        Group.objects.get_or_create(name=GROUP)[0].user_set.add(user)
        return user


class AuthenticationBackendSignOn(AuthenticationBackendModelDjangoDefault):
    """The form for a password as ever; templates/ puts the way to sign on above it."""

    django_authentication_backend_paths = (
        *AuthenticationBackendModelDjangoDefault.django_authentication_backend_paths,
        f"{SignedOn.__module__}.{SignedOn.__name__}",
    )

    def do_initialize(self):
        super().do_initialize()
        settings.MIDDLEWARE = (*settings.MIDDLEWARE, *RENEWAL)
