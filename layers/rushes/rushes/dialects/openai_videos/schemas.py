"""Request schemas of the OpenAI and the Bifrost video APIs."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from rushes.dialects.validation import Members, OpenModel, Seconds, Seed, StrictModel

Audio = Annotated[bool | None, Field(validation_alias=AliasChoices("audio", "generate_audio"))]
"""Bifrost's name, and the name of most other APIs."""


class Fallback(StrictModel):
    provider: str
    model: str


class CreateBody(OpenModel):
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


class EditBody(StrictModel):
    prompt: str
    video: Any


class RemixBody(StrictModel):
    prompt: str
    fallbacks: Members[Fallback] = ()
    webhook: Any = None
