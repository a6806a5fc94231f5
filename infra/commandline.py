"""What all commands of the command line share: errors as an operator sees them, common options."""

from __future__ import annotations

import functools
import json
import select
import sys
from collections.abc import Callable
from typing import Any

import click

from infra.errors import Exit, HanoiError


def friendly(command: Callable[..., Any]) -> Callable[..., Any]:
    """No traceback reaches an operator: problems are printed, the exit code says the rest."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            sys.exit(command(*args, **kwargs) or Exit.OK)
        except HanoiError as failure:
            if kwargs.get("as_json"):
                click.echo(
                    json.dumps(
                        {"problems": [p.as_dict() for p in failure.problems]},
                        indent=2,
                        ensure_ascii=False,
                    )
                )
            else:
                for problem in failure.problems:
                    click.echo(str(problem), err=True)
            sys.exit(failure.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted; run the same command again to continue", err=True)
            sys.exit(Exit.INTERRUPTED)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as failure:
            if isinstance(failure, BrokenPipeError) and _nobody_reads():
                raise  # click ends quietly, as `… | head` wants it
            from infra.crash import record

            click.echo(str(record(failure)), err=True)
            sys.exit(Exit.FAILED)

    return run


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")


def _nobody_reads() -> bool:
    """Whether who read the standard output is gone."""
    try:
        looked = select.poll()
        looked.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    return any(event & select.POLLERR for _, event in looked.poll(0))


def options(*given: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command, and its errors made friendly."""

    def apply(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(given):
            command = option(command)
        return friendly(command)

    return apply
