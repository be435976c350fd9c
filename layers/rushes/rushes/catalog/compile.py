"""Compile the deployment's configuration, `rushes.toml`, with the vendor data to a catalog."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rushes.catalog.event_options import EventOptions
from rushes.catalog.limits import Limits
from rushes.catalog.models import Alias, Catalog, expand_aliases
from rushes.catalog.provider_config import (
    HttpProviderSpec,
    ProviderEntry,
    VendorErrors,
    VideoServer,
)
from rushes.catalog.vendor_data import VendorFile, read_vendor, vendor_names

PROVIDER_NAME = re.compile(r"[a-z0-9_-]{1,64}")
MAX_NAME = 200
"""Characters of an alias or a model."""


class ConfigError(ValueError):
    """An error of the configuration. `path` is the key that it is about."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


class ProviderTable(BaseModel):
    """`[providers.NAME]`: an upstream, of a vendor or described by its protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: str | None = None
    """Defaults to the provider's name, if a vendor has it and no protocol is given."""
    models: tuple[str, ...] = ()
    """Enabled models of the vendor: ids, or patterns with `*`."""
    aliases: tuple[str, ...] = ()
    """Enabled aliases of the vendor, such as `sora-2`."""
    protocol: str | None = None
    credential: str | None = None
    base_url: str | None = None
    idempotency: str | None = None
    creates_per_minute: float | None = None
    errors: VendorErrors | None = None
    """Lists in place of those of the vendor data."""
    server: VideoServer | None = None
    request_id_header: str | None = None
    spec: HttpProviderSpec | None = None

    def overrides(self) -> dict[str, Any]:
        """Return the given fields of a provider entry."""
        return self.model_dump(
            exclude={"vendor", "models", "aliases"}, exclude_none=True, exclude_unset=True
        )


class Config(BaseModel):
    """Contents of `rushes.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: Annotated[dict[str, ProviderTable], Field(min_length=1)]
    aliases: dict[str, Alias] = {}
    models: tuple[dict[str, Any], ...] = ()
    """Own models, and changes to models of vendors: fields by `name`."""
    limits: Limits | None = None
    events: EventOptions | None = None

    @field_validator("aliases", mode="before")
    @classmethod
    def _expand_aliases(cls, value: object) -> object:
        return expand_aliases(value)


def compile_config(text: str) -> Catalog:
    """Return the catalog of a configuration.

    Raises
    ------
    tomllib.TOMLDecodeError
    pydantic.ValidationError
    ConfigError
    """
    return compile_tables(tomllib.loads(text))


def compile_tables(tables: Mapping[str, Any]) -> Catalog:
    config = Config.model_validate(tables)
    _validate_names(config)
    _validate_limits(config.limits or Limits())
    vendors = dict(_vendors(config))
    aliases = {**_vendor_aliases(config, vendors), **config.aliases}
    return Catalog.model_validate(
        {
            "default_model": config.default_model,
            "providers": {
                name: _provider(name, table, vendors.get(name))
                for name, table in config.providers.items()
            },
            "aliases": {name: _flattened(name, aliases) for name in aliases},
            "models": _models(config, vendors),
            **({"limits": config.limits} if config.limits else {}),
            **({"events": config.events} if config.events else {}),
        }
    )


def _validate_names(config: Config) -> None:
    """Refuse names that cannot be in the name of a secret, a request or a response header."""
    for name in config.providers:
        if not PROVIDER_NAME.fullmatch(name):
            raise ConfigError(
                f"provider {name[:MAX_NAME]!r}: a name is up to 64 lower-case letters, digits,"
                " hyphens and underscores",
                "providers",
                name,
            )
    names = [("aliases", name) for name in config.aliases]
    names += [("models", str(table.get("name"))) for table in config.models]
    for kind, name in names:
        if not name.isprintable() or " " in name or not 0 < len(name) <= MAX_NAME:
            raise ConfigError(
                f"{kind}: a name is up to {MAX_NAME} characters without spaces"
                f" (got {name[:MAX_NAME]!r})",
                kind,
                name,
            )


def _validate_limits(limits: Limits) -> None:
    for path, limit in limits.tables():
        if found := limit.contradiction():
            name, reason = found
            table = ("limits", *path)
            raise ConfigError(f"{'.'.join(table)}.{name}: {reason}", *table, name)


def _vendors(config: Config) -> Iterator[tuple[str, VendorFile]]:
    """Yield the vendor data of each provider that has a vendor."""
    known = vendor_names()
    for name, table in config.providers.items():
        vendor = table.vendor or (name if name in known and table.protocol is None else None)
        if vendor is None:
            if table.models or table.aliases:
                raise ConfigError(
                    f"provider {name!r} enables models but has no vendor", "providers", name
                )
            continue
        if vendor not in known:
            raise ConfigError(
                f"provider {name!r}: vendor must be one of {', '.join(known)} (got {vendor!r})",
                "providers",
                name,
                "vendor",
            )
        yield name, read_vendor(vendor)


def _provider(name: str, table: ProviderTable, data: VendorFile | None) -> ProviderEntry:
    if data:
        overrides = table.overrides()
        if table.errors:
            changes = {
                field: getattr(table.errors, field) for field in table.errors.model_fields_set
            }
            overrides["errors"] = data.vendor.errors.model_copy(update=changes)
        return data.vendor.provider(**overrides)
    if table.protocol is None:
        raise ConfigError(
            f"provider {name!r} requires a vendor ({', '.join(vendor_names())}) or a protocol",
            "providers",
            name,
        )
    return ProviderEntry.model_validate(table.overrides())


def _vendor_aliases(config: Config, vendors: Mapping[str, VendorFile]) -> dict[str, Alias]:
    found: dict[str, Alias] = {}
    for provider, table in config.providers.items():
        for name in table.aliases:
            offered = vendors[provider].aliases
            if name not in offered:
                raise ConfigError(
                    f"provider {provider!r}: aliases must be of {', '.join(offered) or 'none'}"
                    f" (got {name!r})",
                    "providers",
                    provider,
                    "aliases",
                )
            if name in found:
                raise ConfigError(
                    f"alias {name!r} is enabled by two providers", "providers", provider, "aliases"
                )
            if name in config.aliases:
                raise ConfigError(
                    f"alias {name!r} is enabled by provider {provider!r} and defined in [aliases]",
                    "aliases",
                    name,
                )
            targets = tuple(f"{provider}/{model}" for model in offered[name].models)
            found[name] = offered[name].model_copy(update={"models": targets})
    return found


def _flattened(name: str, aliases: Mapping[str, Alias], seen: tuple[str, ...] = ()) -> Alias:
    """Replace aliases within an alias by their models."""
    if name in seen:
        cycle = " -> ".join([*seen[seen.index(name) :], name])
        raise ConfigError(f"alias {name!r} refers to itself: {cycle}", "aliases", name)
    models: list[str] = []
    for target in aliases[name].models:
        if target in aliases:
            models += _flattened(target, aliases, (*seen, name)).models
        else:
            models.append(target)
    return aliases[name].model_copy(update={"models": tuple(dict.fromkeys(models))})


def _models(config: Config, vendors: Mapping[str, VendorFile]) -> list[Any]:
    """Return the enabled models of the vendors with the changes to them, and the own models."""
    changes: dict[str, dict[str, Any]] = {}
    for table in config.models:
        name = str(table.get("name"))
        if name in changes:
            raise ConfigError(f"model {name!r} is defined twice", "models", name)
        if "id" in table:
            raise ConfigError(f"model {name!r}: its name contains its id", "models", name, "id")
        changes[name] = {key: value for key, value in table.items() if key != "name"}
    enabled: list[Any] = []
    for provider, data in vendors.items():
        chosen = _enabled(provider, config.providers[provider], data)
        for fields in data.models:
            name = f"{provider}/{fields['id']}"
            if fields["id"] in chosen or name in changes:
                enabled.append(data.entry(provider, fields, changes.pop(name, None)))
    own = [{"name": name, **fields} for name, fields in changes.items()]
    return [*enabled, *own]


def _enabled(provider: str, table: ProviderTable, data: VendorFile) -> set[str]:
    """Return the ids that the patterns of a provider and its aliases enable."""
    ids = data.ids()
    chosen = {model for alias in table.aliases for model in data.aliases[alias].models}
    for pattern in table.models:
        matching = {model for model in ids if fnmatchcase(model, pattern)}
        if not matching:
            raise ConfigError(
                f"provider {provider!r}: vendor {data.vendor.name!r} has no model {pattern!r}",
                "providers",
                provider,
                "models",
            )
        chosen |= matching
    return chosen
