"""Read the body and the headers of a create call to Pipelet's queue."""

import string
from collections.abc import Mapping
from typing import Any

from rushes.dialects.input_files import NO_FILES, Files, Uploads, read_file
from rushes.dialects.validation import OpenModel, Pixels, Seconds, Seed, shown, validate
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Role

WHITESPACE = dict.fromkeys(map(ord, string.whitespace))


class _Body(OpenModel):
    prompt: str = ""
    data_uri: Any = None
    duration: Seconds | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    seed: Seed | None = None
    negative_prompt: str | None = None


def read_body(model: str, fields: Mapping[str, Any]) -> tuple[GenerationRequest, Uploads]:
    body = validate(_Body, fields)
    uploads, inputs = _read_image(body.data_uri)
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


def _read_image(value: Any) -> Files:  # noqa: ANN401 - any JSON value
    """Read a URL, a data URL or bare base64, with or without line breaks."""
    if isinstance(value, str) and not value.startswith(("data:", "http://", "https://")):
        value = "data:;base64," + value.translate(WHITESPACE)
    return NO_FILES if value is None else read_file("data_uri", Role.IMAGE, value)


def _size(width: int | None, height: int | None) -> str | None:
    """Return `1280x720`, or `x720` to select the model's width for the height."""
    if width and not height:
        raise InvalidRequest("width requires height", param="width")
    return f"{width or ''}x{height}" if height else None
