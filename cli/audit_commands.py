"""`rushes audit`: the changes that operators made."""

import json as json_module
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.operator_services import refusals
from cli.options import JsonOption
from cli.output import print_json, print_table
from cli.target import Target
from cli.times import PAST, past_time
from rushes.api.audit_views import AuditEntryView, AuditQuery, entry_view, filter_of
from rushes.aws.dynamodb.audit import AuditTable
from rushes.dialects.validation import validate
from rushes.ports.audit import AuditFilter

COLUMNS = ("at", "actor", "action", "target", "detail")
PAGE = 100


@with_deployment
def audit(
    actor: Annotated[str | None, typer.Option(help="An ARN, or key: and the id of a key.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Such as key.create, or key. for all about keys.")
    ] = None,
    of: Annotated[
        str | None, typer.Option("--target", help="Such as key:0123456789abcdef, account:team.")
    ] = None,
    since: Annotated[str | None, typer.Option(help=f"Since then: {PAST}.")] = None,
    limit: Annotated[int, typer.Option(help="Number of entries.", min=1, max=10_000)] = 50,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the changes that operators made to the deployment, the newest first."""
    begin = None if since is None else past_time(since, "--since").isoformat()
    given = {"actor": actor, "action": action, "target": of, "since": begin}
    with refusals():
        query = validate(AuditQuery, {name: text for name, text in given.items() if text})
    target = deployment.target()
    views = list(islice(_entries(target, filter_of(query)), limit))
    if json:
        print_json([view.model_dump() for view in views])
    elif views:
        print_table(COLUMNS, map(_row, views))
    else:
        typer.echo("no entries")


def _entries(target: Target, filters: AuditFilter) -> Iterator[AuditEntryView]:
    table, cursor = AuditTable(target.client("dynamodb"), target.table), None
    while True:
        page = table.page(filters, PAGE, cursor)
        yield from map(entry_view, page.entries)
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(view: AuditEntryView) -> tuple[str, ...]:
    detail = " ".join(f"{name}={_text(value)}" for name, value in view.detail.items())
    return (view.at, view.actor, view.action, view.target, detail)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_module.dumps(value)
