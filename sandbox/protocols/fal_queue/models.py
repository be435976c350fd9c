"""Models of the two queues and their arguments."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from sandbox import published
from sandbox.protocols.fields import Fields, Seconds, SecondsText, size_from
from sandbox.protocols.model_arguments import Arguments, Settings, Side, VideoArguments
from sandbox.rendering.render_spec import Modality


class ImageSize(Fields):
    width: Side
    height: Side


class FalVideo(VideoArguments):
    """fal's models take lengths as strings."""

    duration: SecondsText = "5"
    image_url: str | None = None

    @override
    def settings(self) -> Settings:
        return Settings(self.size, int(self.duration), self.negative_prompt, self.image_url)


class FalImage(Arguments):
    modality: ClassVar[Modality] = "image"
    image_size: ImageSize = ImageSize(width=1024, height=1024)
    image_url: str | None = None

    @override
    def settings(self) -> Settings:
        size = self.image_size.width, self.image_size.height
        return Settings(size, image_url=self.image_url)


class FalTone(Arguments):
    modality: ClassVar[Modality] = "audio"
    duration: SecondsText = "5"

    @override
    def settings(self) -> Settings:
        return Settings(seconds=int(self.duration))


class PipeletVideo(Arguments):
    """`data_uri` is an image in bare base64, possibly with line breaks."""

    modality: ClassVar[Modality] = "video"
    duration: Seconds = 5
    width: Side = 832
    height: Side = 480
    negative_prompt: str | None = None
    data_uri: str | None = None

    @override
    def settings(self) -> Settings:
        base64 = re.sub(r"\s", "", self.data_uri or "")
        image_url = f"data:image/png;base64,{base64}" if base64 else None
        size = self.width, self.height
        return Settings(size, self.duration, self.negative_prompt, image_url)


def documented_arguments(fields: Mapping[str, Any], defaults: published.Settings) -> PipeletVideo:
    """Return the arguments of a documented model; an image determines the width."""
    height = fields.get("height", int(defaults.size.partition("x")[2]))
    across = fields.get("width") if "data_uri" not in fields else None
    size = (across, height) if across else size_from(height, "16:9")
    known = {name: fields[name] for name in ("prompt", "data_uri") if name in fields}
    seconds = fields.get("duration", defaults.seconds)
    return PipeletVideo(**known, duration=seconds, width=size[0], height=size[1])


FAL_MODELS: dict[str, type[Arguments]] = {
    "sandbox/video/standard": FalVideo,
    "sandbox/image": FalImage,
    "sandbox/tone": FalTone,
}
PIPELET_MODELS: dict[str, type[Arguments]] = {"video": PipeletVideo, "video-inline": PipeletVideo}
INLINE_MODELS = frozenset({"video-inline"})
"""Older models, which always return the video in base64."""
