"""The report for programs. The shape is documented in docs/report.md and report.schema.json."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from infra.report.content import Report
from infra.report.detail import counts, places

FORMAT = 1
# Legal in JSON as they are, but not in UTF-8 (halves of surrogate pairs), or apt to mislead
# who looks at the text: written as escapes, which are read back as the same characters.
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")


def document(report: Report) -> dict[str, Any]:
    """Everything that the report holds, as JSON's types."""
    each = places(report)
    return {
        "format": FORMAT,
        "source": report.source,
        "base": report.base,
        "head": report.head,
        "ministry": {"vi": report.ministry_vi, "en": report.ministry_en},
        "empty": report.empty,
        "counts": {
            "all": dict(report.counts()),
            "hosts": [
                {"site": p.site, "host": p.host, "counts": dict(counts(p.changes))} for p in each
            ],
        },
        "summary": asdict(report.summary),
        "changes": [asdict(c) for p in each for c in p.changes],
        "hosts": [{"host": host, "site": site} for host, site in sorted(report.hosts)],
    }


def render(report: Report) -> str:
    """The document with sorted keys, two spaces of indent and a newline at the end."""
    text = json.dumps(document(report), ensure_ascii=False, sort_keys=True, indent=2)
    return _ESCAPED.sub(lambda m: f"\\u{ord(m[0]):04x}", text) + "\n"
