"""Mayan's web server. Rendered by hanoi from infra/services/mayan.py."""

# Before anything else is imported: many requests are served in turn by one process, and the
# application is loaded once, before the processes part, so that they share most of its memory.
from gevent import monkey

monkey.patch_all()

import ssl  # noqa: E402

bind = "0.0.0.0:8443"
# TLS with a client certificate of the authority: gateways only. Read anew for each connection.
certfile = "/etc/mayan/tls.crt"
keyfile = "/etc/mayan/tls.key"
ca_certs = "/etc/mayan/ca.crt"
cert_reqs = ssl.CERT_REQUIRED
worker_class = "gevent"
workers = 2
preload_app = True
# An open page keeps a connection for its messages.
worker_connections = 200
timeout = 120
graceful_timeout = 20
keepalive = 20  # seconds; the gateways use a connection again
max_requests = 2000  # then a process is made anew: memory that it lost is given back
max_requests_jitter = 200
worker_tmp_dir = "/run"
control_socket_disable = True
loglevel = "warning"


def ssl_context(_, default):
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def when_ready(_):
    """The processes to come must not share a connection that loading has opened, and the
    collector of garbage must not write to the memory that they do share."""
    import gc

    from django.db import connections

    connections.close_all()
    gc.collect()
    gc.freeze()


def post_worker_init(_):
    """A client without a certificate is not let in; that is no fault of the server to log."""
    from gevent import get_hub

    get_hub().NOT_ERROR += (ssl.SSLError, ConnectionError)
