"""Request schemas of Tiyaro's API."""

from typing import Any, Literal

from pydantic import Field

from rushes.dialects.validation import OpenModel, Seconds, Seed, StrictModel


class UploadQuery(StrictModel):
    extension: str


class SubmitQuery(StrictModel):
    service_tier: Literal["cpuflex", "gpuflex"] | None = Field(None, validation_alias="serviceTier")


class SubmitBody(StrictModel):
    input: dict[str, Any]
    url: str | None = Field(None, validation_alias="URL")


class ModelInput(OpenModel):
    prompt: str = ""
    seconds: Seconds | None = None
    size: str | None = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
