"""What is drawn over the moving background: the card, and the strip with the time code."""

import hashlib
from collections.abc import Iterator
from colorsys import hsv_to_rgb
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from sandbox.layout import Box, lay_out
from sandbox.render_spec import Brief
from sandbox.text_overlay import drawable, fit, font, line_height

PANEL = (12, 14, 20, 190)
WHITE = (255, 255, 255, 255)
DIM = (188, 196, 210, 255)
MODEL_COLOURS = {"sandbox-1": (125, 211, 252, 255), "sandbox-1-pro": (253, 224, 71, 255)}
BACKGROUND_MARGIN = 1.15
"""A background picture is this much larger than the frame, so that it can drift."""


def draw_card(brief: Brief, path: Path) -> None:
    """Model and settings, prompt and what to avoid, on a panel as high as they need."""
    box = lay_out(brief.width, brief.height).card
    scale = min(brief.width, brief.height)
    padding = max(2, scale // 40)
    width = box.width - 2 * padding
    largest = max(6, scale // 15)
    lines: list[tuple[int, str, tuple[int, ...]]] = []
    room = box.height - 2 * padding
    for text, colour, share, size in _paragraphs(brief, largest):
        fitting, wrapped = fit(drawable(text), width, int(room * share), size)
        lines += [(fitting, line, colour) for line in wrapped]
        room -= len(wrapped) * line_height(fitting)
    height = sum(line_height(size) for size, _, _ in lines) + 2 * padding
    image = Image.new("RGBA", (box.width, min(box.height, height)))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, image.width - 1, image.height - 1), padding, fill=PANEL)
    top = padding
    for size, line, colour in lines:
        pen.text((padding, top), line, fill=colour, font=font(size))
        top += line_height(size)
    image.save(path, compress_level=1)


def _paragraphs(brief: Brief, largest: int) -> Iterator[tuple[str, tuple[int, ...], float, int]]:
    """Each paragraph with its colour, its share of the room left, and its largest size."""
    small = max(6, round(largest * 0.7))
    accent = MODEL_COLOURS.get(brief.model, WHITE)
    yield f"{brief.model} · {_settings(brief)}", accent, 0.5, small
    if brief.negative_prompt:
        yield f"not: {brief.negative_prompt}", DIM, 0.4, small
    yield brief.prompt, WHITE, 1, largest


def _settings(brief: Brief) -> str:
    seed = "no seed" if brief.seed is None else f"seed {brief.seed}"
    origin = {"create": "", "remix": " · remix", "edits": " · edit"}[brief.source]
    of = f" of {brief.clip_id[:14]}…" if brief.clip_id else ""
    length = "" if brief.kind == "image" else f" · {brief.seconds} s · {brief.fps} fps"
    return f"{brief.size}{length} · {seed}{origin}{of}"


def draw_background(brief: Brief, source: Path, path: Path) -> None:
    """The input picture, cropped to cover a little more than the frame."""
    size = (
        int(brief.width * BACKGROUND_MARGIN) // 2 * 2,
        int(brief.height * BACKGROUND_MARGIN) // 2 * 2,
    )
    with Image.open(source) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        ImageOps.fit(upright, size).save(path, compress_level=1)


def gradient_colours(brief: Brief) -> list[str]:
    """Calm colours that differ whenever prompt, seed or model do."""
    digest = hashlib.sha256(repr((brief.prompt, brief.seed, brief.model)).encode()).digest()
    hue = digest[0] / 256
    shades = ((hue, 0.75, 0.45), (hue + 0.1 + digest[1] / 1024, 0.6, 0.8), (hue + 0.5, 0.6, 0.35))
    return [
        "0x" + bytes(round(255 * part) for part in hsv_to_rgb(*shade)).hex() for shade in shades
    ]


class TimeCode:
    """The running clock of a clip, frame by frame, as raw RGBA strips.

    The glyphs are drawn once and pasted into cells: drawing text for each frame would take longer
    than encoding the frame.
    """

    FORMAT = "{minutes:02}:{seconds:02}.{milliseconds:03} f{frame:04}"
    CELLS = 15

    def __init__(self, brief: Brief) -> None:
        self.brief = brief
        self.box: Box = lay_out(brief.width, brief.height).clock
        self._cell = self.box.width / (self.CELLS + 1)
        self._glyphs = {character: self._glyph(character) for character in "0123456789:.f"}
        self._base = Image.new("RGBA", self.box[2:], PANEL)

    def strips(self) -> Iterator[bytes]:
        for frame in range(self.brief.frames):
            yield self._strip(frame).tobytes()

    def _strip(self, frame: int) -> Image.Image:
        strip = self._base.copy()
        for place, character in enumerate(self._text(frame)):
            if character != " ":
                strip.paste(WHITE, (round((place + 0.5) * self._cell), 0), self._glyphs[character])
        done = self.box.width * (frame + 1) // self.brief.frames
        thickness = max(1, self.box.height // 14)
        strip.paste(WHITE, (0, self.box.height - thickness, done, self.box.height))
        return strip

    def _text(self, frame: int) -> str:
        milliseconds = frame * 1000 // self.brief.fps
        return self.FORMAT.format(
            minutes=milliseconds // 60_000,
            seconds=milliseconds // 1000 % 60,
            milliseconds=milliseconds % 1000,
            frame=frame,
        )

    def _glyph(self, character: str) -> Image.Image:
        cell = Image.new("L", (max(1, round(self._cell)), self.box.height))
        size = max(5, round(min(self.box.height * 0.7, self._cell * 1.6)))
        middle = (cell.width / 2, cell.height / 2)
        ImageDraw.Draw(cell).text(middle, character, fill=255, font=font(size), anchor="mm")
        return cell
