"""What a change does, as people and programs read it: one content, four forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from infra.report.content import Report

Form = Literal["text", "markdown", "json", "html"]
FORMS: tuple[Form, ...] = ("text", "markdown", "json", "html")
GITHUB, GITLAB = 65_536, 1_000_000  # the characters a comment may have


def render(
    report: Report,
    form: Form,
    *,
    limit: int | None = None,
    artifact: str | None = None,
    target: str | None = None,
    colour: bool = False,
) -> str:
    """The report in one form, ending with a newline.

    limit, artifact, target: for Markdown (infra/report/markdown.py): the most characters, where
    the whole report is, what the hidden marker names. colour: for text on a terminal.
    The other forms are always whole.
    """
    if form == "text":
        from infra.report import text

        return text.render(report, colour)
    if form == "markdown":
        from infra.report import markdown

        return markdown.render(report, limit, artifact, target)
    if form == "json":
        from infra.report import json_

        return json_.render(report)
    from infra.report import html

    return html.render(report)
