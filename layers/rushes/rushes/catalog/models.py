"""Model catalog: upstream model, price, typical duration and limits by model name.

Reads, validates and searches `catalog.toml`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import GenerationRequest, Role

CATALOG_FILE = Path(__file__).with_name("catalog.toml")

Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")]

NEUTRAL_OPTIONS = ("seed", "negative_prompt", "generate_audio")
"""Optional fields that `GenerationRequest` has; other options are the provider's own."""

Modality = Literal["video", "image", "audio", "transcription"]

Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
"""In US dollars."""
Duration = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
"""In seconds."""
MICRO_DOLLAR = Decimal("0.000001")


class ModelEntry(BaseModel):
    """A model. The first of `seconds` and of `sizes` is the default of a request without them.

    A model without `seconds`, or without `sizes`, does not accept that field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/\S+$")]
    upstream_model: str = ""
    modality: Modality = "video"
    seconds: tuple[Annotated[int, Field(ge=1, le=3600)], ...] = ()
    sizes: tuple[Size, ...] = ()
    options: tuple[str, ...] = ()
    inputs: tuple[Role, ...] = ()
    """Roles of files that the model accepts."""
    needs: tuple[Role, ...] = ()
    """Roles of files that the model requires."""
    needs_prompt: bool = True
    prompt_characters: Annotated[int, Field(ge=1, le=32_000)] = 32_000
    price_per_second: Price = 0.0
    price_per_job: Price = 0.0
    price_source: str = ""
    typical_seconds: Duration = 60
    deadline_seconds: Duration = 3600
    queue_seconds: Duration | None = None
    """Maximum queueing time at the provider before the job fails over to the next model."""

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]

    @property
    def model_at_provider(self) -> str:
        return self.upstream_model or self.name.partition("/")[2]

    @property
    def capabilities(self) -> frozenset[str]:
        """Fields with a choice, file roles and neutral options, by their names in a request."""
        choices = {"seconds": self.seconds, "size": self.sizes}
        chosen = {name for name, choice in choices.items() if len(choice) > 1}
        return frozenset({*chosen, *self.inputs, *set(NEUTRAL_OPTIONS).intersection(self.options)})

    def price(self, seconds: int | None) -> float:
        """Return the US dollars for a job of that length, or of the default; rounded up.

        Rounding down would make a very cheap job free to a budget.
        """
        length = seconds or next(iter(self.seconds), 0)
        dollars = Decimal(str(self.price_per_job)) + Decimal(str(self.price_per_second)) * length
        return float(dollars.quantize(MICRO_DOLLAR, ROUND_UP))

    def accepts(self, request: GenerationRequest) -> bool:
        """Whether the model accepts the fields of the request; input files are not checked."""
        try:
            self.validate_and_fill(request)
        except InvalidRequest:
            return False
        return True

    @model_validator(mode="after")
    def _validate_price(self) -> Self:
        if self.price_per_second and not self.seconds:
            raise ValueError("price_per_second requires seconds; use price_per_job")
        return self

    def validate_and_fill(self, request: GenerationRequest) -> GenerationRequest:
        """Return the request with defaults for absent fields.

        Raises
        ------
        InvalidRequest
            If the model does not accept a field or its value; `param` names the field.
        """
        request = request.model_copy(update={"size": self._full_size(request.size)})
        self._validate_prompt(request.prompt)
        self._validate_choice("seconds", request.seconds, sorted(self.seconds))
        self._validate_choice("size", request.size, self.sizes)
        for option in _options(request):
            if option not in self.options:
                raise self._not_accepted(option[:80], option[:80])
        return request.model_copy(
            update={
                "seconds": request.seconds or next(iter(self.seconds), None),
                "size": request.size or next(iter(self.sizes), None),
            }
        )

    def validate_inputs(self, given: Mapping[Role, str]) -> None:
        """Refuse files that the model does not accept, and requests without a required file.

        `given` maps the role of each file to the request field that contained it.
        """
        for role, field in given.items():
            if role not in self.inputs:
                raise self._not_accepted(role.value, field)
        for role in self.needs:
            if role not in given:
                raise InvalidRequest(f"{self.name} requires {role.value}", param=role.value)

    def _not_accepted(self, name: str, param: str) -> InvalidRequest:
        return InvalidRequest(f"{self.name} does not accept {name}", param=param)

    def _full_size(self, size: str | None) -> str | None:
        """Return the first size with the height of a size without a width."""
        if size is None or not size.startswith("x"):
            return size
        return next((full for full in self.sizes if full.endswith(size)), size)

    def _validate_prompt(self, prompt: str) -> None:
        if self.needs_prompt and not prompt.strip():
            raise InvalidRequest("prompt must not be empty", param="prompt")
        if len(prompt) > self.prompt_characters:
            limit = f"at most {self.prompt_characters} characters"
            raise InvalidRequest(f"prompt must have {limit} (got {len(prompt)})", param="prompt")

    def _validate_choice(
        self, field: str, value: str | int | None, allowed: Sequence[str | int]
    ) -> None:
        if value is not None and not allowed:
            raise self._not_accepted(field, field)
        if value is not None and value not in allowed:
            choices = ", ".join(map(str, allowed))
            message = f"{field} must be one of {choices} (got {str(value)[:40]})"
            raise InvalidRequest(message, param=field)


class Catalog(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: dict[str, ProviderEntry]
    aliases: dict[str, str | tuple[str, ...]] = {}
    """Alias to a model, or to several that are tried in order."""
    models: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _validate_references(self) -> Self:
        """Check that each referenced name exists.

        `scripts/check_catalog.py` checks protocols, as the api function must not load adapters.
        """
        names = [model.name for model in self.models]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"model {min(repeated)!r} is defined twice")
        for model in self.models:
            if model.provider not in self.providers:
                raise ValueError(f"model {model.name!r} has an undefined provider")
            entry = self.providers[model.provider]
            if unsupported := entry.unsupported_fields(model.capabilities):
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

    def resolve(self, *names: str) -> tuple[ModelEntry, ...]:
        """Return the models of names and aliases, each once, in the order of failover.

        Raises
        ------
        UnknownModel
        """
        entries = {model.name: model for model in self.models}
        resolved: dict[str, ModelEntry] = {}
        for name in names:
            known = [model for model in self._resolve_alias(name) if model in entries]
            if not known:
                shown = re.sub(r"\s+", " ", name)[:80]
                raise UnknownModel(f"unknown model: {shown!r}", param="model")
            resolved |= {model: entries[model] for model in known}
        return tuple(resolved.values())

    def find(self, name: str) -> ModelEntry:
        """Return the first model of a name or alias."""
        return self.resolve(name)[0]

    def _resolve_alias(self, name: str) -> tuple[str, ...]:
        target = self.aliases.get(name, name)
        return (target,) if isinstance(target, str) else target


def _options(request: GenerationRequest) -> list[str]:
    """Return the names of the options that a request has."""
    neutral = [name for name in NEUTRAL_OPTIONS if getattr(request, name) is not None]
    return neutral + list(request.provider_options)


def read_catalog(text: str) -> Catalog:
    return Catalog.model_validate(tomllib.loads(text))


@cache
def catalog() -> Catalog:
    return read_catalog(CATALOG_FILE.read_text())
