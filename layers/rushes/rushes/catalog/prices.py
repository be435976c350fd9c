"""Prices of a model: rows of amounts per unit. The first row whose condition holds applies."""

from decimal import ROUND_UP, Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.conditions import Condition
from rushes.catalog.sizes import width_and_height

Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
MICRO_DOLLAR = Decimal("0.000001")
ASSUMED_INPUT_SECONDS = 60
"""Length of an input file in an estimate, which is unknown when the job is accepted, for a model
without `max_input_seconds`."""
PIXELS_PER_TOKEN = 1024
"""Of video tokens: width x height x frames / 1024."""
UNITS = (
    "per_second",
    "per_job",
    "per_megapixel",
    "per_megapixel_second",
    "per_million_tokens",
    "per_thousand_characters",
    "per_input_second",
    "per_input_image",
)


class Quantities(BaseModel):
    """Billed quantities of a request."""

    model_config = ConfigDict(frozen=True)

    seconds: int = 0
    size: str | None = None
    characters: int = 0
    input_images: int = 0
    input_seconds: float = ASSUMED_INPUT_SECONDS
    outputs: int = 1


class PriceRow(BaseModel):
    """US dollars per unit; the amounts of all units are added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Condition = {}
    per_second: Dollars = 0.0
    per_job: Dollars = 0.0
    """Per output: one video or one image."""
    per_megapixel: Dollars = 0.0
    per_megapixel_second: Dollars = 0.0
    per_million_tokens: Dollars = 0.0
    fps: Annotated[int, Field(ge=1, le=240)] = 24
    """Frames per second, for video tokens."""
    per_thousand_characters: Dollars = 0.0
    per_input_second: Dollars = 0.0
    per_input_image: Dollars = 0.0

    @model_validator(mode="after")
    def _require_unit(self) -> Self:
        if not self.model_fields_set.intersection(UNITS):
            raise ValueError(f"a price requires one of {', '.join(UNITS)}")
        return self

    def dollars(self, quantities: Quantities) -> Decimal:
        seconds = Decimal(quantities.seconds)
        pixels = Decimal(1)
        for side in width_and_height(quantities.size).values():
            pixels *= side
        megapixels = pixels / 1_000_000 if quantities.size else Decimal(1)
        tokens = megapixels * 1_000_000 * self.fps * seconds / PIXELS_PER_TOKEN
        of_outputs = (
            _exact(self.per_second) * seconds
            + _exact(self.per_job)
            + _exact(self.per_megapixel) * megapixels
            + _exact(self.per_megapixel_second) * megapixels * seconds
            + _exact(self.per_million_tokens) * tokens / 1_000_000
        )
        of_inputs = (
            _exact(self.per_thousand_characters) * quantities.characters / 1000
            + _exact(self.per_input_second) * _exact(quantities.input_seconds)
            + _exact(self.per_input_image) * quantities.input_images
        )
        return of_outputs * quantities.outputs + of_inputs


def rounded_up(dollars: Decimal) -> float:
    """Round up to micro-dollars: rounding down would make a very cheap job free to a budget."""
    return float(dollars.quantize(MICRO_DOLLAR, ROUND_UP))


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
