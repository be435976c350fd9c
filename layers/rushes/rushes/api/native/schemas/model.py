"""Models and aliases in responses of the native API."""

from typing import Annotated, Any, Literal

from pydantic import Field

from rushes.api.native.schemas.shared import Closed
from rushes.catalog.model_entry import Modality
from rushes.jobs.request import Role


class SecondsRange(Closed):
    """Accepted lengths of a model that has many."""

    min: int
    max: int
    default: int


class Option(Closed):
    """An option that is sent in `provider_options`, or as a field of the request."""

    name: str
    type: str | None
    allowed: Annotated[list[Any], Field(description="Accepted values; empty: not listed.")]
    minimum: float | None
    maximum: float | None
    required: bool
    default: Any


class Model(Closed):
    """A model, or an alias of one or several."""

    name: str
    modality: Modality
    provider: Annotated[str, Field(description="Of an alias: that of its first model.")]
    category: Annotated[str, Field(description="Such as `image-to-video`.")]
    models: Annotated[list[str], Field(description="Models of an alias, in the order of failover.")]
    on_mismatch: Annotated[
        Literal["refuse", "nearest"],
        Field(description="What an alias does with a length or size that no model accepts."),
    ]
    aliases: list[str]
    inputs: Annotated[list[Role], Field(description="Accepted roles of input files.")]
    required_inputs: list[Role]
    max_references: int
    max_input_seconds: float | None
    requires_prompt: bool
    prompt_characters: Annotated[int, Field(description="Longest prompt.")]
    seconds: Annotated[
        list[int] | SecondsRange,
        Field(description="Accepted lengths, the default first; empty: it has no length."),
    ]
    sizes: Annotated[list[str], Field(description="Accepted sizes, the default first.")]
    resolutions: list[str]
    aspect_ratios: list[str]
    options: list[Option]
    arguments: Annotated[list[str], Field(description="The vendor's names, for `arguments`.")]
    rules: Annotated[list[dict[str, Any]], Field(description="Allowed combinations.")]
    prices: Annotated[
        list[dict[str, Any]], Field(description="US dollars; the first row that applies is used.")
    ]
    price_source: str
    price_date: str
    price_unknown: Annotated[
        str, Field(description="Why the price is unknown; empty if it is known.")
    ]
    typical_seconds: Annotated[float, Field(description="Usual time until the result.")]
    deadline_seconds: Annotated[float, Field(description="After this time an open job fails.")]
