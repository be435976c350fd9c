"""What each call accepts: the published fields, and the first one at fault when they do not fit."""

import re
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from sandbox.forms import Body, Upload
from sandbox.openai_videos.errors import ApiError

SMALLEST_SIDE, LARGEST_SIDE = 64, 2048
LONGEST_SECONDS = 60
_SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")
_SECONDS = re.compile(r"[1-9]\d?")


def _check_size(size: str) -> str:
    match = _SIZE.fullmatch(size)
    sides = [int(side) for side in match.groups()] if match else []
    if not sides or any(s % 2 or not SMALLEST_SIDE <= s <= LARGEST_SIDE for s in sides):
        raise ValueError(f"size must be WxH, both even and {SMALLEST_SIDE} to {LARGEST_SIDE}")
    return size


def check_seconds(seconds: str) -> str:
    if not _SECONDS.fullmatch(seconds) or int(seconds) > LONGEST_SECONDS:
        raise ValueError(f"seconds must be a string from '1' to '{LONGEST_SECONDS}'")
    return seconds


class Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Prompt = Annotated[str, Field(min_length=1, max_length=32_000)]


class ImageReference(Fields):
    image_url: Annotated[str, Field(max_length=20_971_520)] | None = None
    file_id: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImageReference":
        if (self.image_url is None) == (self.file_id is None):
            raise ValueError("provide exactly one of image_url and file_id")
        return self


class VideoReference(Fields):
    id: str


class CreateVideo(Fields):
    """The published fields, with wider sizes and lengths, and three documented extras."""

    prompt: Prompt
    model: Literal["sandbox-1", "sandbox-1-pro"] = "sandbox-1"
    seconds: Annotated[str, AfterValidator(check_seconds)] = "4"
    size: Annotated[str, AfterValidator(_check_size)] = "720x1280"
    input_reference: ImageReference | InstanceOf[Upload] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    negative_prompt: Annotated[str, Field(max_length=32_000)] | None = None
    fps: Annotated[int, Field(ge=1, le=60)] | None = None


class CreateNamedVideo(CreateVideo):
    """With the two fields that other calls of the OpenAI API have for it."""

    user: Annotated[str, Field(max_length=512)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None


class RemixVideo(Fields):
    prompt: Prompt


class EditVideo(Fields):
    prompt: Prompt
    video: VideoReference | InstanceOf[Upload]
    model: Literal["sandbox-1", "sandbox-1-pro"] = "sandbox-1"  # an extra, as LiteLLM has it


class ListVideos(Fields):
    limit: Annotated[int, Field(ge=0, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


Checked = TypeVar("Checked", bound=Fields)


def check(model: type[Checked], body: Body) -> Checked:
    """The body as the model, or an ApiError that names the first field at fault."""
    try:
        return model.model_validate(body.fields, strict=body.typed)
    except ValidationError as problem:
        raise _refusal(problem.errors()[0]) from problem


def _refusal(error: ErrorDetails) -> ApiError:
    # A union puts the name of its member into the path; members are classes, fields are not.
    path = [str(step) for step in error["loc"] if str(step)[:1].islower() and "[" not in str(step)]
    param = ".".join(path)
    if error["type"] == "extra_forbidden":
        return ApiError(
            400, f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param
        )
    if error["type"] == "missing":
        text = f"Missing required parameter: '{param}'."
        return ApiError(400, text, code="missing_required_parameter", param=param)
    if param == "model":
        text = f"The model '{error['input']}' does not exist."
        return ApiError(400, text, code="model_not_found", param=param)
    reason = error["msg"].removeprefix("Value error, ")
    text = f"Invalid value for '{param}': {reason}."
    return ApiError(400, text, code="invalid_value", param=param)
