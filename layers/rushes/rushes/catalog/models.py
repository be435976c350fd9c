"""The catalog: model name → provider, upstream model, price, typical duration, limits.

Data in `catalog.toml`; here it is read, checked and looked up.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import GenerationRequest, Role

CATALOG_FILE = Path(__file__).with_name("catalog.toml")

Size = Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")]


_ROLES = {
    Role.IMAGE: "a picture",
    Role.LAST_FRAME: "a last frame",
    Role.REFERENCE: "reference pictures",
    Role.SOURCE_VIDEO: "a film",
    Role.AUDIO: "sound",
}

KNOWN_OPTIONS = ("seed", "negative_prompt", "generate_audio")
"""The optional fields that the core itself has a name for."""

Modality = Literal["video", "image", "audio", "transcription"]


class ModelEntry(BaseModel):
    """One model on offer. The first of `seconds` and of `sizes` is what a silent request gets.

    A model without `seconds`, or without `sizes`, cannot be asked for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/\S+$")]
    upstream_model: str = ""
    modality: Modality = "video"
    seconds: tuple[int, ...] = ()
    sizes: tuple[Size, ...] = ()
    options: tuple[str, ...] = ()
    inputs: tuple[Role, ...] = ()
    """What files it can work from."""
    needs: tuple[Role, ...] = ()
    """What files it cannot work without."""
    needs_prompt: bool = True
    prompt_characters: int = 32_000
    price_per_second: Annotated[float, Field(ge=0)] = 0.0
    price_per_job: Annotated[float, Field(ge=0)] = 0.0
    price_source: str = ""
    typical_seconds: Annotated[float, Field(gt=0)] = 60
    deadline_seconds: Annotated[float, Field(gt=0)] = 3600
    queue_seconds: Annotated[float, Field(gt=0)] | None = None
    """How long a job may wait for this provider before the next candidate gets it."""

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]

    @property
    def model_at_provider(self) -> str:
        return self.upstream_model or self.name.partition("/")[2]

    @property
    def offers(self) -> frozenset[str]:
        """What requests may ask of it, in the names that the core has for it."""
        choices = {"seconds": self.seconds, "size": self.sizes}
        chosen = {name for name, choice in choices.items() if len(choice) > 1}
        return frozenset({*chosen, *self.inputs, *set(KNOWN_OPTIONS).intersection(self.options)})

    def price(self, seconds: int | None) -> float:
        """US dollars for a job of that length."""
        return round(self.price_per_job + self.price_per_second * (seconds or 0), 6)

    def fit(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its gaps filled.

        Raises
        ------
        InvalidRequest
            If it asks for what the model does not have, naming the field.
        """
        request = request.model_copy(update={"size": self._with_width(request.size)})
        self._check_prompt(request.prompt)
        self._check_choice("seconds", request.seconds, self.seconds)
        self._check_choice("size", request.size, self.sizes)
        for option in _options(request):
            if option not in self.options:
                raise InvalidRequest(f"{self.name} does not take {option[:80]}", param=option[:80])
        return request.model_copy(
            update={
                "seconds": request.seconds or next(iter(self.seconds), None),
                "size": request.size or next(iter(self.sizes), None),
            }
        )

    def check_files(self, given: Mapping[Role, str]) -> None:
        """Refuse files that it cannot work from, and their absence where it needs them.

        `given` has the roles of the files that came, and the fields that they came in.
        """
        for role, field in given.items():
            if role not in self.inputs:
                raise InvalidRequest(f"{self.name} does not work from {_ROLES[role]}", param=field)
        for role in self.needs:
            if role not in given:
                raise InvalidRequest(
                    f"{self.name} works from {_ROLES[role]} only", param=role.value
                )

    def _with_width(self, size: str | None) -> str | None:
        """For a height alone, the first size that has it."""
        if size is None or not size.startswith("x"):
            return size
        return next((found for found in self.sizes if found.endswith(size)), size)

    def _check_prompt(self, prompt: str) -> None:
        if self.needs_prompt and not prompt.strip():
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
        if asked is not None and not on_offer:
            raise InvalidRequest(f"{self.name} does not take {field}", param=field)
        if asked is not None and asked not in on_offer:
            choices = ", ".join(str(choice) for choice in on_offer)
            raise InvalidRequest(
                f"{self.name} has no {field} {str(asked)[:40]}; it has {choices}", param=field
            )


class Catalog(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: dict[str, ProviderEntry]
    aliases: dict[str, str | tuple[str, ...]] = {}
    """A name and the model it stands for, or several to be tried in order."""
    models: tuple[ModelEntry, ...]

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        """Every name that is used is there.

        Kinds of providers are checked by a test: the one function that clients wait for reads the
        catalog and must not load the adapters.
        """
        names = [model.name for model in self.models]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"model {min(twice)!r} is there twice")
        for model in self.models:
            if model.provider not in self.providers:
                raise ValueError(f"model {model.name!r} names no provider of this catalog")
            if lost := self.providers[model.provider].unsupported_fields(model.offers):
                raise ValueError(
                    f"model {model.name!r} offers {', '.join(lost)}, for which the create.body of"
                    f" provider {model.provider!r} has no placeholder"
                )
        for alias in self.aliases:
            for name in set(self._stands_for(alias)) - set(names):
                raise ValueError(f"alias {alias!r} stands for {name!r}, which is not there")
        if self.default_model not in {*names, *self.aliases}:
            raise ValueError(f"default_model {self.default_model!r} is not there")
        return self

    def candidates(self, *names: str) -> tuple[ModelEntry, ...]:
        """The models that names stand for, each once, in the order in which they are tried.

        Raises
        ------
        UnknownModel
        """
        entries = {model.name: model for model in self.models}
        found: dict[str, ModelEntry] = {}
        for name in names:
            meant = [it for it in self._stands_for(name) if it in entries]
            if not meant:
                raise UnknownModel(
                    f"the model {_shown(name)!r} is not in the catalog", param="model"
                )
            found |= {it: entries[it] for it in meant}
        return tuple(found.values())

    def find(self, name: str) -> ModelEntry:
        """The first of them."""
        return self.candidates(name)[0]

    def _stands_for(self, name: str) -> tuple[str, ...]:
        meant = self.aliases.get(name, name)
        return (meant,) if isinstance(meant, str) else meant


def _options(request: GenerationRequest) -> list[str]:
    """The optional fields that a request has, named as in the catalog."""
    asked = [name for name in KNOWN_OPTIONS if getattr(request, name) is not None]
    return asked + list(request.provider_options)


def _shown(name: str) -> str:
    return re.sub(r"\s+", " ", name)[:80]


def read_catalog(text: str) -> Catalog:
    return Catalog.model_validate(tomllib.loads(text))


@cache
def catalog() -> Catalog:
    return read_catalog(CATALOG_FILE.read_text())
