"""`rushes account`: create, list, change, disable and enable accounts."""

from typing import Annotated, Any

import typer

from cli.adopted_keys import adopt_keys
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.limit_tables import print_limits
from cli.operator_services import account_service, limits_in_use, refusals
from cli.options import JsonOption
from cli.output import print_fields, print_json, print_table
from cli.target import Target
from rushes.api.accounts.schemas import AccountChanges, NewAccount
from rushes.api.accounts.views import OperatorAccountView, operator_account_view
from rushes.api.keys.views import limit_views
from rushes.dialects.validation import validate

COLUMNS = ("account", "display name", "contact", "created", "state")

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's name.")]
DisplayNameOption = Annotated[str | None, typer.Option("--display-name", help="A name for people.")]
ContactOption = Annotated[str | None, typer.Option("--contact", help="An e-mail address.")]
NotesOption = Annotated[str | None, typer.Option("--notes", help="Seen by operators only.")]

app = typer.Typer(help="Accounts, which own jobs and keys.", no_args_is_help=True)


@app.command()
@with_deployment
def create(
    account: AccountArgument,
    display_name: DisplayNameOption = None,
    contact: ContactOption = None,
    notes: NotesOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Create an account. The first key of an account creates it, too."""
    target = deployment.target()
    fields = {"account": account, **_fields(display_name, contact, notes)}
    with refusals():
        created = account_service(target).create(validate(NewAccount, fields), target.caller())
    _print(operator_account_view(created), json=json)


@app.command("list")
@with_deployment
def list_accounts(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the accounts."""
    service = account_service(deployment.target())
    views = [operator_account_view(account) for account in service.all()]
    if json:
        print_json([view.model_dump() for view in views])
    elif views:
        print_table(COLUMNS, map(_row, views))
    else:
        typer.echo("no accounts; `rushes account adopt` adds those of older releases")


@app.command()
@with_deployment
def show(
    account: AccountArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print an account, its limits and what is used of them."""
    target = deployment.target()
    with refusals():
        view = operator_account_view(account_service(target).get(account))
    limits = limit_views(limits_in_use(target).of_account(account))
    if json:
        print_json({**view.model_dump(), "limits": [one.model_dump() for one in limits]})
        return
    _print(view, json=False)
    print_limits(limits)


@app.command("set")
@with_deployment
def set_fields(
    account: AccountArgument,
    display_name: DisplayNameOption = None,
    contact: ContactOption = None,
    notes: NotesOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Change the display name, contact or notes of an account."""
    fields = _fields(display_name, contact, notes)
    if not fields:
        raise CommandError("give at least one of --display-name, --contact and --notes")
    _update(deployment.target(), account, fields, json=json)


@app.command()
@with_deployment
def disable(
    account: AccountArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Refuse the create calls of an account within 5 seconds. Its jobs go on and can be read."""
    target = deployment.target()
    _update(target, account, {"disabled": True}, json=json)


@app.command()
@with_deployment
def enable(
    account: AccountArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Accept the create calls of an account again."""
    target = deployment.target()
    _update(target, account, {"disabled": False}, json=json)


@app.command()
@with_deployment
def adopt(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Add the keys of older releases, and their accounts, to the lists. Reads the whole table."""
    target = deployment.target()
    adopted = adopt_keys(target)
    if json:
        print_json([{"id": key.key_id, "account": key.account} for key in adopted])
    else:
        accounts = {key.account for key in adopted}
        typer.echo(f"added {len(adopted)} keys of {len(accounts)} accounts")


def _fields(display_name: str | None, contact: str | None, notes: str | None) -> dict[str, str]:
    given = {"display_name": display_name, "contact": contact, "notes": notes}
    return {name: text for name, text in given.items() if text is not None}


def _update(target: Target, account: str, fields: dict[str, Any], *, json: bool) -> None:
    with refusals():
        changes = validate(AccountChanges, fields)
        changed = account_service(target).update(account, changes, target.caller())
    _print(operator_account_view(changed), json=json)


def _print(view: OperatorAccountView, *, json: bool) -> None:
    fields = view.model_dump()
    if json:
        print_json(fields)
    else:
        print_fields(fields)


def _row(view: OperatorAccountView) -> tuple[str, ...]:
    state = f"disabled {view.disabled_at}" if view.disabled_at else "enabled"
    return (view.account, view.display_name, view.contact, view.created_at, state)
