"""Options and arguments that several commands have."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CommandError

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FileArgument = Annotated[Path, typer.Argument(help="The configuration.", show_default=True)]
JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="The account's name.")]


def read_pairs(
    texts: Iterable[str] | None, option: str, *, needs_value: bool = False
) -> dict[str, str]:
    """Parse the values NAME=VALUE of an option; VALUE may be empty unless `needs_value`.

    Raises
    ------
    CommandError
    """
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and (value or not needs_value)):
            raise CommandError(f"{option} must be NAME=VALUE (got {text[:80]!r})")
        pairs[name] = value
    return pairs
