"""A brief becomes a file: a film, a still picture, a tone or a transcript."""

import asyncio
import hashlib
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageColor, ImageOps

from sandbox.layout import lay_out
from sandbox.render import render
from sandbox.render_spec import Brief
from sandbox.speech import hear
from sandbox.test_image import draw_card, gradient_colours

SAMPLE_RATE = 16_000
LOUDNESS = 0.3
LOWEST_HERTZ = 220


async def make(brief: Brief, file: Path, on_progress: Callable[[float], None]) -> None:
    if brief.kind == "video":
        await render(brief, file, on_progress)
        return
    if brief.sound:
        await hear(brief.sound, file)
    else:
        await asyncio.to_thread(_draw if brief.kind == "image" else _play, brief, file)
    on_progress(1.0)


def _draw(brief: Brief, file: Path) -> None:
    """The card of a film, on a gradient or on the picture that came along."""
    picture = _background(brief)
    card = file.with_name("card.png")
    draw_card(brief, card)
    with Image.open(card) as panel:
        picture.paste(panel, lay_out(brief.width, brief.height).card[:2], panel)
    picture.save(file)


def _background(brief: Brief) -> Image.Image:
    size = (brief.width, brief.height)
    if brief.image:
        with Image.open(brief.image) as source:
            return ImageOps.fit(ImageOps.exif_transpose(source).convert("RGB"), size)
    dark, light, _ = (colour.replace("0x", "#") for colour in gradient_colours(brief))
    slope = Image.linear_gradient("L").resize(size)
    return ImageOps.colorize(slope, ImageColor.getrgb(dark), ImageColor.getrgb(light))


def _play(brief: Brief, file: Path) -> None:
    """A sine whose pitch differs whenever prompt, seed or model do."""
    digest = hashlib.sha256(repr((brief.prompt, brief.seed, brief.model)).encode()).digest()
    step = math.tau * (LOWEST_HERTZ + 2 * digest[0]) / SAMPLE_RATE
    peak = int(LOUDNESS * (2**15 - 1))
    samples = [int(peak * math.sin(step * n)) for n in range(brief.seconds * SAMPLE_RATE)]
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
