"""The host baseline: one module a concern, registered as services are (infra/services)."""
