"""The body of Together's create call: its fields, and the files that it names."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rushes.dialects.openai_videos.schemas import Seconds, Seed, Whole
from rushes.dialects.references import Files, read_file
from rushes.errors import InvalidRequest
from rushes.jobs.request import Role

_SHAPE, _CRAFT = ("resolution", "ratio", "fps"), ("steps", "guidance_scale")
OPTIONS = (*_SHAPE, *_CRAFT, "output_format", "output_quality")
"""Published fields that only some models know: they go to the provider if the catalog lets them."""

BARE_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
"""Together's guide sends pictures so, without `data:`. No address looks like it."""

Named = tuple[str, Role, Any]
"""Where in the body a file is named, what it is for, and how it is written."""


def _number(value: object) -> object:
    """The number as it came: a whole one stays whole, for providers that want it so."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is wanted")  # noqa: TRY004 - pydantic's way
    return value


Side = Annotated[Whole, Field(ge=1, le=99_999)]
Number = Annotated[Any, BeforeValidator(_number)]


class FrameImage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    input_image: str
    frame: Any = None


class Media(BaseModel):
    model_config = ConfigDict(extra="forbid")

    frame_images: tuple[FrameImage, ...] = ()
    frame_videos: tuple[Any, ...] = ()
    reference_images: tuple[str, ...] = ()
    reference_videos: tuple[Any, ...] = ()
    source_video: Any = None
    audio_inputs: tuple[Any, ...] = ()


class CreateVideoBody(BaseModel):
    """The published fields; others go to the provider if the catalog lets them."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1)]
    prompt: Annotated[str, Field(min_length=1, max_length=32_000)] | None = None
    height: Side | None = None
    width: Side | None = None
    resolution: str | None = None
    ratio: str | None = None
    seconds: Seconds | None = None
    fps: Whole | None = None
    steps: Annotated[Whole, Field(ge=10, le=50)] | None = None
    seed: Seed | None = None
    guidance_scale: Number | None = None
    output_format: Literal["MP4", "WEBM"] | None = None
    output_quality: Whole | None = None
    negative_prompt: str | None = None
    generate_audio: bool | None = None
    webhook: Any = None
    """Not Together's: ours, as in every API here that has none of its own."""
    media: Media = Media()
    # Deprecated in favour of `media`, and still sent.
    frame_images: tuple[FrameImage, ...] = ()
    reference_images: tuple[str, ...] = ()

    def size(self) -> str | None:
        if (self.width is None) != (self.height is None):
            absent = "height" if self.height is None else "width"
            raise InvalidRequest(f"{absent} is missing: width and height go together", param=absent)
        return f"{self.width}x{self.height}" if self.width else None

    def options(self) -> dict[str, Any]:
        asked = {name: getattr(self, name) for name in OPTIONS if getattr(self, name) is not None}
        return asked | (self.model_extra or {})

    def files(self) -> Files:
        """Every file that is named, in the order of the fields."""
        named = (*_frames(self), *_references(self), *_films_and_sounds(self))
        read = [read_file(field, role, _with_scheme(text)) for field, role, text in named]
        return (
            tuple(upload for uploads, _ in read for upload in uploads),
            tuple(given for _, inputs in read for given in inputs),
        )


def _frames(body: CreateVideoBody) -> list[Named]:
    field, images = _one_of("frame_images", body.media.frame_images, body.frame_images)
    roles = [_role(field, image.frame, n, len(images)) for n, image in enumerate(images)]
    if len(set(roles)) < len(roles):
        raise InvalidRequest(f"{field} has two pictures for the same frame", param=field)
    return [(field, role, it.input_image) for role, it in zip(roles, images, strict=True)]


def _role(field: str, frame: object, place: int, count: int) -> Role:
    """Left out, the first picture of one or two is the first frame and the second the last one."""
    if frame is None and count <= 2:
        return (Role.IMAGE, Role.LAST_FRAME)[place]
    if frame in ("first", 0) and frame is not False:
        return Role.IMAGE
    if frame == "last":
        return Role.LAST_FRAME
    raise InvalidRequest(f"{field} takes pictures for the first and the last frame", param=field)


def _references(body: CreateVideoBody) -> list[Named]:
    field, images = _one_of("reference_images", body.media.reference_images, body.reference_images)
    return [(field, Role.REFERENCE, image) for image in images]


def _films_and_sounds(body: CreateVideoBody) -> list[Named]:
    media = body.media
    for name in ("frame_videos", "reference_videos"):
        if getattr(media, name):
            raise InvalidRequest(f"media.{name} is not supported", param=f"media.{name}")
    films = [] if media.source_video is None else [_unwrapped(media.source_video, "video")]
    sounds = [_unwrapped(it, "audio") for it in media.audio_inputs]
    return [
        *(("media.source_video", Role.SOURCE_VIDEO, film) for film in films),
        *(("media.audio_inputs", Role.AUDIO, sound) for sound in sounds),
    ]


def _one_of(name: str, new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    if new and old:
        raise InvalidRequest(f"{name} is there twice, in media and outside it", param=name)
    return (name, old) if old else (f"media.{name}", new)


def _unwrapped(written: Any, name: str) -> Any:  # noqa: ANN401 - judged by read_file
    """A file may stand in an object of its own."""
    return written[name] if isinstance(written, dict) and set(written) == {name} else written


def _with_scheme(written: Any) -> Any:  # noqa: ANN401 - judged by read_file
    bare = isinstance(written, str) and BARE_BASE64.fullmatch(written)
    return f"data:application/octet-stream;base64,{written}" if bare else written
