"""Render specs and results of fal's published endpoints."""

import dataclasses
import re
import uuid
from collections.abc import Mapping
from typing import Any, cast

from sandbox import inputs
from sandbox.jobs import Sandbox
from sandbox.protocols.fal_queue.published_models import PublishedEndpoint
from sandbox.protocols.fields import MAX_SECONDS, lines_of, rendered_size, size_from
from sandbox.protocols.json_protocol import with_image
from sandbox.rendering.render_spec import Modality, RenderSpec

PROMPTS = ("prompt", "text", "text_input", "gen_text")
IMAGES = (
    *("image_url", "start_image_url", "first_frame_url", "first_image_url"),
    *("subject_reference_image_url", "image_urls", "reference_image_urls", "ref_image_urls"),
)
SIZES = ("image_size", "video_size", "dimensions")
LENGTHS = ("duration", "duration_seconds", "seconds_total")
FRAMES = ("num_frames", "number_of_frames")
FRAME_RATES = ("fps", "frames_per_second", "frame_rate")
DEFAULT_FRAME_RATE = 24
_NUMBER = re.compile(r"\d+")
Arguments = Mapping[str, Any]


async def build_spec(
    sandbox: Sandbox, model: str, endpoint: PublishedEndpoint, arguments: Arguments
) -> RenderSpec:
    width, height = _size(arguments, endpoint.defaults.size)
    spec = RenderSpec(
        prompt=str(_first(arguments, PROMPTS) or ""),
        model=model,
        width=width,
        height=height,
        seconds=_seconds(arguments, endpoint.defaults.seconds),
        seed=arguments.get("seed"),
        negative_prompt=arguments.get("negative_prompt"),
        modality=cast("Modality", endpoint.modality),
    )
    if endpoint.modality == "transcription":
        return await _with_audio(sandbox, spec, arguments["audio_url"])
    image = _first(arguments, IMAGES)
    return await with_image(sandbox, spec, image[0] if isinstance(image, list) else image)


async def _with_audio(sandbox: Sandbox, spec: RenderSpec, url: str) -> RenderSpec:
    audio = sandbox.folder / uuid.uuid4().hex
    audio.write_bytes(await inputs.read_url(url))
    return dataclasses.replace(spec, audio=audio)


def result_of(output: Mapping[str, Any], file: Mapping[str, object]) -> dict[str, object]:
    """Return a result of the endpoint's form, all of whose files are the one that was rendered."""
    return {name: _filled(form, file) for name, form in output.items()}


def _filled(form: Any, file: Mapping[str, object]) -> object:  # noqa: ANN401 - nested forms
    if isinstance(form, Mapping):
        return result_of(form, file)
    if isinstance(form, list):
        return [_filled(form[0], file)]
    return file["url"] if form == "url" else file


def _first(arguments: Arguments, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    return next((arguments[name] for name in names if arguments.get(name)), None)


def _seconds(arguments: Arguments, default: int) -> int:
    """Return the length that the arguments state in seconds, milliseconds or frames."""
    length = _first(arguments, LENGTHS)
    frames = _first(arguments, FRAMES)
    seconds = float(default)
    if length is not None and (number := _NUMBER.search(str(length))):
        seconds = float(number[0])
    elif "music_length_ms" in arguments:
        seconds = arguments["music_length_ms"] / 1000
    elif frames is not None:
        seconds = float(frames) / (_first(arguments, FRAME_RATES) or DEFAULT_FRAME_RATE)
    return max(1, min(round(seconds), MAX_SECONDS))


def _size(arguments: Arguments, default: str) -> tuple[int, int]:
    """Return the size of the rendering for the arguments."""
    size = _first(arguments, SIZES)
    if isinstance(size, Mapping):
        return rendered_size(int(size.get("width", 512)), int(size.get("height", 512)))
    across, _, down = (size if isinstance(size, str) and "x" in size else default).partition("x")
    width, height = int(across), int(down)
    lines = lines_of(arguments.get("resolution"), min(width, height))
    ratio = arguments.get("aspect_ratio", "")
    if not re.fullmatch(r"\d+:\d+", ratio):
        ratio = f"{width}:{height}"
    return rendered_size(*size_from(lines, ratio))
