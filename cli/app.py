"""The command `rushes`."""

import sys

import httpx
import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import (
    account_commands,
    budget_commands,
    config_commands,
    job_commands,
    job_list_commands,
    job_view_commands,
    key_commands,
    local_commands,
    maintenance_commands,
    provider_commands,
    usage_commands,
    webhook_commands,
)
from cli.audit_commands import audit
from cli.doctor_commands import doctor
from cli.errors import FAILED, INTERRUPTED, NO, CommandError
from cli.generate_commands import generate
from cli.manual import Root
from cli.output import printable
from cli.publication import PublicationConflict
from cli.status_commands import status
from rushes import errors

app = typer.Typer(
    name="rushes",
    cls=Root,
    help="Generate media, and operate a Rushes deployment: jobs, keys, usage, providers, webhooks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
job_commands.app.command("list")(job_list_commands.list_jobs)
job_commands.app.command("show")(job_view_commands.show_job)
job_commands.app.command("watch")(job_view_commands.watch_job)
job_commands.app.command("cancel")(job_view_commands.cancel_job)
job_commands.app.command("retry")(job_view_commands.retry_job)
job_commands.app.command("stuck")(job_view_commands.list_stuck)
app.add_typer(account_commands.app, name="account")
app.add_typer(budget_commands.app, name="budget")
app.add_typer(config_commands.app, name="config")
app.add_typer(job_commands.app, name="job")
app.add_typer(job_commands.app, name="jobs", hidden=True)
app.add_typer(key_commands.app, name="key")
app.add_typer(provider_commands.app, name="provider")
app.add_typer(usage_commands.app, name="usage")
app.add_typer(webhook_commands.app, name="webhook")
app.command()(generate)
app.command()(status)
app.command()(audit)
app.command()(doctor)
app.command()(maintenance_commands.redrive)
app.command()(maintenance_commands.reencrypt)
app.command()(maintenance_commands.reindex)
app.command()(maintenance_commands.invoke)
app.command("stuck", hidden=True)(job_view_commands.list_stuck)
app.command()(local_commands.up)
app.command()(local_commands.demo)


def main() -> None:
    """Run the command; the exit codes are those of `cli.errors`."""
    try:
        app(prog_name="rushes")
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except (PublicationConflict, errors.CorruptConfig, errors.ClientError) as error:
        _fail(str(error), NO)
    except (errors.RushesError, BotoCoreError, ClientError, httpx.HTTPError) as error:
        _fail(str(error) or type(error).__name__, FAILED)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)


def _fail(message: str, exit_code: int) -> None:
    typer.echo(f"error: {printable(message)}", err=True)
    sys.exit(exit_code)
