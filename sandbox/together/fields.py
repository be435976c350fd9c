"""What a create call accepts: the published fields, within what the sandbox can draw."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sandbox.openai_videos.fields import LARGEST_SIDE, SMALLEST_SIDE, Fields, Prompt, check_seconds

_RATIO = re.compile(r"([1-9]\d?):([1-9]\d?)")
_RESOLUTION = re.compile(r"([1-9]\d{1,3})p")
DEFAULT_SIZE = (1366, 768)


def _is_even(side: int) -> int:
    if side % 2:
        raise ValueError("must be even")
    return side


def _matches(pattern: re.Pattern[str]) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"must look like {pattern.pattern}")
        return text

    return AfterValidator(check)


Side = Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE), AfterValidator(_is_even)]


class FrameImage(Fields):
    input_image: str
    frame: Literal["first", 0] = "first"
    """The sandbox begins with a picture; it cannot come to one."""


class VideoRef(Fields):
    video: str


class Media(Fields):
    """The published members that the sandbox has a use for; it takes one file of each."""

    frame_images: list[FrameImage] = Field(default_factory=list, max_length=1)
    reference_images: list[str] = Field(default_factory=list, max_length=1)
    source_video: str | VideoRef | None = None


class CreateVideo(Fields):
    """All that is published. `guidance_scale`, `steps` and `output_quality` change nothing here."""

    model: Literal["sandbox-1", "sandbox-1-pro"]
    prompt: Prompt
    height: Side | None = None
    width: Side | None = None
    resolution: Annotated[str, _matches(_RESOLUTION)] | None = None
    ratio: Annotated[str, _matches(_RATIO)] | None = None
    seconds: Annotated[str, AfterValidator(check_seconds)] = "5"
    fps: Annotated[int, Field(ge=1, le=60)] = 24
    steps: Annotated[int, Field(ge=10, le=50)] = 20
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    guidance_scale: int = 8
    output_format: Literal["MP4"] = "MP4"
    output_quality: int = 20
    negative_prompt: Annotated[str, Field(max_length=32_000)] | None = None
    generate_audio: Literal[False] = False
    media: Media = Media()

    @model_validator(mode="after")
    def _hang_together(self) -> "CreateVideo":
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height go together")
        if self.width and (self.resolution or self.ratio):
            raise ValueError("give either width and height or resolution and ratio")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Width and height; a resolution is the length of the shorter side."""
        if self.width and self.height:
            return self.width, self.height
        if not self.resolution and not self.ratio:
            return DEFAULT_SIZE
        short = int((self.resolution or "720p")[:-1])
        across, down = map(int, (self.ratio or "16:9").split(":"))
        long = round(short * max(across, down) / min(across, down) / 2) * 2
        return (long, short) if across >= down else (short, long)
