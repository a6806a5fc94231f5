"""Where a report goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import click

from infra.errors import Exit, error
from infra.files import write_atomically


def write(text: str, target: Path | None) -> None:
    """Raises HanoiError HN-R012 when the file cannot be written."""
    text = text if text.endswith("\n") else f"{text}\n"
    if target is None:
        click.echo(text.encode(), nl=False)  # UTF-8 whatever the locale is
        return
    try:
        if target.exists() and not target.is_file():  # a pipe or terminal is not replaced
            target.write_text(text, "utf-8")
        else:
            write_atomically(target, text.encode(), 0o644)
    except OSError as failure:
        raise error(
            "HN-R012",
            str(target),
            f"the report cannot be written: {failure.strerror}",
            "name a file in a directory that exists and may be written to",
            Exit.ENVIRONMENT,
        ) from None
