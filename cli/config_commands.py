"""`rushes config`: check, compare, publish and roll back the configuration."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli.base_urls import http_base_urls
from cli.config_diff import Difference, differences
from cli.config_errors import InvalidConfig, compile_checked
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import NO, CommandError
from cli.exceeded_budgets import ExceededBudget, exceeded_budgets
from cli.open_jobs import open_jobs_of_dropped_models
from cli.options import FileArgument, JsonOption
from cli.output import moment, print_json, print_table, warn
from cli.publication import Publisher
from cli.target import Target
from rushes.aws.dynamodb.audit import AuditTable
from rushes.catalog.limits import Limits
from rushes.catalog.models import Catalog
from rushes.catalog.source import BUILT_IN
from rushes.errors import CorruptConfig, RushesError
from rushes.ports.audit import AuditEntry

CONFIG_FILE = Path("rushes.toml")
TAKE_UP = "functions take it up within a minute"
SIGNS = {"added": "+", "removed": "-", "changed": "~"}

app = typer.Typer(help="Check, publish and roll back rushes.toml.", no_args_is_help=True)


@app.command()
def check(file: FileArgument = CONFIG_FILE, json: JsonOption = False) -> None:
    """Report the errors of a configuration, each with its line. Needs no deployment."""
    catalog = _compiled(file, _text(file), json=json)
    counts = {
        "providers": len(catalog.providers),
        "models": len(catalog.models),
        "aliases": len(catalog.aliases),
    }
    if json:
        print_json({"valid": True, **counts, "problems": []})
    else:
        described = ", ".join(f"{count} {name}" for name, count in counts.items())
        typer.echo(f"{file}: valid: {described}")


@app.command()
@with_deployment
def diff(
    file: FileArgument = CONFIG_FILE,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Compare a configuration with the one in force. The exit code is 1 if they differ."""
    new = _compiled(file, _text(file), json=json)
    current = _publisher(deployment.target()).current()
    found = list(differences(current.catalog, new))
    if json:
        print_json({"in_force": current.number, "differences": [asdict(each) for each in found]})
    else:
        _print_differences(found)
        typer.echo(f"{len(found)} differences to {_named(current.number)}")
    if found:
        raise typer.Exit(NO)


@app.command()
@with_deployment
def push(
    file: FileArgument = CONFIG_FILE,
    deployment: DeploymentOptions = NO_OPTIONS,
    note: Annotated[str, typer.Option(help="A line for the history.")] = "",
    json: JsonOption = False,
) -> None:
    """Publish a configuration as a new version, which is in force within a minute."""
    text = _text(file)
    new = _compiled(file, text, json=json)
    target = deployment.target()
    _validate_for(target, new)
    publisher = _publisher(target)
    found = _differences(publisher, new)
    dropped = _dropped(target, new)
    exceeded = _exceeded(target, _limits_in_force(publisher), new.limits)
    published = publisher.push(text, note)
    if json:
        print_json(
            {
                **asdict(published),
                "differences": None if found is None else [asdict(each) for each in found],
                "open_jobs_of_dropped_models": dropped,
                "exceeded_budgets": [asdict(budget) for budget in exceeded],
            }
        )
        return
    if not published.is_new:
        typer.echo(f"version {published.number} is this configuration: nothing to publish")
        return
    _print_differences(found or [])
    typer.echo(f"published version {published.number}; {TAKE_UP}")


@app.command()
@with_deployment
def rollback(
    number: Annotated[
        int | None, typer.Argument(help="A version; by default the one before.", min=1)
    ] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Publish an earlier version again, under a new number."""
    target = deployment.target()
    publisher = _publisher(target)
    limits = _limits_in_force(publisher)
    source, published = publisher.rollback(number)
    restored = publisher.current().catalog
    dropped = _dropped(target, restored)
    exceeded = _exceeded(target, limits, restored.limits)
    if json:
        print_json(
            {
                **asdict(published),
                "from": source,
                "open_jobs_of_dropped_models": dropped,
                "exceeded_budgets": [asdict(budget) for budget in exceeded],
            }
        )
    else:
        typer.echo(
            f"published version {published.number}, which is version {source} again; {TAKE_UP}"
        )


@app.command()
@with_deployment
def history(
    number: Annotated[
        int | None, typer.Argument(help="Print the text of this version.", min=1)
    ] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: JsonOption = False,
) -> None:
    """List the versions, the newest first, or print the text of one."""
    publisher = _publisher(deployment.target())
    if number is not None:
        source = publisher.source(number)
        if json:
            print_json({"number": number, "source": source})
        else:
            typer.echo(source, nl=not source.endswith("\n"))
        return
    entries = list(publisher.history(limit))
    if json:
        print_json([asdict(entry) for entry in entries])
        return
    if not entries:
        typer.echo("nothing has been published: the built-in catalog is in force")
        return
    print_table(
        ("", "version", "published", "by", "models", "note"),
        (
            (
                "*" if entry.in_force else "",
                str(entry.number),
                "" if entry.published_at is None else moment(entry.published_at),
                entry.published_by,
                "" if entry.models is None else str(entry.models),
                entry.error or entry.note,
            )
            for entry in entries
        ),
    )


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8 text", NO) from None


def _compiled(file: Path, text: str, *, json: bool) -> Catalog:
    try:
        return compile_checked(text)
    except InvalidConfig as error:
        _print_problems(file, error, json=json)
        raise typer.Exit(NO) from None


def _validate_for(target: Target, new: Catalog) -> None:
    if target.is_local:
        return
    for provider, url in http_base_urls(new).items():
        message = f"provider {provider}: base_url {url} must use https on AWS"
        raise CommandError(message, NO)


def _print_problems(file: Path, error: InvalidConfig, *, json: bool) -> None:
    if json:
        print_json({"valid": False, "problems": [asdict(each) for each in error.problems]})
    else:
        for problem in error.problems:
            typer.echo(f"{file}:{problem}")


def _publisher(target: Target) -> Publisher:
    try:
        caller = target.caller()
    except (BotoCoreError, ClientError):  # the history then has no name
        caller = ""

    def record(action: str, number: int) -> None:
        entry = AuditEntry(time.time(), caller or "unknown", action, f"config:{number}")
        AuditTable(target.client("dynamodb"), target.table).record(entry)

    return Publisher(target.store, caller, record=record)


def _limits_in_force(publisher: Publisher) -> Limits:
    try:
        return publisher.current().catalog.limits
    except CorruptConfig:  # each budget then counts as lowered
        return Limits()


def _exceeded(target: Target, current: Limits, new: Limits) -> list[ExceededBudget]:
    """Warn of budgets that the configuration lowers below what is used of them."""
    found = list(exceeded_budgets(target, current, new, time.time()))
    for budget in found:
        warn(budget.message)
    return found


def _differences(publisher: Publisher, new: Catalog) -> list[Difference] | None:
    try:
        return list(differences(publisher.current().catalog, new))
    except CorruptConfig as error:
        warn(f"{error.message}; this push replaces it")
        return None


def _dropped(target: Target, new: Catalog) -> dict[str, int]:
    """Warn about models with open jobs that the configuration does not have."""
    try:
        dropped = open_jobs_of_dropped_models(target.jobs, new)
    except RushesError as error:
        warn(f"open jobs were not counted: {error.message}")
        return {}
    for model, count in dropped.items():
        warn(
            f"model {model} is not in the configuration and has {count} open jobs; they finish"
            " under the version that accepted them"
        )
    return dropped


def _print_differences(found: list[Difference]) -> None:
    for each in found:
        name = each.name if each.kind == "default_model" else f"{each.kind} {each.name}"
        typer.echo(f"{SIGNS[each.change]} {name}")
        for field in each.fields:
            typer.echo(f"    {field}")


def _named(number: int) -> str:
    return "the built-in catalog" if number == BUILT_IN else f"version {number}"
