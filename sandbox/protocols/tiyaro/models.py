"""Request models of Tiyaro's calls, and the render spec that a submission describes."""

import dataclasses
import shutil
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from sandbox import inputs
from sandbox.errors import UnusableInputError
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import ApiError
from sandbox.protocols.fields import Fields, Prompt, Seconds, Seed, check
from sandbox.protocols.request_body import Body
from sandbox.protocols.tiyaro.uploads import Uploads
from sandbox.rendering.render_spec import RenderSpec


class UploadQuery(Fields):
    extension: Literal["mp3", "wav", "m4a", "flac", "ogg", "png", "jpg", "webp"]


class SubmitQuery(Fields):
    service_tier: Annotated[Literal["cpuflex", "gpuflex"], Field(alias="serviceTier")] = "cpuflex"


class Submission(Fields):
    input: dict[str, Any]
    url: Annotated[str | None, Field(alias="URL")] = None


class WhisperInput(Fields):
    """Fields of the published sample; only `initial_prompt` has an effect (its directives)."""

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


class VideoInput(Fields):
    prompt: Prompt
    seconds: Seconds = 4
    size: Literal["1280x720", "720x1280", "320x180", "128x72"] = "1280x720"
    seed: Seed | None = None


WHISPER_SIZES = ("large", "medium", "small", "tiny")
WHISPER_MODELS = {f"ent/tiyarofs/1/openai/whisper-{size}" for size in WHISPER_SIZES}
VIDEO_MODELS = {"ent/tiyarofs/1/sandbox/video"}


def build_spec(sandbox: Sandbox, uploads: Uploads, model: str, params: Submission) -> RenderSpec:
    if model in WHISPER_MODELS:
        return _transcription(sandbox, model, params, _file(uploads, params.url))
    if model not in VIDEO_MODELS:
        raise ApiError(404, f"The model '{model}' does not exist.", code="model_not_found")
    video = check(VideoInput, Body(params.input, typed=True))
    width, height = map(int, video.size.split("x"))
    spec = RenderSpec(video.prompt, model, width, height, video.seconds, seed=video.seed)
    if params.url is None:
        return spec
    content = _file(uploads, params.url).read_bytes()
    try:
        return dataclasses.replace(spec, image=inputs.store_image(content, sandbox.folder))
    except UnusableInputError as error:
        raise _invalid_url(str(error)) from error


def _transcription(sandbox: Sandbox, model: str, params: Submission, file: Path) -> RenderSpec:
    """Read directives from whisper's `initial_prompt`."""
    whisper = check(WhisperInput, Body(params.input, typed=True))
    audio = sandbox.folder / uuid.uuid4().hex
    shutil.copyfile(file, audio)  # a later PUT may replace the upload
    prompt = whisper.initial_prompt or ""
    return RenderSpec(prompt, model, 0, 0, 0, modality="transcription", audio=audio)


def _file(uploads: Uploads, url: str | None) -> Path:
    if url is None:
        raise _invalid_url("This model requires an uploaded file.")
    file = uploads.find(url)
    if file is None:
        raise _invalid_url("URL has no uploaded file or was not issued by upload-url.")
    return file


def _invalid_url(text: str) -> ApiError:
    return ApiError(400, text, code="invalid_value", param="URL")
