"""What each call accepts, and the models on offer with their inputs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sandbox.openai_videos.fields import LONGEST_SECONDS, Fields, Prompt


class UploadQuery(Fields):
    extension: Literal["mp3", "wav", "m4a", "flac", "ogg", "png", "jpg", "webp"]


class SubmitQuery(Fields):
    service_tier: Annotated[Literal["cpuflex", "gpuflex"], Field(alias="serviceTier")] = "cpuflex"


class Submission(Fields):
    input: dict[str, Any]
    url: Annotated[str | None, Field(alias="URL")] = None


class WhisperInput(Fields):
    """The fields of the published sample."""

    language: Literal["en"] | None = None
    task: Literal["transcribe"] = "transcribe"
    temperature: float = 0
    temperature_increment_on_fallback: float | None = None
    no_speech_threshold: float | None = None
    compression_ratio_threshold: float | None = None
    logprob_threshold: float | None = None
    patience: float | None = None
    length_penalty: float | None = None
    beam_size: int | None = None
    best_of: int | None = None
    suppress_tokens: str | None = None
    condition_on_previous_text: bool = True
    initial_prompt: str | None = None


class FilmInput(Fields):
    prompt: Prompt
    seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)] = 4
    size: Literal["1280x720", "720x1280", "320x180", "128x72"] = "1280x720"
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None


WHISPER_SIZES = ("large", "medium", "small", "tiny")
WHISPERS = {f"ent/tiyarofs/1/openai/whisper-{size}" for size in WHISPER_SIZES}
FILMS = {"ent/tiyarofs/1/sandbox/film"}
