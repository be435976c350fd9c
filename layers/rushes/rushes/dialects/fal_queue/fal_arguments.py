"""The arguments of fal's models, by the names that most of them share, and its clients' headers."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rushes.dialects.openai_videos.schemas import Seconds, Seed, Whole, check
from rushes.dialects.openai_videos.video_routes import check_length
from rushes.dialects.references import Files, read_file
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role, Upload

FILES = {
    "image_url": Role.IMAGE,
    "start_image_url": Role.IMAGE,
    "first_frame_url": Role.IMAGE,
    "end_image_url": Role.LAST_FRAME,
    "tail_image_url": Role.LAST_FRAME,
    "last_frame_url": Role.LAST_FRAME,
    "image_urls": Role.REFERENCE,
    "reference_image_urls": Role.REFERENCE,
    "video_url": Role.SOURCE_VIDEO,
    "audio_url": Role.AUDIO,
}
SIZES = {
    "square_hd": "1024x1024",
    "square": "512x512",
    "portrait_4_3": "768x1024",
    "portrait_16_9": "576x1024",
    "landscape_4_3": "1024x768",
    "landscape_16_9": "1024x576",
}
HONOURED = {
    "x-fal-queue-priority": ("normal",),
    "x-fal-store-io": ("1",),
    "x-fal-object-lifecycle-preference": (),
}
"""What may be in headers that ask for something; whatever else they say cannot be done here.

Others may say what they like: there are no fallbacks, nothing is generated twice, and a runner's
hint is a hint.
"""


def _without_unit(value: object) -> object:
    """Some models write 8 seconds as `8s`."""
    return value.removesuffix("s") if isinstance(value, str) else value


class _Arguments(BaseModel):
    """A model's own arguments go to it if the catalog lets them."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    prompt: str = ""
    duration: Annotated[Seconds | None, BeforeValidator(_without_unit)] = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    video_size: Any = None
    image_size: Any = None


class _Extent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: Annotated[Whole, Field(ge=1, le=99_999)]
    height: Annotated[Whole, Field(ge=1, le=99_999)]


def read_arguments(
    model: str, fields: Mapping[str, Any]
) -> tuple[GenerationRequest, tuple[tuple[Role, Upload], ...]]:
    uploads, inputs = _read_files(fields)
    asked = check(_Arguments, {name: fields[name] for name in fields if name not in FILES})
    generation = GenerationRequest(
        model=model,
        prompt=asked.prompt,
        seconds=asked.duration,
        size=_read_size(asked),
        seed=asked.seed,
        negative_prompt=asked.negative_prompt,
        generate_audio=asked.generate_audio,
        inputs=inputs,
        provider_options=asked.model_extra or {},
    )
    check_length(generation)
    return generation, uploads


def read_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What is to be remembered of them."""
    for name, honoured in HONOURED.items():
        if name in headers and headers[name] not in honoured:
            raise InvalidRequest(f"{name} cannot be {headers[name][:80]} here", param=name)
    timeout = headers.get("x-fal-request-timeout", "")
    if timeout and not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", timeout):
        raise InvalidRequest("x-fal-request-timeout is no number", param="x-fal-request-timeout")
    return {"start_timeout": timeout} if timeout else {}


def _read_files(fields: Mapping[str, Any]) -> Files:
    uploads: list[tuple[Role, Upload]] = []
    inputs: list[Input] = []
    taken: dict[Role, str] = {}
    for name, role in FILES.items():
        if fields.get(name) is None:
            continue
        if role in taken:
            raise InvalidRequest(f"{name} says the same as {taken[role]}", param=name)
        taken[role] = name
        for written in _several(name, role, fields[name]):
            uploaded, linked = read_file(name, role, written)
            uploads += uploaded
            inputs += linked
    return tuple(uploads), tuple(inputs)


def _several(name: str, role: Role, written: Any) -> list[Any]:  # noqa: ANN401 - as sent
    if role is not Role.REFERENCE:
        return [written]
    if not isinstance(written, list):
        raise InvalidRequest(f"{name} is not a list", param=name)
    return written


def _read_size(asked: _Arguments) -> str | None:
    """One of fal's names, an object with both lengths, or width and height as a text."""
    given = {"video_size": asked.video_size, "image_size": asked.image_size}
    wanted = {name: value for name, value in given.items() if value is not None}
    if len(wanted) > 1:
        raise InvalidRequest("image_size says the same as video_size", param="image_size")
    for name, value in wanted.items():
        if isinstance(value, dict):
            extent = check(_Extent, value)
            return f"{extent.width}x{extent.height}"
        if isinstance(value, str):
            return SIZES.get(value, value)
        raise InvalidRequest(f"{name} is neither a name nor width and height", param=name)
    return None
