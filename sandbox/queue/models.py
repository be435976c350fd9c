"""The sandbox's models as the two queues offer them, and what each accepts."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator
from typing_extensions import override

from sandbox.arguments import (
    Arguments,
    AspectRatio,
    Resolution,
    Seconds,
    Side,
    as_data_url,
    sides_of,
)
from sandbox.openai_videos.fields import Fields, check_seconds
from sandbox.render_spec import Kind

DurationChoice = Annotated[str, AfterValidator(check_seconds)]
"""Many of fal's models offer lengths as a choice of texts."""


class ImageSize(Fields):
    width: Side
    height: Side


class FalFilm(Arguments):
    kind: ClassVar[Kind] = "video"
    duration: DurationChoice = "5"
    resolution: Resolution = "720p"
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: str | None = None
    image_url: str | None = None

    @property
    @override
    def sides(self) -> tuple[int, int]:
        return sides_of(self.resolution, self.aspect_ratio)

    @property
    @override
    def seconds(self) -> int:
        return int(self.duration)

    @property
    @override
    def unwanted(self) -> str | None:
        return self.negative_prompt

    @property
    @override
    def picture(self) -> str | None:
        return self.image_url


class FalPicture(Arguments):
    kind: ClassVar[Kind] = "image"
    image_size: ImageSize = ImageSize(width=1024, height=1024)
    image_url: str | None = None

    @property
    @override
    def sides(self) -> tuple[int, int]:
        return self.image_size.width, self.image_size.height

    @property
    @override
    def picture(self) -> str | None:
        return self.image_url


class FalTone(Arguments):
    kind: ClassVar[Kind] = "audio"
    duration: DurationChoice = "5"

    @property
    @override
    def seconds(self) -> int:
        return int(self.duration)


class PipeletFilm(Arguments):
    kind: ClassVar[Kind] = "video"
    duration: Seconds = 5
    width: Side = 832
    height: Side = 480
    negative_prompt: str | None = None
    data_uri: str | None = None
    """A picture in bare base64."""

    @property
    @override
    def sides(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    @override
    def seconds(self) -> int:
        return self.duration

    @property
    @override
    def unwanted(self) -> str | None:
        return self.negative_prompt

    @property
    @override
    def picture(self) -> str | None:
        return as_data_url(self.data_uri) if self.data_uri else None


FAL_MODELS: dict[str, type[Arguments]] = {
    "sandbox/film/standard": FalFilm,
    "sandbox/picture": FalPicture,
    "sandbox/tone": FalTone,
}
PIPELET_MODELS: dict[str, type[Arguments]] = {"film": PipeletFilm, "film-inline": PipeletFilm}
INLINE_MODELS = frozenset({"film-inline"})
"""Older ones, which always answer with the whole film in base64."""
