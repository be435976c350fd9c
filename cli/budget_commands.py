"""`rushes budget`: show what accounts and API keys use of their limits."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cli.account_names import check_account
from cli.budgets import Budget, budgets, default_limits
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.options import JsonOption
from cli.output import print_json, print_table
from cli.publication import Publisher
from rushes.catalog.limits import ACCOUNT
from rushes.jobs.quota import in_dollars

COLUMNS = ("account", "key", "limit", "used", "settled", "reserved", "of", "resets")

app = typer.Typer(help="Limits of accounts and API keys.", no_args_is_help=True)


@app.command()
@with_deployment
def show(
    account: Annotated[
        str | None,
        typer.Option(help="By default all registered accounts."),
    ] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print the budgets of the present day and month, and the numbers of jobs."""
    if account is not None and not ACCOUNT.fullmatch(account):
        raise CommandError(f"account must match {ACCOUNT.pattern} (got {account[:80]!r})")
    target = deployment.target()
    limits = Publisher(target.store, "").current().catalog.limits
    found = list(budgets(target, limits, default_limits(target), account, time.time()))
    if account and not found:
        check_account(target, account)
    if json:
        print_json([{**asdict(budget), "reserved": budget.reserved} for budget in found])
    elif found:
        print_table(COLUMNS, [_row(budget) for budget in found])
    else:
        typer.echo("no limit is set or in use")


def _row(budget: Budget) -> Sequence[str]:
    is_budget = budget.period is not None
    amounts = (budget.used, budget.settled, budget.reserved)
    texts = map(in_dollars, amounts) if is_budget else (f"{budget.used:.0f}", "", "")
    maximum = "no limit" if budget.maximum is None else f"{budget.maximum:.0f}"
    if is_budget and budget.maximum is not None:
        maximum = f"{in_dollars(budget.maximum)} ({budget.used / budget.maximum:.0%})"
    return (
        budget.account,
        budget.key_id or "",
        budget.limit,
        *texts,
        maximum,
        budget.resets_at or "",
    )
