"""A gateway of the lab, as a browser meets it."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def connected(
    address: str, name: str, trusted: ssl.SSLContext, seconds: float = 30
) -> Iterator[http.client.HTTPConnection]:
    """HTTP over TLS to the gateway at an address, for a host name that its certificate must hold.
    seconds: for each answer. Raises OSError."""
    with (
        socket.create_connection((address, 443), seconds) as plain,
        trusted.wrap_socket(plain, server_hostname=name) as stream,
    ):
        connection = http.client.HTTPConnection(name)
        connection.sock = stream
        yield connection
