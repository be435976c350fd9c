"""`rushes usage`: what the jobs of accounts cost, and monthly statements."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.account_names import account_names, check_account
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.operator_services import job_search, refusals, usage_service
from cli.options import AccountOption, JsonOption, read_pairs
from cli.output import print_json, print_table
from rushes.api.usage.dimensions import parse_dimensions
from rushes.api.usage.money import cents
from rushes.api.usage.period import month_of, period_between
from rushes.api.usage.query import UsageQuery, read_filters
from rushes.api.usage.service import Part
from rushes.api.usage.statement import make_statement, statement_csv, statement_text
from rushes.api.usage.totals import Totals
from rushes.api.usage.views import report_csv, report_view
from rushes.jobs.times import utc_time

AMOUNTS = ("jobs", "open", "completed", "failed", "cancelled", "estimated", "refunded", "settled")
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to a file in place of the terminal.")
]

app = typer.Typer(help="What jobs cost, by account, key, model, provider, tag, user or day.")


@app.callback(invoke_without_command=True)
@with_deployment
def report(
    context: typer.Context,
    account: AccountOption = None,
    group_by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Dimensions by commas: account, key, model, requested_model, provider, user,"
            " modality, status, day, month, tag:NAME.",
        ),
    ] = "account,model",
    month: Annotated[str | None, typer.Option(help="YYYY-MM, in place of --from and --to.")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="First UTC day; by default the month's first.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="UTC day that is excluded; by default now.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only jobs of this API key.")] = None,
    model: Annotated[str | None, typer.Option(help="Only jobs of this model.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only jobs of this provider.")] = None,
    user: Annotated[str | None, typer.Option(help="Only jobs of this end user.")] = None,
    modality: Annotated[str | None, typer.Option(help="Only jobs of this modality.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only jobs that are open, completed, failed or cancelled.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only jobs with this tag: NAME=VALUE.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with exact amounts.")] = False,
    output: OutputFile = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Add up what jobs cost. A job counts on the UTC day on which it was accepted.

    estimated: the price when the job was accepted. settled: what it cost. refunded: the rest.
    """
    if context.invoked_subcommand:
        return
    if csv and json:
        raise CommandError("give either --csv or --json")
    if month is not None and (begin or end):
        raise CommandError("give either --month or --from and --to")
    target = deployment.target()
    values = {
        "key": key,
        "model": model,
        "provider": provider,
        "user": user,
        "modality": modality,
        "status": status,
    }
    with refusals():
        period = month_of(month) if month else period_between(begin, end, time.time())
        filters = read_filters(values, read_pairs(tag, "--tag"))
        accounts = (account,) if account else tuple(account_names(target))
        query = UsageQuery(accounts, period, parse_dimensions(group_by, "--by"), filters)
        part = Part(usage_service(target).report(query), period)
    if account and not part.table.total().jobs:
        check_account(target, account)
    if csv:
        _write(report_csv(part), output)
    elif json:
        view = report_view(part, utc_time(period.since), utc_time(period.until))
        print_json(view.model_dump(mode="json"))
    else:
        _print(part)


@app.command()
@with_deployment
def statement(
    account: Annotated[str, typer.Option("--account", help="The account.")],
    month: Annotated[str, typer.Option("--month", help="UTC month, YYYY-MM.")],
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Lines by the values of this tag, too.")
    ] = None,
    form: Annotated[
        Literal["text", "csv"], typer.Option("--format", help="text, or csv with exact amounts.")
    ] = "text",
    output: OutputFile = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print an account's statement of a month: lines by model, API key and tags, and the total."""
    target = deployment.target()
    with refusals():
        made, tables = make_statement(
            job_search(target), account, month, tuple(tag or ()), datetime.now(UTC)
        )
    if not made.total.jobs:
        check_account(target, account)
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        _write(statement_csv(tables) if form == "csv" else f"{statement_text(made)}\n", output)


def _write(text: str, output: Path | None) -> None:
    """Write the text with its own line ends; spreadsheets read a file as UTF-8 with its mark."""
    if output is None:
        typer.echo(text.replace("\r\n", "\n"), nl=False)
        return
    try:
        output.write_text(text, "utf-8-sig" if output.suffix == ".csv" else "utf-8", newline="")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {output}")


def _print(part: Part) -> None:
    names, rows = part.table.dimensions, part.table.sorted_rows()
    if not rows:
        typer.echo("no jobs in this period")
        return
    lines = [(*(value or "(none)" for value in group), *_numbers(sums)) for group, sums in rows]
    total = (*("total" if not place else "" for place in range(len(names))),)
    if len(rows) > 1:
        lines.append((*total, *_numbers(part.table.total())))
    print_table((*names, *AMOUNTS), lines)


def _numbers(totals: Totals) -> tuple[str, ...]:
    statuses = (str(totals.statuses[name]) for name in AMOUNTS[1:5])
    amounts = (cents(getattr(totals, name)) for name in AMOUNTS[5:])
    return (str(totals.jobs), *statuses, *amounts)
