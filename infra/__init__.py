"""hanoi: three sites described in reviewed files, created, configured and proven."""

__version__ = "0.1.0"
