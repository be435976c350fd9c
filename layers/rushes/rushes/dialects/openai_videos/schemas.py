"""Request schemas of the OpenAI and the Bifrost video APIs."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from rushes.dialects.labels import read_labels
from rushes.dialects.validation import (
    FieldsModel,
    Members,
    OpenModel,
    Seconds,
    Seed,
    StrictModel,
)
from rushes.jobs.labels import Labels

Audio = Annotated[bool | None, Field(validation_alias=AliasChoices("audio", "generate_audio"))]
"""Bifrost's name, and the name of most other APIs."""


class LabelFields(FieldsModel):
    """Fields of OpenAI's other APIs, which clients send to its video API, too."""

    metadata: dict[str, str] | None = None
    user: str | None = None

    def labels(self) -> Labels:
        return read_labels(self.metadata, self.user)


class Fallback(StrictModel):
    provider: str
    model: str


class CreateBody(LabelFields, OpenModel):
    prompt: str
    model: str = ""
    seconds: Seconds | None = None
    size: str | None = None
    input_reference: Any = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    generate_audio: Audio = None
    fallbacks: Members[Fallback] = ()
    webhook: Any = None


class BifrostCreateBody(CreateBody):
    video_uri: Any = None


class EditBody(LabelFields, StrictModel):
    prompt: str
    video: Any


class RemixBody(LabelFields, StrictModel):
    prompt: str
    fallbacks: Members[Fallback] = ()
    webhook: Any = None
