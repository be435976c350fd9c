"""The fields of Tiyaro's calls, and what may be in them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rushes.dialects.openai_videos.schemas import Seconds, Seed


class UploadQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    extension: str


class SubmitQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    service_tier: Annotated[
        Literal["cpuflex", "gpuflex"] | None, Field(validation_alias="serviceTier")
    ] = None


class SubmitBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input: dict[str, Any]
    url: Annotated[str | None, Field(validation_alias="URL")] = None


class ModelInput(BaseModel):
    """What models have in common; a field of one model goes to it if the catalog lets it."""

    model_config = ConfigDict(extra="allow")

    prompt: str = ""
    seconds: Seconds | None = None
    size: str | None = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
