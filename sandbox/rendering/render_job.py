"""Render a spec to its output file: a video, an image, a tone or a transcript."""

import asyncio
import hashlib
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageColor, ImageOps

from sandbox.rendering.drawing import draw_card, gradient_colours
from sandbox.rendering.layout import lay_out
from sandbox.rendering.render_spec import RenderSpec
from sandbox.rendering.speech import transcribe
from sandbox.rendering.video import render_video

SAMPLE_RATE = 16_000
LOUDNESS = 0.3
MIN_HERTZ = 220


async def render_file(spec: RenderSpec, file: Path, on_progress: Callable[[float], None]) -> None:
    if spec.modality == "video":
        await render_video(spec, file, on_progress)
        return
    if spec.audio:
        await transcribe(spec.audio, file)
    else:
        write = _write_image if spec.modality == "image" else _write_tone
        await asyncio.to_thread(write, spec, file)
    on_progress(1.0)


def _write_image(spec: RenderSpec, file: Path) -> None:
    """Draw the card over a gradient or over the input image."""
    image = _background(spec)
    card = file.with_name("card.png")
    draw_card(spec, card)
    with Image.open(card) as panel:
        image.paste(panel, lay_out(spec.width, spec.height).card[:2], panel)
    image.save(file)


def _background(spec: RenderSpec) -> Image.Image:
    size = (spec.width, spec.height)
    if spec.image:
        with Image.open(spec.image) as source:
            return ImageOps.fit(ImageOps.exif_transpose(source).convert("RGB"), size)
    dark, light, _ = (colour.replace("0x", "#") for colour in gradient_colours(spec))
    slope = Image.linear_gradient("L").resize(size)
    return ImageOps.colorize(slope, ImageColor.getrgb(dark), ImageColor.getrgb(light))


def _write_tone(spec: RenderSpec, file: Path) -> None:
    """Write a sine wave with a pitch derived from prompt, seed and model."""
    digest = hashlib.sha256(repr((spec.prompt, spec.seed, spec.model)).encode()).digest()
    step = math.tau * (MIN_HERTZ + 2 * digest[0]) / SAMPLE_RATE
    peak = int(LOUDNESS * (2**15 - 1))
    samples = [int(peak * math.sin(step * n)) for n in range(spec.seconds * SAMPLE_RATE)]
    with wave.open(str(file), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(SAMPLE_RATE)
        audio.writeframes(struct.pack(f"<{len(samples)}h", *samples))
