"""Schema of Together's create call, with the files that it refers to."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticKnownError

from rushes.dialects.input_files import FileField, Files, read_files
from rushes.dialects.validation import (
    Integer,
    Members,
    OpenModel,
    Pixels,
    Seconds,
    Seed,
    StrictModel,
)
from rushes.errors import InvalidRequest
from rushes.jobs.request import Role

OPTIONS = (
    "resolution", "ratio", "fps", "steps", "guidance_scale", "output_format", "output_quality",
)  # fmt: skip
"""Published fields of some models only: the provider gets them if the catalog lists them."""

BARE_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
"""An image without `data:`, as in Together's guide. It contains no colon, unlike a URL."""


def _number(value: object) -> object:
    """Keep the number's type: some providers require an integer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticKnownError("float_type")
    return value


Number = Annotated[Any, BeforeValidator(_number)]


class FrameImage(StrictModel):
    input_image: str
    frame: Any = None


class Media(StrictModel):
    frame_images: Members[FrameImage] = ()
    frame_videos: Members[Any] = ()
    reference_images: Members[str] = ()
    reference_videos: Members[Any] = ()
    source_video: Any = None
    audio_inputs: Members[Any] = ()


class CreateVideoBody(OpenModel):
    model: Annotated[str, Field(min_length=1)]
    prompt: Annotated[str, Field(min_length=1, max_length=32_000)] | None = None
    height: Pixels | None = None
    width: Pixels | None = None
    resolution: str | None = None
    ratio: str | None = None
    seconds: Seconds | None = None
    fps: Integer | None = None
    steps: Annotated[Integer, Field(ge=10, le=50)] | None = None
    seed: Seed | None = None
    guidance_scale: Number | None = None
    output_format: Literal["MP4", "WEBM"] | None = None
    output_quality: Integer | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    webhook: Any = None
    """An extension by this gateway, as in every dialect without a webhook field."""
    media: Media = Media()
    # Deprecated in favour of `media`; clients still send them.
    frame_images: Members[FrameImage] = ()
    reference_images: Members[str] = ()

    def size(self) -> str | None:
        if (self.width is None) != (self.height is None):
            absent = "height" if self.height is None else "width"
            raise InvalidRequest(f"{absent} is required with width or height", param=absent)
        return f"{self.width}x{self.height}" if self.width else None

    def options(self) -> dict[str, Any]:
        return self.model_dump(include={*OPTIONS}, exclude_none=True) | (self.model_extra or {})

    def files(self) -> Files:
        """Return the files in the order of the fields."""
        fields = (*_frames(self), *_references(self), *_video_and_audio(self))
        return read_files((field, role, _with_scheme(value)) for field, role, value in fields)


def _frames(body: CreateVideoBody) -> list[FileField]:
    field, images = _one_of("frame_images", body.media.frame_images, body.frame_images)
    roles = [_role(field, image.frame, n, len(images)) for n, image in enumerate(images)]
    if len(set(roles)) < len(roles):
        raise InvalidRequest(f"{field} has two images for the same frame", param=field)
    return [(field, role, image.input_image) for role, image in zip(roles, images, strict=True)]


def _role(field: str, frame: object, index: int, count: int) -> Role:
    """Return the role of a frame. By default, image 1 of at most 2 is the first, 2 the last."""
    if frame is None and count <= 2:
        return (Role.IMAGE, Role.LAST_FRAME)[index]
    if frame in ("first", 0) and frame is not False:
        return Role.IMAGE
    if frame == "last":
        return Role.LAST_FRAME
    raise InvalidRequest(f"{field}: frame must be first or last", param=field)


def _references(body: CreateVideoBody) -> list[FileField]:
    field, images = _one_of("reference_images", body.media.reference_images, body.reference_images)
    return [(field, Role.REFERENCE, image) for image in images]


def _video_and_audio(body: CreateVideoBody) -> list[FileField]:
    media = body.media
    for name in ("frame_videos", "reference_videos"):
        if getattr(media, name):
            raise InvalidRequest(f"media.{name} is not supported", param=f"media.{name}")
    videos = [] if media.source_video is None else [media.source_video]
    fields = [("media.source_video", Role.SOURCE_VIDEO, "video", video) for video in videos]
    fields += [("media.audio_inputs", Role.AUDIO, "audio", audio) for audio in media.audio_inputs]
    return [(field, role, _unwrapped(value, name)) for field, role, name, value in fields]


def _one_of(name: str, new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    if new and old:
        raise InvalidRequest(f"{name} and media.{name} are mutually exclusive", param=name)
    return (name, old) if old else (f"media.{name}", new)


def _unwrapped(value: Any, name: str) -> Any:  # noqa: ANN401 - checked by read_file
    """Take a file out of an object such as `{"video": …}`."""
    return value[name] if isinstance(value, dict) and set(value) == {name} else value


def _with_scheme(value: Any) -> Any:  # noqa: ANN401 - checked by read_file
    bare = isinstance(value, str) and BARE_BASE64.fullmatch(value)
    return f"data:application/octet-stream;base64,{value}" if bare else value
