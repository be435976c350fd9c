"""Strict request models: limits shared by the protocols, and validation with a named field."""

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from sandbox.protocols.api_error import ApiError
from sandbox.protocols.request_body import Body

MIN_SIDE, MAX_SIDE = 64, 2048
MAX_SECONDS = 60
LINES = {"2k": 1440, "4k": 2160}
"""Shorter side of resolutions whose name does not have it."""
_SECONDS = re.compile(r"[1-9]\d?")


def check_seconds(seconds: str) -> str:
    if not _SECONDS.fullmatch(seconds) or int(seconds) > MAX_SECONDS:
        raise ValueError(f"seconds must be a string from '1' to '{MAX_SECONDS}'")
    return seconds


class Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Prompt = Annotated[str, Field(min_length=1, max_length=32_000)]
NegativePrompt = Annotated[str, Field(max_length=32_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
SecondsText = Annotated[str, AfterValidator(check_seconds)]

Checked = TypeVar("Checked", bound=Fields)


def check(model: type[Checked], body: Body) -> Checked:
    """Validate the body; raise an ApiError that names the first invalid field."""
    try:
        return model.model_validate(body.fields, strict=body.typed)
    except ValidationError as error:
        raise _api_error(error.errors()[0]) from error


def size_from(short: int, aspect_ratio: str) -> tuple[int, int]:
    """Return width and height for a shorter side in pixels and a ratio such as `16:9`."""
    across, down = map(int, aspect_ratio.split(":"))
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return (long, short) if across >= down else (short, long)


def lines_of(resolution: object, default: int) -> int:
    """Return the shorter side in pixels of a resolution such as `720p`, `1080P` or `4k`."""
    text = str(resolution or "").lower()
    number = re.fullmatch(r"(\d+)p?", text)
    return int(number[1]) if number else LINES.get(text, default)


def rendered_size(width: float, height: float) -> tuple[int, int]:
    """Return even sides, as H.264 requires, of at most `MAX_SIDE` pixels."""
    factor = min(1.0, MAX_SIDE / max(width, height))
    return _even(width * factor), _even(height * factor)


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    if any(side % 2 or not MIN_SIDE <= side <= MAX_SIDE for side in size):
        text = f"Both sides must be even and {MIN_SIDE} to {MAX_SIDE} pixels."
        raise ApiError(400, text, code="invalid")
    return size


def _api_error(error: ErrorDetails) -> ApiError:
    # Pydantic adds a union member's class name to the path; field names start with lower case.
    path = [str(step) for step in error["loc"] if str(step)[:1].islower() and "[" not in str(step)]
    param = ".".join(path)
    reason = error["msg"].removeprefix("Value error, ")
    code, text = "invalid_value", f"Invalid value for '{param}': {reason}."
    if error["type"] == "extra_forbidden":
        code, text = "unknown_parameter", f"Unknown parameter: '{param}'."
    elif error["type"] == "missing":
        code, text = "missing_required_parameter", f"Missing required parameter: '{param}'."
    elif param == "model":
        code, text = "model_not_found", f"The model '{error['input']}' does not exist."
    return ApiError(400, text, code=code, param=param)
