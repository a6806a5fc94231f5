"""What holds for every application that is described by its YAML file alone (service: web)."""

from __future__ import annotations

from ipaddress import IPv4Network

SERVICE = "web"
# Ports on the hosts that no service of the toolkit's own has (docs/services.md).
FIRST_PORT, LAST_PORT = 8700, 8999
# Of each instance's memory, for the HAProxy that speaks TLS before it. Measured: 15 MiB at rest,
# 23 with 200 connections, 33 while it reads its settings again under them.
FRONT_MEMORY = 48 * 2**20
LEAST_MEMORY = 64 * 2**20  # that an application may be given for itself
# The addresses of a host's container network above those of the toolkit's own services.
FIRST_ADDRESS = 233
# What the toolkit tells a container by its environment; values are in infra/services/web.py.
TOLD = ("ADMIN_PASSWORD_FILE", "DATABASE_URL_FILE", "UNIT", "UNITS_FILE")


def places(network: IPv4Network) -> int:
    """How many containers of such applications, fronts included, the container network has
    addresses for: 22 with 24 bits."""
    return max(network.num_addresses - 1 - FIRST_ADDRESS, 0)
