"""Read the body and the headers of a create call to Pipelet's queue."""

import string
from collections.abc import Mapping
from typing import Any

from rushes.dialects.input_files import FileField, Uploads, read_files
from rushes.dialects.validation import OpenModel, Pixels, Seconds, Seed, shown, validate
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Role

FILES = {"data_uri": Role.IMAGE, "second_image_uri": Role.LAST_FRAME, "audio_uri": Role.AUDIO}
WHITESPACE = dict.fromkeys(map(ord, string.whitespace))


class _Body(OpenModel):
    prompt: str = ""
    data_uri: Any = None
    second_image_uri: Any = None
    audio_uri: Any = None
    duration: Seconds | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    seed: Seed | None = None
    negative_prompt: str | None = None


def read_body(model: str, fields: Mapping[str, Any]) -> tuple[GenerationRequest, Uploads]:
    body = validate(_Body, fields)
    uploads, inputs = read_files(_files(body))
    # An image determines the width: Pipelet uses the height only.
    width = body.width if body.data_uri is None else None
    size = _size(width, body.height)
    request = body.generation(model=model, seconds=body.duration, size=size, inputs=inputs)
    return request, uploads


def read_preferences(headers: Mapping[str, str]) -> dict[str, str]:
    output = headers.get("x-pipelet-output", "")
    if output not in ("", "binary"):
        name = "x-pipelet-output"
        raise InvalidRequest(f"{name} must be binary (got {shown(output)})", param=name)
    return {"output": output} if output else {}


def _files(body: _Body) -> list[FileField]:
    given = [(name, role, getattr(body, name)) for name, role in FILES.items()]
    return [(name, role, _as_url(value)) for name, role, value in given if value is not None]


def _as_url(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a URL, a data URL, or a data URL of base64 with or without line breaks."""
    if isinstance(value, str) and not value.startswith(("data:", "http://", "https://")):
        return "data:;base64," + value.translate(WHITESPACE)
    return value


def _size(width: int | None, height: int | None) -> str | None:
    """Return `1280x720`, or `x720` to select the model's width for the height."""
    if width and not height:
        raise InvalidRequest("width requires height", param="width")
    return f"{width or ''}x{height}" if height else None
