"""Read the arguments that most of fal's models share, and the headers of its clients."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from rushes.catalog.model_entry import ModelEntry
from rushes.dialects.fal_queue.model_arguments import Translated, file_argument, translate
from rushes.dialects.input_files import FileField, Uploads, read_files
from rushes.dialects.json_format import without_nulls
from rushes.dialects.validation import (
    MAX_LIST,
    OpenModel,
    Pixels,
    Seconds,
    Seed,
    StrictModel,
    shown,
    validate,
    without_empty,
)
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Role

FILES = {
    "image_url": Role.IMAGE,
    "start_image_url": Role.IMAGE,
    "first_frame_url": Role.IMAGE,
    "first_image_url": Role.IMAGE,
    "end_image_url": Role.LAST_FRAME,
    "tail_image_url": Role.LAST_FRAME,
    "last_frame_url": Role.LAST_FRAME,
    "last_image_url": Role.LAST_FRAME,
    "image_urls": Role.REFERENCE,
    "input_image_urls": Role.REFERENCE,
    "reference_image_urls": Role.REFERENCE,
    "video_url": Role.SOURCE_VIDEO,
    "audio_url": Role.AUDIO,
}
NAMED_SIZES = {
    "square_hd": "1024x1024",
    "square": "512x512",
    "portrait_4_3": "768x1024",
    "portrait_16_9": "576x1024",
    "landscape_4_3": "1024x768",
    "landscape_16_9": "1024x576",
}
ACCEPTED_HEADERS = {
    "x-fal-queue-priority": ("normal",),
    "x-fal-store-io": ("1",),
    "x-fal-object-lifecycle-preference": (),
}
"""Accepted values of the headers that change the result.

The others are ignored: a job has no hidden fallbacks or retries, and a runner hint is optional.
"""


AUTOMATIC = ("auto", "adaptive")
"""Values by which fal's models choose a length or a size, as the gateway does without a value."""


def _length(value: object) -> object:
    """Accept `8s`, which some models require for 8 seconds."""
    return (
        None if value in AUTOMATIC else value.removesuffix("s") if isinstance(value, str) else value
    )


def _automatic(value: object) -> object:
    return None if value in AUTOMATIC else value


class _Arguments(OpenModel):
    prompt: str = ""
    duration: Annotated[Seconds | None, BeforeValidator(_length)] = None
    resolution: Annotated[str | None, BeforeValidator(_automatic)] = None
    aspect_ratio: Annotated[str | None, BeforeValidator(_automatic)] = None
    seed: Seed | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    video_size: Any = None
    image_size: Any = None


class _ImageSize(StrictModel):
    width: Pixels
    height: Pixels


def read_arguments(
    name: str, fields: Mapping[str, Any], model: ModelEntry | None = None
) -> tuple[GenerationRequest, Uploads]:
    """Read the arguments of a model by the names of `model`, if it is given, or shared ones."""
    given = without_empty(fields)
    found = translate(model, given) if model else Translated(shared=given)
    try:
        request, uploads = _read_shared(name, found)
    except InvalidRequest as error:
        own = found.names.get(error.param or "", error.param)
        if own is None or own == error.param:
            raise
        message = error.message.replace(str(error.param), own, 1)
        raise InvalidRequest(message, param=own, kind=error.kind) from None
    if model and name in (model.name, model.name.partition("/")[2]):  # an alias may have others
        _require_files(model, {*(file.role for file in request.inputs), *(r for r, _ in uploads)})
    return request, uploads


def _require_files(model: ModelEntry, given: set[Role]) -> None:
    """Refuse a request without a required file by the name that the model has for it."""
    for role in model.needs:
        own = file_argument(model, role)
        if role not in given and own:
            raise InvalidRequest(f"{own} is required", param=own, kind="missing")


def _read_shared(name: str, found: Translated) -> tuple[GenerationRequest, Uploads]:
    shared = found.shared
    uploads, inputs = read_files(_files(shared, found.files))
    body = validate(_Arguments, {key: shared[key] for key in shared if key not in FILES})
    request = body.generation(
        model=name,
        seconds=body.duration,
        size=_read_size(body),
        inputs=inputs,
        provider_options={**(body.model_extra or {}), **found.options},
        vendor_arguments=found.exact,
    )
    return request, uploads


def read_preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the preferences to store with the job."""
    for name, accepted in ACCEPTED_HEADERS.items():
        if name in headers and headers[name] not in accepted:
            allowed = f"must be {accepted[0]}" if accepted else "is not supported"
            raise InvalidRequest(f"{name} {allowed} (got {shown(headers[name])})", param=name)
    timeout = headers.get("x-fal-request-timeout", "")
    if timeout and not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", timeout):
        name = "x-fal-request-timeout"
        raise InvalidRequest(f"{name} must be a number (got {shown(timeout)})", param=name)
    return {"start_timeout": timeout} if timeout else {}


def _files(fields: Mapping[str, Any], translated: list[FileField]) -> Iterator[FileField]:
    yield from translated
    field_by_role = {role: name for name, role, _ in translated}
    for name, role in FILES.items():
        if name not in fields:
            continue
        if other := field_by_role.get(role):
            raise InvalidRequest(f"{name} and {other} are mutually exclusive", param=name)
        field_by_role[role] = name
        yield from ((name, role, value) for value in _values(name, role, fields[name]))


def _values(name: str, role: Role, value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    if role is not Role.REFERENCE:
        return [value]
    if not isinstance(value, list):
        raise InvalidRequest(f"{name} must be a list (got {shown(value)})", param=name)
    if len(value) > MAX_LIST:
        raise InvalidRequest(f"{name} must have at most {MAX_LIST} members", param=name)
    return value


def _read_width_and_height(name: str, value: dict[str, Any]) -> _ImageSize:
    try:
        return validate(_ImageSize, value)
    except InvalidRequest as error:
        path = f"{name}.{error.param}"
        raise InvalidRequest(f"{name}.{error.message}", param=path, kind=error.kind) from None


def _read_size(body: _Arguments) -> str | None:
    """Read a named size, an object of width and height, or a text such as `1280x720`."""
    sizes = {"video_size": body.video_size, "image_size": body.image_size}
    if None not in sizes.values():
        raise InvalidRequest("image_size and video_size are mutually exclusive", param="image_size")
    for name, value in without_nulls(sizes).items():
        if isinstance(value, dict):
            size = _read_width_and_height(name, value)
            return f"{size.width}x{size.height}"
        if isinstance(value, str):
            return NAMED_SIZES.get(value, value)
        raise InvalidRequest(f"{name} must be a text or an object of width and height", param=name)
    return None
