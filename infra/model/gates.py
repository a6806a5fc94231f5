"""The gates that compliance checks carry: what a wave of the roadmap may ask for.

Read from the checks' source as text, since the model is read often and must not wait for pytest.
"""

from __future__ import annotations

import re
from functools import cache

from infra import paths

_CALL = re.compile(r"\bgate\(([^()]*)\)")
_NAME = re.compile(r"""["']([a-z0-9-]+)["']""")


@cache
def carried() -> frozenset[str] | None:
    """Every gate that some check carries; None where the checks are not at hand (a toolkit of
    another revision is compared without them), since then nothing can be said."""
    try:
        texts = [p.read_text(encoding="utf-8") for p in paths.compliance().glob("test_*.py")]
    except OSError:
        return None
    found = {n for text in texts for call in _CALL.findall(text) for n in _NAME.findall(call)}
    return frozenset(found) or None
