"""Draw the overlays of the moving background: the card and the time code strip."""

import hashlib
from collections.abc import Iterator
from colorsys import hsv_to_rgb
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from sandbox.fault_directives import without_directives
from sandbox.rendering.layout import Box, lay_out
from sandbox.rendering.render_spec import RenderSpec
from sandbox.rendering.text_overlay import drawable, fit, font, line_height

PANEL = (12, 14, 20, 190)
WHITE = (255, 255, 255, 255)
DIM = (188, 196, 210, 255)
MODEL_COLOURS = {"sandbox-1": (125, 211, 252, 255), "sandbox-1-pro": (253, 224, 71, 255)}
BACKGROUND_MARGIN = 1.15
"""Scale of a background image relative to the frame, which leaves room for the drift."""


def draw_card(spec: RenderSpec, path: Path) -> None:
    """Draw model, settings, negative prompt and prompt on a panel of the required height."""
    box = lay_out(spec.width, spec.height).card
    scale = min(spec.width, spec.height)
    padding = max(2, scale // 40)
    width = box.width - 2 * padding
    largest = max(6, scale // 15)
    lines: list[tuple[int, str, tuple[int, ...]]] = []
    room = box.height - 2 * padding
    for text, colour, share, size in _paragraphs(spec, largest):
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


def _paragraphs(
    spec: RenderSpec, largest: int
) -> Iterator[tuple[str, tuple[int, ...], float, int]]:
    """Yield each paragraph's text, colour, share of the remaining height, and maximum size."""
    small = max(6, round(largest * 0.7))
    accent = MODEL_COLOURS.get(spec.model, WHITE)
    yield f"{spec.model} · {_settings(spec)}", accent, 0.5, small
    if spec.negative_prompt:
        yield f"not: {spec.negative_prompt}", DIM, 0.4, small

    yield without_directives(spec.prompt), WHITE, 1, largest


def _settings(spec: RenderSpec) -> str:
    seed = "no seed" if spec.seed is None else f"seed {spec.seed}"
    origin = {"create": "", "remix": " · remix", "edits": " · edit"}[spec.source]
    of = f" of {spec.clip_id[:14]}…" if spec.clip_id else ""
    length = "" if spec.modality == "image" else f" · {spec.seconds} s · {spec.fps} fps"
    return f"{spec.size}{length} · {seed}{origin}{of}"


def draw_background(spec: RenderSpec, source: Path, path: Path) -> None:
    """Crop the input image to slightly more than the frame."""
    size = (
        int(spec.width * BACKGROUND_MARGIN) // 2 * 2,
        int(spec.height * BACKGROUND_MARGIN) // 2 * 2,
    )
    with Image.open(source) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        ImageOps.fit(upright, size).save(path, compress_level=1)


def gradient_colours(spec: RenderSpec) -> list[str]:
    """Derive three colours from prompt, seed and model."""
    digest = hashlib.sha256(repr((spec.prompt, spec.seed, spec.model)).encode()).digest()
    hue = digest[0] / 256
    shades = ((hue, 0.75, 0.45), (hue + 0.1 + digest[1] / 1024, 0.6, 0.8), (hue + 0.5, 0.6, 0.35))
    return [
        "0x" + bytes(round(255 * part) for part in hsv_to_rgb(*shade)).hex() for shade in shades
    ]


class TimeCode:
    """Running time code of a video, as one raw RGBA strip per frame.

    Glyphs are drawn once and pasted into cells: drawing text per frame takes longer than encoding.
    """

    FORMAT = "{minutes:02}:{seconds:02}.{milliseconds:03} f{frame:04}"
    CELLS = 15

    def __init__(self, spec: RenderSpec) -> None:
        self.spec = spec
        self.box: Box = lay_out(spec.width, spec.height).clock
        self._cell = self.box.width / (self.CELLS + 1)
        self._glyphs = {character: self._glyph(character) for character in "0123456789:.f"}
        self._base = Image.new("RGBA", self.box[2:], PANEL)

    def strips(self) -> Iterator[bytes]:
        for frame in range(self.spec.frames):
            yield self._strip(frame).tobytes()

    def _strip(self, frame: int) -> Image.Image:
        strip = self._base.copy()
        for place, character in enumerate(self._text(frame)):
            if character != " ":
                strip.paste(WHITE, (round((place + 0.5) * self._cell), 0), self._glyphs[character])
        done = self.box.width * (frame + 1) // self.spec.frames
        thickness = max(1, self.box.height // 14)
        strip.paste(WHITE, (0, self.box.height - thickness, done, self.box.height))
        return strip

    def _text(self, frame: int) -> str:
        milliseconds = frame * 1000 // self.spec.fps
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
