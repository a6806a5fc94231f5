"""The Pulumi engine: the CLI and the Docker resource plugin, found, fetched or built.

`ensure()` gives an engine that works or raises an error that says what to do; `probe()` only
looks. See docs/engine.md.
"""

from __future__ import annotations

from infra.engine.ensure import Engine, ensure, probe

__all__ = ["Engine", "ensure", "probe"]
