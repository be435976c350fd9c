"""Schema of Together's create call, with the files that it refers to."""

import re
from collections.abc import Iterable
from dataclasses import replace
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
    shown,
)
from rushes.errors import InvalidRequest
from rushes.jobs.request import Input, Role, Upload

OPTIONS = ("fps", "steps", "guidance_scale", "output_format", "output_quality")
"""Published fields of some models only: the provider gets them if the catalog lists them."""

MAX_FRAME = 100_000
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
        names = {"resolution": self.resolution, "ratio": self.ratio}
        if self.width and (named := [name for name in names if names[name] is not None]):
            raise InvalidRequest(f"width and {named[0]} are mutually exclusive", param=named[0])
        return f"{self.width}x{self.height}" if self.width else None

    def options(self) -> dict[str, Any]:
        return self.model_dump(include={*OPTIONS}, exclude_none=True) | (self.model_extra or {})

    def files(self) -> Files:
        """Return the files in the order of the fields."""
        frames, frame_inputs = _frames(self)
        uploads, inputs = _read([*_references(self), *_video_and_audio(self)])
        return (*frames, *uploads), (*frame_inputs, *inputs)


def _read(fields: Iterable[FileField]) -> Files:
    return read_files((field, role, _with_scheme(value)) for field, role, value in fields)


def _frames(body: CreateVideoBody) -> Files:
    field, images = _one_of("frame_images", body.media.frame_images, body.frame_images)
    places = [_place(field, image.frame, n, len(images)) for n, image in enumerate(images)]
    if len(set(places)) < len(places):
        raise InvalidRequest(f"{field} has two images for the same frame", param=field)
    uploads: list[tuple[Role, Upload]] = []
    inputs: list[Input] = []
    for (role, number), image in zip(places, images, strict=True):
        new_uploads, new_inputs = _read([(field, role, image.input_image)])
        uploads += [(role, replace(upload, frame=number)) for _, upload in new_uploads]
        inputs += [entry.model_copy(update={"frame": number}) for entry in new_inputs]
    return tuple(uploads), tuple(inputs)


def _place(field: str, frame: object, index: int, count: int) -> tuple[Role, int | None]:
    """Return role and number of a frame. By default, image 1 of at most 2 is the first, 2 the last.

    The number is that of a frame between the first and the last.
    """
    if frame is None and count <= 2:
        return (Role.IMAGE, Role.LAST_FRAME)[index], None
    if frame == "last":
        return Role.LAST_FRAME, None
    if frame == "first":
        return Role.IMAGE, None
    is_number = isinstance(frame, int | float) and not isinstance(frame, bool)
    if is_number and 0 <= float(str(frame)) <= MAX_FRAME and float(str(frame)).is_integer():
        number = int(float(str(frame)))
        return (Role.FRAME, number) if number else (Role.IMAGE, None)
    raise InvalidRequest(
        f"{field}: frame must be first, last or a number from 0 to {MAX_FRAME}"
        f" (got {'none' if frame is None else shown(frame)})",
        param=field,
    )


def _references(body: CreateVideoBody) -> list[FileField]:
    field, images = _one_of("reference_images", body.media.reference_images, body.reference_images)
    return [(field, Role.REFERENCE, image) for image in images]


def _video_and_audio(body: CreateVideoBody) -> list[FileField]:
    media = body.media
    source = _unwrapped(media.source_video, "video")
    found = [
        ("source_video", Role.SOURCE_VIDEO, "video", () if source in (None, "", {}) else (source,)),
        ("frame_videos", Role.FRAME_VIDEO, "video", media.frame_videos),
        ("reference_videos", Role.REFERENCE_VIDEO, "video", media.reference_videos),
        ("audio_inputs", Role.AUDIO, "audio", media.audio_inputs),
    ]
    return [
        (f"media.{name}", role, _unwrapped(value, key))
        for name, role, key, values in found
        for value in values
    ]


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
