"""`rushes provider`: set, list and test the providers' API keys."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import provider_state_commands
from cli.base_urls import base_url_error
from cli.config_commands import CONFIG_FILE
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import FAILED, NO, CommandError
from cli.options import JsonOption
from cli.output import print_json, print_result, print_table, warn
from cli.provider_check import check_key
from cli.provider_generation import cheapest, generate_once
from cli.provider_secrets import SHORT_KEY, KeyStore, validate_key
from cli.publication import Publisher
from cli.target import Target
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.quota import in_dollars

STDIN = "-"

app = typer.Typer(
    help="Providers: their API keys, their state, and pauses for maintenance.",
    no_args_is_help=True,
)
app.command("status")(provider_state_commands.show_status)
app.command("pause")(provider_state_commands.pause)
app.command("resume")(provider_state_commands.resume)


@app.command("set-key")
@with_deployment
def set_key(
    name: Annotated[str, typer.Argument(help="The provider, as in rushes.toml.")],
    source: Annotated[
        str | None, typer.Argument(metavar="[-]", help="- reads the key from standard input.")
    ] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    key_file: Annotated[Path | None, typer.Option(help="A file with the key.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="URL in place of the configuration's; empty removes it.")
    ] = None,
    without_key: Annotated[
        bool, typer.Option("--without-key", help="Set the base URL only.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Store a provider's API key, which is in force within a minute.

    Without - and --key-file it asks for the key and does not show it.
    """
    target = deployment.target()
    catalog = _catalog(target)
    _validate_name(name, catalog)
    _validate_base_url(base_url, target)
    key, entry = None, _entry(name, catalog)
    if without_key:
        if base_url is None or source or key_file:
            raise CommandError("--without-key requires --base-url, and no key")
    else:
        key = _read_key(name, source, key_file)
        validate_key(name, entry, key)
        if len(key) < SHORT_KEY:
            warn(f"the key has less than {SHORT_KEY} characters and is not redacted in logs")
    store = KeyStore(target.client("secretsmanager"), target.secrets)
    own_url = entry.base_url if entry else None
    leaves_sandbox = base_url is None and bool(own_url) and _is_sandbox(target, store, name)
    target.record("provider.set_key", f"provider:{name}", key=key is not None, base_url=base_url)
    is_new = store.set_key(name, key, "" if leaves_sandbox else base_url)
    if json:
        print_json({"provider": name, "secret": f"{target.secrets}/{name}", "is_new": is_new})
    else:
        stored = "created" if is_new else "changed"
        typer.echo(f"{stored} the secret {target.secrets}/{name}; in force within a minute")
        if leaves_sandbox:
            typer.echo(f"calls go to {own_url}, no longer to the sandbox")


@app.command("list")
@with_deployment
def list_providers(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the providers of the configuration in force, and whether they have a secret."""
    target = deployment.target()
    catalog = _catalog(target)
    store = KeyStore(target.client("secretsmanager"), target.secrets)
    rows = [_row(catalog, store, name) for name in sorted(catalog.providers)]
    if json:
        print_json(rows)
        return
    columns = ("provider", "vendor", "protocol", "models", "secret", "base URL")
    print_table(
        columns,
        (
            (
                row["name"],
                row["vendor"],
                row["protocol"],
                str(row["models"]),
                _secret_state(row),
                row["base_url"] or "",
            )
            for row in rows
        ),
    )


@app.command("test")
@with_deployment
def check_provider(
    name: Annotated[str, typer.Argument(help="The provider, as in rushes.toml.")],
    deployment: DeploymentOptions = NO_OPTIONS,
    generate: Annotated[
        bool,
        typer.Option("--generate", help="Make one result with the cheapest model: it is billed."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the billed call.")] = False,
    json: JsonOption = False,
) -> None:
    """Ask a provider whether it accepts the stored key, by a request that bills nothing.

    The exit code is 0 if it accepts it, 1 if it rejects it, 2 if that is unclear. --generate prints
    the price and asks; its exit code is 1 if there is no result. A paused provider can be tested.
    """
    target = deployment.target()
    catalog = _catalog(target)
    if name not in catalog.providers:
        known = ", ".join(sorted(catalog.providers))
        raise CommandError(f"provider {name!r} is not in the configuration in force ({known})")
    if generate:
        _generate(target, catalog, name, yes=yes, json=json)
        return
    result = check_key(target, catalog, name)
    if json:
        print_json({"provider": name, "key": result.status, "reason": result.reason})
    else:
        typer.echo(f"{name}: key {result.status} ({result.reason})")
    if result.status != "accepted":
        raise typer.Exit(NO if result.status == "rejected" else FAILED)


def _generate(target: Target, catalog: Catalog, name: str, *, yes: bool, json: bool) -> None:
    choice = cheapest(catalog, name)
    price = "at an unknown price" if choice.price is None else f"for {in_dollars(choice.price)}"
    if not yes:
        typer.confirm(f"make one result of {choice.model.name} {price}?", abort=True, err=True)
    target.record("provider.test", f"provider:{name}", model=choice.model.name)
    error = generate_once(target, catalog, choice, lambda text: typer.echo(text, err=True))
    value = {"provider": name, "model": choice.model.name, "price": choice.price, "error": error}
    outcome = f"failed: {error}" if error else "made a result"
    print_result(value, f"{choice.model.name} {outcome}, {price}", json=json)
    if error:
        raise typer.Exit(NO)


def _read_key(name: str, source: str | None, key_file: Path | None) -> str:
    if source not in (None, STDIN):
        raise CommandError(
            "a key is not taken as an argument, because shells record their commands: use - for"
            " standard input, --key-file, or the prompt"
        )
    if source and key_file:
        raise CommandError("give either - or --key-file")
    if key_file:
        try:
            return key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{key_file} cannot be read: {type(error).__name__}") from None
    if source == STDIN:
        try:
            return sys.stdin.read().strip()
        except UnicodeDecodeError:
            raise CommandError("standard input is not UTF-8 text") from None
    if not is_terminal():
        raise CommandError("no terminal to ask for the key: use - or --key-file")
    return str(typer.prompt(f"API key of {name}{_key_hint(name)}", hide_input=True)).strip()


def is_terminal() -> bool:
    return sys.stdin.isatty()


def _entry(name: str, catalog: Catalog) -> ProviderEntry | None:
    """Return the provider of the configuration in force, or else that of its vendor."""
    if entry := catalog.providers.get(name):
        return entry
    return read_vendor(name).vendor.provider() if name in vendor_names() else None


def _is_sandbox(target: Target, store: KeyStore, name: str) -> bool:
    """Whether a local stack sends the provider's calls to its sandbox."""
    stored = store.get_base_url(name)
    return bool(target.sandbox_url and stored and stored.startswith(f"{target.sandbox_url}/"))


def _key_hint(name: str) -> str:
    key = read_vendor(name).vendor.key if name in vendor_names() else ""
    return f" ({key})" if key else ""


def _validate_name(name: str, catalog: Catalog) -> None:
    """Refuse a name that no configuration has: a typo would create a secret without a use."""
    known = {*catalog.providers, *vendor_names(), *_providers_of_file(CONFIG_FILE)}
    if name not in known:
        raise CommandError(
            f"unknown provider {name!r}: it must be in the configuration in force, in"
            f" {CONFIG_FILE}, or a vendor ({', '.join(sorted(known))})"
        )


def _validate_base_url(url: str | None, target: Target) -> None:
    error = base_url_error(url, allows_http=target.is_local) if url else None
    if error:
        raise CommandError(f"--base-url: {error}")


def _providers_of_file(file: Path) -> set[str]:
    try:
        providers: Any = tomllib.loads(file.read_text("utf-8")).get("providers")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return set()
    return set(providers) if isinstance(providers, dict) else set()


def _row(catalog: Catalog, store: KeyStore, name: str) -> dict[str, Any]:
    entry = catalog.providers[name]
    changed_at = store.changed_at(name)
    return {
        "name": name,
        "vendor": entry.vendor,
        "protocol": entry.protocol,
        "models": sum(model.provider == name for model in catalog.models),
        "base_url": store.get_base_url(name) or entry.base_url,
        "credential": entry.credential,
        "secret_changed_at": changed_at.isoformat(timespec="seconds") if changed_at else None,
    }


def _secret_state(row: dict[str, Any]) -> str:
    if row["secret_changed_at"]:
        return f"set {row['secret_changed_at']}"
    return "not needed" if row["credential"] == "aws_role" else "none"


def _catalog(target: Target) -> Catalog:
    return Publisher(target.store, "").current().catalog
