"""Together's documented models.

The service refuses a wrong type at once. It accepts an argument that the model does not take, and
fails the job.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sandbox.job import Failure
from sandbox.protocols.fields import lines_of, size_from
from sandbox.published import Settings, Violation, read_vendor
from sandbox.rendering.render_spec import DEFAULT_FPS, RenderSpec

MODELS = read_vendor("together")
MAX_FPS = 60


class MediaSettings(NamedTuple):
    """The render, and the URLs of its image and its source video."""

    spec: RenderSpec
    image: str | None
    clip: str | None


def failure_of(violation: Violation | None) -> Failure | None:
    """Return the failure of the job, with the service's code."""
    if violation is None:
        return None
    code = "InvalidParameter"
    if violation.is_unknown:
        code = "unsupportedParameter"
    elif violation.field == "seconds":
        code = "invalidDuration"
    return Failure(code, f"{violation.field}: {violation.message}")


def read_settings(fields: Mapping[str, Any], defaults: Settings) -> MediaSettings:
    """Read a body with fields of the right types; their values may be those of another model."""
    width, height = _size(fields, defaults.size)
    seconds = str(fields.get("seconds", ""))
    spec = RenderSpec(
        prompt=fields.get("prompt", ""),
        model=fields["model"],
        width=width,
        height=height,
        seconds=int(seconds) if seconds.isdecimal() else defaults.seconds,
        fps=min(max(fields.get("fps", DEFAULT_FPS), 1), MAX_FPS),
        seed=fields.get("seed"),
        negative_prompt=fields.get("negative_prompt"),
    )
    media = fields.get("media", {})
    frames = [frame["input_image"] for frame in media.get("frame_images", ())]
    images = [*frames, *media.get("reference_images", ())]
    clips = [clip["video"] for clip in media.get("frame_videos", ())]
    source = media.get("source_video")
    clips += [source["video"] if isinstance(source, dict) else source] if source else []
    return MediaSettings(spec, next(iter(images), None), next(iter(clips), None))


def _size(fields: Mapping[str, Any], default: str) -> tuple[int, int]:
    """Return the size in even numbers, as H.264 requires."""
    width, height = map(int, default.split("x"))
    if resolution := fields.get("resolution"):
        width, height = size_from(lines_of(resolution, height), fields.get("ratio", "16:9"))
    width, height = fields.get("width", width), fields.get("height", height)
    return width // 2 * 2, height // 2 * 2
