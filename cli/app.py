"""The command `rushes`."""

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import budget_commands, config_commands, job_commands, provider_commands
from cli.doctor_commands import doctor
from cli.errors import FAILED, NO, CommandError
from cli.publication import PublicationConflict
from rushes.errors import CorruptConfig, RushesError

app = typer.Typer(
    name="rushes",
    help="Configuration, providers and health of a Rushes deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(budget_commands.app, name="budget")
app.add_typer(config_commands.app, name="config")
app.add_typer(job_commands.app, name="jobs")
app.add_typer(provider_commands.app, name="provider")
app.command()(doctor)


def main() -> None:
    """Run the command; the exit codes are those of `cli.errors`."""
    try:
        app(prog_name="rushes")
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except (PublicationConflict, CorruptConfig) as error:
        _fail(str(error), NO)
    except (RushesError, BotoCoreError, ClientError) as error:
        _fail(str(error), FAILED)


def _fail(message: str, exit_code: int) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(exit_code)
