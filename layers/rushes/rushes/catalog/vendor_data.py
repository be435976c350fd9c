"""Shipped data of the vendors: `vendors/<vendor>.toml`, one file per vendor.

Only the compilation of a configuration reads it; no function does.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Alias
from rushes.catalog.provider_config import (
    Credential,
    FileLimits,
    HttpProviderSpec,
    Idempotency,
    ProviderEntry,
    VendorErrors,
    VideoServer,
)

VENDORS = Path(__file__).with_name("vendors")


class Vendor(BaseModel):
    """Properties of a vendor that all its models share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    title: str
    protocol: str
    credential: Credential = "bearer"
    base_url: str | None = None
    key: str = ""
    """The secret that an operator supplies, in one sentence."""
    key_variable: str = ""
    """Environment variable that the vendor's own client reads."""
    documentation: str = ""
    idempotency: Idempotency = "none"
    cancel: bool = False
    lookup: bool = False
    callbacks: bool = False
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    files: FileLimits | None = None
    errors: VendorErrors = VendorErrors()
    server: VideoServer | None = None
    request_id_header: str = ""
    spec: HttpProviderSpec | None = None

    def provider(self, **overrides: object) -> ProviderEntry:
        """Return the provider entry of a configuration that enables the vendor."""
        own = {
            "protocol": self.protocol,
            "credential": self.credential,
            "base_url": self.base_url,
            "idempotency": self.idempotency,
            "errors": self.errors,
            "server": self.server,
            "request_id_header": self.request_id_header,
            "spec": self.spec,
        }
        return ProviderEntry.model_validate({**own, **overrides, "vendor": self.name})


class VendorFile(BaseModel):
    """A file of vendor data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: Vendor
    aliases: dict[str, Alias] = {}
    """Aliases for the names of other vendors' models, with ids of this file."""
    models: tuple[dict[str, Any], ...]
    """Fields of `ModelEntry`, with the vendor's `id` in place of `name`."""

    @model_validator(mode="after")
    def _validate_models(self) -> Self:
        ids = self.ids()
        if repeated := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"model {min(repeated)!r} is defined twice")
        for name, alias in self.aliases.items():
            if unknown := set(alias.models) - set(ids):
                raise ValueError(f"alias {name!r} refers to the undefined model {min(unknown)!r}")
        for number, table in enumerate(self.models):
            if "id" not in table:
                raise ValueError(f"models.{number} has no id")
            self._validate_price(self.entry(self.vendor.name, table))
        return self

    def _validate_price(self, model: ModelEntry) -> None:
        priced = model.prices or model.price_per_second or model.price_per_job
        if not priced and not model.price_unknown:
            raise ValueError(f"model {model.name!r} has neither a price nor price_unknown")
        if priced and not (model.price_source and model.price_date):
            raise ValueError(f"model {model.name!r} has a price without price_source, price_date")

    def ids(self) -> list[str]:
        return [str(table.get("id")) for table in self.models]

    def entry(
        self, provider: str, table: Mapping[str, Any], overrides: Mapping[str, Any] | None = None
    ) -> ModelEntry:
        """Return a model under the name `<provider>/<id>`."""
        fields = {**table, **(overrides or {})}
        name = f"{provider}/{fields.pop('id')}"
        files = fields.get("files") or self.vendor.files
        return ModelEntry.model_validate({**fields, "name": name, "files": files})

    def entries(self, provider: str | None = None) -> Iterator[ModelEntry]:
        for table in self.models:
            yield self.entry(provider or self.vendor.name, table)


def vendor_names() -> list[str]:
    return sorted(file.stem for file in VENDORS.glob("*.toml"))


@cache
def read_vendor(name: str) -> VendorFile:
    text = (VENDORS / f"{name}.toml").read_text("utf-8")
    data = VendorFile.model_validate(tomllib.loads(text))
    if data.vendor.name != name:
        raise ValueError(f"vendors/{name}.toml describes the vendor {data.vendor.name!r}")
    return data
