"""The fields of the OpenAI and the Bifrost video APIs, and what may be in them."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rushes.errors import InvalidRequest

Shape = TypeVar("Shape", bound=BaseModel)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not a boolean")  # noqa: TRY004 - pydantic's way
    return value


Whole = Annotated[int, BeforeValidator(_no_boolean)]
Seconds = Annotated[Whole, Field(ge=1, le=3600)]
Seed = Annotated[Whole, Field(ge=-(2**63), le=2**63 - 1)]


class Fallback(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider: str
    model: str


class CreateBody(BaseModel):
    """The fields that both know; others go to the provider if the catalog lets them."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    prompt: str
    model: str = ""
    seconds: Seconds | None = None
    size: str | None = None
    input_reference: Any = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    audio: Annotated[
        bool | None, Field(validation_alias=AliasChoices("audio", "generate_audio"))
    ] = None
    """Bifrost's word for it, and what most others say."""
    fallbacks: tuple[Fallback, ...] = ()
    webhook: Any = None


class EditBody(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    prompt: str
    video: Any


class RemixBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prompt: str


class Listing(BaseModel):
    limit: int = Field(default=20, ge=0, le=100)
    order: str = Field(default="desc", pattern="^(asc|desc)$")
    after: str | None = None
    provider: str | None = None


def check(shape: type[Shape], fields: Mapping[str, Any]) -> Shape:
    """The fields as `shape`; the first that does not fit is named."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])[:80]
        raise InvalidRequest(f"{name}: {first['msg']}", param=name) from None
