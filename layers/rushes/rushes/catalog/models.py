"""The catalog: providers, models and aliases, validated, and searched by name."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rushes.catalog.event_options import EventOptions
from rushes.catalog.limits import Limits
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.similar_names import similar_names
from rushes.errors import UnknownModel

BUILT_IN_FILE = Path(__file__).with_name("built_in.toml")
OnMismatch = Literal["refuse", "nearest"]
"""Policy for seconds or a size that no model of an alias accepts."""


class Alias(BaseModel):
    """Further name of a model, or of several: the first that can serve a request is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    on_mismatch: OnMismatch = "refuse"


class Catalog(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: dict[str, ProviderEntry]
    aliases: dict[str, Alias] = {}
    models: tuple[ModelEntry, ...]
    limits: Limits = Limits()
    events: EventOptions = EventOptions()

    @field_validator("aliases", mode="before")
    @classmethod
    def _expand_aliases(cls, value: object) -> object:
        return expand_aliases(value)

    @model_validator(mode="after")
    def _validate_references(self) -> Self:
        """Check that each referenced name exists.

        `cli.config_errors` checks protocols, as the api function must not load adapters.
        """
        names = [model.name for model in self.models]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"model {min(repeated)!r} is defined twice")
        for model in self.models:
            if model.provider not in self.providers:
                raise ValueError(f"model {model.name!r} has an undefined provider")
            entry = self.providers[model.provider]
            unsupported = entry.unsupported_fields(model.capabilities)
            if unsupported and not model.arguments:
                raise ValueError(
                    f"model {model.name!r} accepts {', '.join(unsupported)}, but the create.body of"
                    f" provider {model.provider!r} has no placeholder for it"
                )
        for alias in self.aliases:
            for name in set(self._resolve_alias(alias)) - set(names):
                raise ValueError(f"alias {alias!r} refers to the undefined model {name!r}")
        if self.default_model not in {*names, *self.aliases}:
            raise ValueError(f"default_model {self.default_model!r} is not defined")
        return self

    @model_validator(mode="after")
    def _validate_alias_names(self) -> Self:
        """Refuse ambiguous names: failover finds a job's next model by its name."""
        if shadowed := {model.name for model in self.models}.intersection(self.aliases):
            raise ValueError(f"alias {min(shadowed)!r} is the name of a model")
        return self

    @model_validator(mode="after")
    def _validate_alias_modalities(self) -> Self:
        for alias in self.aliases:
            modalities = sorted({model.modality for model in self.resolve(alias)})
            if len(modalities) > 1:
                raise ValueError(f"alias {alias!r} mixes {' and '.join(modalities)} models")
        return self

    def entries(self) -> Mapping[str, ModelEntry]:
        """Return the models by name."""
        return {model.name: model for model in self.models}

    def resolve(self, *names: str) -> tuple[ModelEntry, ...]:
        """Return the models of names and aliases, each once, in the order of failover.

        A name without a provider stands for the vendor's own id of a model.

        Raises
        ------
        UnknownModel
        """
        entries = self.entries()
        resolved: dict[str, ModelEntry] = {}
        for name in names:
            known = [model for model in self._resolve_alias(name) if model in entries]
            known = known or self._of_vendor_id(name)
            if not known:
                raise UnknownModel(self._unknown(name), param="model")
            resolved |= {model: entries[model] for model in known}
        return tuple(resolved.values())

    def on_mismatch(self, name: str) -> OnMismatch:
        """Return the policy of a name: that of an alias, `refuse` for a model."""
        alias = self.aliases.get(name)
        return alias.on_mismatch if alias else "refuse"

    def find(self, name: str) -> ModelEntry:
        """Return the first model of a name or alias."""
        return self.resolve(name)[0]

    def _unknown(self, name: str) -> str:
        shown = re.sub(r"\s+", " ", name)[:80]
        names = [*self.aliases, *self.entries()]
        similar = similar_names(name, names)
        listed = f"similar: {', '.join(similar)}" if similar else f"such as {', '.join(names[:5])}"
        return f"unknown model: {shown!r} ({listed}; GET /v1/models lists all)"

    def _of_vendor_id(self, name: str) -> list[str]:
        """Return the model with the vendor's own id, if one provider only has it."""
        found = [model.name for model in self.models if model.name.partition("/")[2] == name]
        return found if len(found) == 1 else []

    def _resolve_alias(self, name: str) -> tuple[str, ...]:
        alias = self.aliases.get(name)
        return alias.models if alias else (name,)


def expand_aliases(value: object) -> object:
    """Accept a name or a list of names in place of an alias table."""
    if not isinstance(value, Mapping):
        return value
    return {name: _alias_table(target) for name, target in value.items()}


def _alias_table(target: object) -> object:
    if isinstance(target, str):
        return {"models": (target,)}
    return {"models": target} if isinstance(target, list | tuple) else target


def read_catalog(text: str) -> Catalog:
    return Catalog.model_validate(tomllib.loads(text))


@cache
def built_in_catalog() -> Catalog:
    """Return the catalog that is in force until a configuration is published."""
    return read_catalog(BUILT_IN_FILE.read_text("utf-8"))
