"""Errors of a configuration, each with its line in `rushes.toml`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from typing_extensions import override

from cli.base_urls import base_url_error
from cli.toml_lines import KeyPath, line_of, line_of_name
from rushes.catalog.compile import Config, ConfigError, compile_tables
from rushes.catalog.models import Catalog
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.providers import PROVIDERS, adapter
from rushes.providers.base import SupportsLookup

MAX_SHOWN = 200
"""Characters of a name."""
PRICES = ("price_per_second", "price_per_job", "prices")
_QUOTED = re.compile(r"'([^']+)'")
_REPEATED = re.compile(r"Cannot (?:declare|overwrite)[^(]*\(([^)]*)\)")


@dataclass(frozen=True)
class Problem:
    line: int
    message: str

    @override
    def __str__(self) -> str:
        return f"{self.line}: {self.message}"


class InvalidConfig(ValueError):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} errors")
        self.problems = problems


def compile_checked(text: str) -> Catalog:
    """Return the catalog of a configuration.

    Raises
    ------
    InvalidConfig
        With all errors that can be found at once.
    """
    found = list(problems(text))
    if found:
        raise InvalidConfig(found)
    return compile_tables(tomllib.loads(text))


def problems(text: str) -> Iterator[Problem]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield _not_toml(text, str(error))
        return
    found = [*_structure(text, tables)]
    if not found:
        found = [*_parts(text, tables)] or [*_references(text, tables)]
    yield from found
    yield from _prices_without_source(text, tables)
    if not found:
        catalog = compile_tables(tables)
        yield from _protocols(text, catalog)
        yield from _base_urls(text, catalog)


def _not_toml(text: str, message: str) -> Problem:
    found = re.search(r"\(at line (\d+)", message)
    line = int(found[1]) if found else text.count("\n") or 1
    if repeated := _REPEATED.search(message):
        name = ".".join(re.findall(r"'([^']*)'", repeated[1]))
        return Problem(line, f"{name} is defined twice")
    return Problem(line, f"not TOML: {message}")


def _structure(text: str, tables: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        Config.model_validate(tables)
    except ValidationError as error:
        yield from _located(text, tables, error)


def _parts(text: str, tables: Mapping[str, Any]) -> Iterator[Problem]:
    """Compile each provider and each model alone, so that an error belongs to one of them."""
    invalid = set()
    for name, table in tables["providers"].items():
        only = {"providers": {name: {**table, "aliases": []}}}
        for found in _errors_of(text, tables, only, ("providers", name)):
            invalid.add(name)
            yield found
    for number, model in enumerate(tables.get("models", ())):
        if "name" not in model:
            yield _problem(text, tables, ("models", number, "name"), "Field required")
            continue
        if error := _name_error(model["name"], tables):
            yield Problem(line_of(text, ("models", number, "name")), error)
            continue
        name = model["name"].partition("/")[0]
        if name not in invalid:
            provider = {**tables["providers"][name], "aliases": [], "models": []}
            alone: dict[str, Any] = {"providers": {name: provider}, "models": [model]}
            yield from _errors_of(text, tables, alone, ("models", number))


def _name_error(name: object, tables: Mapping[str, Any]) -> str | None:
    if not isinstance(name, str) or "/" not in name:
        return f"model {str(name)[:MAX_SHOWN]!r}: name must be PROVIDER/ID"
    if name.partition("/")[0] not in tables["providers"]:
        return f"model {name[:MAX_SHOWN]!r} has an undefined provider"
    return None


def _errors_of(
    text: str, tables: Mapping[str, Any], alone: Mapping[str, Any], path: KeyPath
) -> Iterator[Problem]:
    models = alone.get("models", ())
    default = models[0].get("name") if models else ""
    try:
        compile_tables({"default_model": default, **alone})
    except ConfigError as error:
        yield _config_error(text, tables, error)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            steps, message = details["loc"], details["msg"].removeprefix("Value error, ")
            if message.startswith("default_model "):
                continue
            if error.title == "Catalog" and not steps:
                yield Problem(line_of(text, (*path, "name")), message)
            else:  # the catalog's own path repeats ours
                steps = steps[2:] if error.title == "Catalog" else steps
                yield _problem(text, tables, (*path, *steps), message)


def _references(text: str, tables: Mapping[str, Any]) -> Iterator[Problem]:
    """Compile the whole: names that refer to each other."""
    try:
        compile_tables(tables)
    except ConfigError as error:
        yield _config_error(text, tables, error)
    except ValidationError as error:
        yield from _located(text, tables, error)


def _located(text: str, tables: Mapping[str, Any], error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False, include_input=False):
        path, message = details["loc"], details["msg"].removeprefix("Value error, ")
        if path:
            yield _problem(text, tables, path, message)
        else:
            names, is_model = _QUOTED.findall(message), message.startswith("model ")
            line = line_of_name(text, names, is_model=is_model)
            yield Problem(line, message + _hint(message, tables))


def _hint(message: str, tables: Mapping[str, Any]) -> str:
    """Say how to enable the model that an alias refers to, if the vendor has it."""
    found = re.search(r"refers to the undefined model '([^/']+)/([^']+)'", message)
    table = tables["providers"].get(found[1]) if found else None
    if found is None or table is None:
        return ""
    vendor = table.get("vendor", found[1])
    if vendor not in vendor_names() or found[2] not in read_vendor(vendor).ids():
        return ""
    return f"; it is not enabled: add {found[2]!r} to `models` of [providers.{found[1]}]"


def _config_error(text: str, tables: Mapping[str, Any], error: ConfigError) -> Problem:
    path: KeyPath = error.path
    if path[:1] == ("models",) and len(path) > 1:
        names = [model.get("name") for model in tables.get("models", ())]
        numbers = [number for number, name in enumerate(names) if name == path[1]]
        path = ("models", numbers[-1], *path[2:]) if numbers else path
    return Problem(line_of(text, path), str(error))


def _problem(text: str, tables: Mapping[str, Any], path: KeyPath, message: str) -> Problem:
    return Problem(line_of(text, path), f"{_prefix(tables, path)}{message}")


def _prefix(tables: Mapping[str, Any], path: KeyPath) -> str:
    """Format a key path, with a model's name in place of its index."""
    steps = [str(step) for step in path]
    if path[:1] == ("models",) and len(path) > 1 and isinstance(path[1], int):
        model: Any = tables["models"][path[1]]
        if isinstance(model, dict) and "name" in model:
            steps[:2] = [f"model {model['name']!r}"]
    return f"{'.'.join(steps)}: "


def _prices_without_source(text: str, tables: Mapping[str, Any]) -> Iterator[Problem]:
    models = tables.get("models")
    for number, model in enumerate(models if isinstance(models, list) else ()):
        priced = [price for price in PRICES if isinstance(model, dict) and model.get(price)]
        if priced and not model.get("price_source"):
            line = line_of(text, ("models", number, priced[0]))
            name = model.get("name")
            yield Problem(line, f"model {name!r}: {priced[0]} without a price_source")


def _base_urls(text: str, catalog: Catalog) -> Iterator[Problem]:
    """Check the text of each URL; http is for local stacks only, and `push` knows the target."""
    for name, entry in catalog.providers.items():
        error = None if entry.base_url is None else base_url_error(entry.base_url, allows_http=True)
        if error:
            line = line_of(text, ("providers", name, "base_url"))
            yield Problem(line, f"providers.{name}.base_url: {error}")


def _protocols(text: str, catalog: Catalog) -> Iterator[Problem]:
    """Check protocols here: the catalog cannot, as its readers must not load the adapters."""
    known = ", ".join(sorted(PROVIDERS))
    for name, entry in catalog.providers.items():
        if entry.protocol not in PROVIDERS:
            line = line_of(text, ("providers", name, "protocol"))
            given = f"(got {entry.protocol[:40]!r})"
            yield Problem(line, f"providers.{name}.protocol: must be one of {known} {given}")
        elif entry.idempotency == "lookup" and not isinstance(adapter(entry), SupportsLookup):
            line = line_of(text, ("providers", name, "idempotency"))
            yield Problem(
                line, f"provider {name!r}: protocol {entry.protocol!r} does not support lookup"
            )
