"""Options and arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

StackOption = Annotated[
    str | None,
    typer.Option("--stack", help="Name of a stack on AWS; or the variable RUSHES_STACK."),
]
LocalOption = Annotated[bool, typer.Option("--local", help="The local stack (`rushes up`).")]
EnvFileOption = Annotated[
    Path | None,
    typer.Option("--env-file", help="A local stack by its stack.env, in place of --local."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FileArgument = Annotated[Path, typer.Argument(help="The configuration.", show_default=True)]
JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="The account's name.")]
