"""`rushes key`: create, list, change, rotate and revoke API keys."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cli.account_names import account_names, check_account
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.limit_tables import print_limits
from cli.operator_services import key_service, limits_in_use, refusals
from cli.options import AccountOption, JsonOption
from cli.output import print_fields, print_json, print_table
from cli.target import Target
from cli.times import utc_time
from rushes.api.keys.schemas import (
    DEFAULT_OVERLAP_HOURS,
    NEVER,
    KeyChanges,
    NewKey,
    Rotation,
)
from rushes.api.keys.views import KeyView, OperatorKeyView, limit_views, operator_key_view
from rushes.dialects.validation import validate
from rushes.ports.api_keys import ApiKey

COLUMNS = ("id", "account", "name", "status", "scopes", "models", "expires", "last use")
DAYS = re.compile(r"([0-9]{1,4})d")

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="The key's id: the part between rk_ and the next _.")
]
ScopesOption = Annotated[
    str | None, typer.Option("--scopes", help="submit, read, webhooks and admin, by commas.")
]
ModelsOption = Annotated[
    str | None,
    typer.Option("--models", help="Models and aliases it may use, by commas; * matches any text."),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(
        "--expires", help="A UTC day, a time with a time zone, days such as 90d, or never."
    ),
]

app = typer.Typer(help="API keys of clients and operators.", no_args_is_help=True)


@app.command()
@with_deployment
def create(
    account: Annotated[str, typer.Option("--account", help="The account that owns its jobs.")],
    name: Annotated[str, typer.Option("--name", help="A name for people.")] = "",
    scopes: ScopesOption = None,
    models: ModelsOption = None,
    expires: ExpiresOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Create a key and print it. It is not stored and cannot be read again."""
    target = deployment.target()
    fields = {"account": account, "name": name, **_fields(scopes, models, expires)}
    with refusals():
        created = key_service(target).create(validate(NewKey, fields), target.caller())
    _print_created(created.secret, _view(created.key), json=json)


@app.command("list")
@with_deployment
def list_keys(
    account: AccountOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the keys of an account, or of all accounts."""
    target = deployment.target()
    names = [account] if account else account_names(target)
    views = [_view(key) for name in names for key in _keys(target, name)]
    if account and not views:
        check_account(target, account)
    if json:
        print_json([view.model_dump() for view in views])
    elif views:
        print_table(COLUMNS, map(_row, views))
    else:
        typer.echo("no keys; `rushes account adopt` adds those of older releases")


@app.command()
@with_deployment
def show(
    key: KeyArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print a key, its own limits and what is used of them."""
    target = deployment.target()
    with refusals():
        found = key_service(target).get(_id(key))
    limits = limit_views(limits_in_use(target).of_key(found.account, found.limits_id))
    if json:
        print_json({**_view(found).model_dump(), "limits": [one.model_dump() for one in limits]})
        return
    _print_view(_view(found))
    print_limits(limits)


@app.command()
@with_deployment
def rename(
    key: KeyArgument,
    name: Annotated[str, typer.Argument(help="The new name.")],
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Change the name of a key."""
    target = deployment.target()
    _update(target, key, {"name": name}, json=json)


@app.command("scopes")
@with_deployment
def set_scopes(
    key: KeyArgument,
    scopes: Annotated[str, typer.Argument(help="submit, read, webhooks and admin, by commas.")],
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Change what a key may do."""
    target = deployment.target()
    _update(target, key, _fields(scopes, None, None), json=json)


@app.command("set")
@with_deployment
def set_fields(
    key: KeyArgument,
    scopes: ScopesOption = None,
    models: ModelsOption = None,
    expires: ExpiresOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Change the scopes, models or expiry of a key."""
    fields = _fields(scopes, models, expires)
    if not fields:
        raise CommandError("give at least one of --scopes, --models and --expires")
    _update(deployment.target(), key, fields, json=json)


@app.command()
@with_deployment
def rotate(
    key: KeyArgument,
    overlap: Annotated[
        float, typer.Option("--overlap", help="Hours for which the old key stays valid.")
    ] = DEFAULT_OVERLAP_HOURS,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Create a key in place of another one, with the same permissions and limits, and print it."""
    target = deployment.target()
    with refusals():
        request = validate(Rotation, {"overlap_hours": overlap})
        created = key_service(target).rotate(_id(key), request, target.caller())
    replaced = _view(created.replaced or created.key)
    _print_created(created.secret, _view(created.key), replaced, json=json)


@app.command()
@with_deployment
def revoke(
    key: KeyArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Revoke a key for good. The functions refuse it within 5 seconds."""
    target = deployment.target()
    with refusals():
        revoked = _view(key_service(target).revoke(_id(key), target.caller()))
    if json:
        print_json(revoked.model_dump())
    else:
        typer.echo(f"revoked {revoked.id} of {revoked.account}; it is refused within 5 seconds")


def _id(key: str) -> str:
    """Return the id of a key; a whole key is refused, as shells record their commands."""
    if key.startswith("rk_"):
        raise CommandError(
            "give the key's id, the 16 digits between rk_ and the next _: shells record commands,"
            " so that the key is no longer secret"
        )
    return key


def _fields(scopes: str | None, models: str | None, expires: str | None) -> dict[str, Any]:
    """Return the options that are given, as the fields of a request."""
    fields: dict[str, Any] = {}
    if scopes is not None:
        fields["scopes"] = _members(scopes)
    if models is not None:
        fields["models"] = _members(models)
    if expires is not None:
        fields["expires_at"] = _expiry(expires)
    return fields


def _members(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _expiry(text: str) -> str:
    if text == NEVER:
        return text
    if days := DAYS.fullmatch(text):
        return f"{datetime.now(UTC) + timedelta(days=int(days[1])):%Y-%m-%dT%H:%M:%SZ}"
    return utc_time(text, "--expires", "days such as 90d, or never").isoformat()


def _update(target: Target, key: str, fields: dict[str, Any], *, json: bool) -> None:
    with refusals():
        changes = validate(KeyChanges, fields)
        changed = _view(key_service(target).update(_id(key), changes, target.caller()))
    if json:
        print_json(changed.model_dump())
    else:
        _print_view(changed)


def _keys(target: Target, account: str) -> list[ApiKey]:
    with refusals():
        return list(key_service(target).all(account))


def _view(key: ApiKey) -> OperatorKeyView:
    return operator_key_view(key, datetime.now(UTC).timestamp())


def _print_created(
    secret: str, view: OperatorKeyView, replaced: KeyView | None = None, *, json: bool
) -> None:
    """Print the key alone to standard output, for `$(rushes key create ...)`."""
    if json:
        replaces = {"replaces": replaced.model_dump()} if replaced else {}
        print_json({**view.model_dump(), "key": secret, **replaces})
        return
    typer.echo(secret)
    text = f"key {view.id} of {view.account}; store it now, it cannot be read again"
    if replaced:
        text += f"\nkey {replaced.id} is valid until {replaced.expires_at}"
    typer.echo(text, err=True)


def _row(view: OperatorKeyView) -> tuple[str, ...]:
    return (
        view.id,
        view.account,
        view.name,
        view.status,
        " ".join(view.scopes),
        " ".join(view.models),
        view.expires_at or "never",
        view.last_used_at or "never",
    )


def _print_view(view: OperatorKeyView) -> None:
    fields = {**view.model_dump(), "scopes": " ".join(view.scopes), "models": " ".join(view.models)}
    print_fields(fields)
