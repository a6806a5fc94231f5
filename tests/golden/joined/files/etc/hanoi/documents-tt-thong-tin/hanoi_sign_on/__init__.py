"""Signing on by OpenID Connect, beside the first user's password."""
