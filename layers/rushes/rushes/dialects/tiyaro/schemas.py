"""Request schemas of Tiyaro's API."""

from typing import Annotated, Any, Literal

from pydantic import Field

from rushes.dialects.validation import Integer, OpenModel, Seconds, Seed, StrictModel
from rushes.jobs.request import MAX_UPLOAD_BYTES


class UploadQuery(StrictModel):
    """Tiyaro publishes `extension` only. The others bind the URL to one type and length."""

    extension: str = ""
    content_type: str | None = Field(None, validation_alias="contentType")
    content_length: Annotated[Integer, Field(ge=1, le=MAX_UPLOAD_BYTES)] | None = Field(
        None, validation_alias="contentLength"
    )


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
