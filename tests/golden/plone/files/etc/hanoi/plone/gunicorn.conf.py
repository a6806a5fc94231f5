"""Plone's web server. Rendered by hanoi from infra/services/plone.py."""

import ssl

bind = "0.0.0.0:8444"
wsgi_app = "serve:application"
pythonpath = "/etc/plone"
# One process: its threads share the objects that it has read. Most of them wait: serve.py lets
# Zope work at 2 requests at a time, and health checks pass by.
workers = 1
worker_class = "gthread"
threads = 16
timeout = 120
graceful_timeout = 10
keepalive = 30
limit_request_line = 8190
worker_tmp_dir = "/dev/shm"
loglevel = "warning"
control_socket_disable = True
forwarded_allow_ips = ""
certfile = "/etc/plone/tls.crt"
keyfile = "/etc/plone/tls.key"
ca_certs = "/etc/plone/ca.crt"
cert_reqs = ssl.CERT_REQUIRED  # a client certificate of the authority: gateways only


def ssl_context(conf, default_ssl_context_factory):
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
