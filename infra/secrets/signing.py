"""Signing keys: RSA, three at a time, so that the one that signs is always known already.

Whoever verifies has fetched the next key before it signs, and still has the previous one while
what it signed is valid.
"""

from __future__ import annotations

from collections.abc import Mapping

BITS = 3072
PARTS = ("key", "next", "previous")


def new() -> dict[str, str]:
    """Three keys (PEM). A first "previous" has signed nothing; it spares a special case."""
    return {part: _key() for part in PARTS}


def rotated(keys: Mapping[str, str]) -> dict[str, str]:
    """The next key signs from now on, the one that did is the previous."""
    return {"key": keys["next"], "next": _key(), "previous": keys["key"]}


def _key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
