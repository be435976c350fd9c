"""The catalog: model name → provider, upstream model, price, typical duration, limits.

Data in `catalog.toml`; here it is read, checked and looked up.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.errors import InvalidRequest, UnknownModel
from rushes.request import GenerationRequest

CATALOG_FILE = Path(__file__).with_name("catalog.toml")

Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")]


class ProviderEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    base_url: str | None = None


class ModelEntry(BaseModel):
    """One model on offer. The first of `seconds` and of `sizes` is what a silent request gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/\S+$")]
    upstream_model: str = ""
    seconds: Annotated[tuple[int, ...], Field(min_length=1)]
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)]
    options: tuple[str, ...] = ()
    image: bool = False
    remix: bool = False
    prompt_characters: int = 32_000
    price_per_second: Annotated[float, Field(ge=0)] = 0.0
    price_source: str = ""
    typical_seconds: Annotated[float, Field(gt=0)] = 60
    deadline_seconds: Annotated[float, Field(gt=0)] = 3600

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]

    @property
    def model_at_provider(self) -> str:
        return self.upstream_model or self.name.partition("/")[2]

    def price(self, seconds: int) -> float:
        """US dollars for a film of that length."""
        return round(self.price_per_second * seconds, 6)

    def fit(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its gaps filled.

        Raises
        ------
        InvalidRequest
            If it asks for what the model does not have, naming the field.
        """
        self._check_prompt(request.prompt)
        self._check_choice("seconds", request.seconds, self.seconds)
        self._check_choice("size", request.size, self.sizes)
        for option in _options(request):
            if option not in self.options:
                raise InvalidRequest(f"{self.name} does not take {option[:80]}", param=option[:80])
        return request.model_copy(
            update={
                "seconds": request.seconds or self.seconds[0],
                "size": request.size or self.sizes[0],
            }
        )

    def check_files(self, *, image: bool, source: bool) -> None:
        if image and not self.image:
            raise InvalidRequest(
                f"{self.name} does not take a reference picture", param="input_reference"
            )
        if source and not self.remix:
            raise InvalidRequest(f"{self.name} cannot rework a film", param="model")

    def _check_prompt(self, prompt: str) -> None:
        if not prompt.strip():
            raise InvalidRequest("prompt must not be empty", param="prompt")
        if len(prompt) > self.prompt_characters:
            raise InvalidRequest(
                f"prompt has {len(prompt)} characters, {self.name} takes at most"
                f" {self.prompt_characters}",
                param="prompt",
            )

    def _check_choice(
        self, field: str, asked: str | int | None, on_offer: tuple[str | int, ...]
    ) -> None:
        if asked is not None and asked not in on_offer:
            choices = ", ".join(str(choice) for choice in on_offer)
            raise InvalidRequest(
                f"{self.name} has no {field} {str(asked)[:40]}; it has {choices}", param=field
            )


class Catalog(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: dict[str, ProviderEntry]
    aliases: dict[str, str] = {}
    models: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        """Every name that is used is there.

        Kinds of providers are checked by a test: the one function that clients wait for reads the
        catalog and must not load the adapters.
        """
        names = [model.name for model in self.models]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"model {name!r} is there twice")
        for model in self.models:
            if model.provider not in self.providers:
                raise ValueError(f"model {model.name!r} names no provider of this catalog")
        for alias, name in self.aliases.items():
            if name not in names:
                raise ValueError(f"alias {alias!r} stands for {name!r}, which is not there")
        if self.default_model not in names and self.default_model not in self.aliases:
            raise ValueError(f"default_model {self.default_model!r} is not there")
        return self

    def find(self, name: str) -> ModelEntry:
        """The model by its name or alias.

        Raises
        ------
        UnknownModel
        """
        wanted = self.aliases.get(name, name)
        for model in self.models:
            if model.name == wanted:
                return model
        raise UnknownModel(f"the model {_shown(name)!r} is not in the catalog", param="model")


def _options(request: GenerationRequest) -> list[str]:
    """The optional fields that a request has, named as in the catalog."""
    known = ("seed", "negative_prompt", "generate_audio")
    asked = [name for name in known if getattr(request, name) is not None]
    return asked + list(request.provider_options)


def _shown(name: str) -> str:
    return re.sub(r"\s+", " ", name)[:80]


def read_catalog(text: str) -> Catalog:
    return Catalog.model_validate(tomllib.loads(text))


@cache
def catalog() -> Catalog:
    return read_catalog(CATALOG_FILE.read_text())
