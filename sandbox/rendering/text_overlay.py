"""Wrap and scale text into a box, with Pillow's built-in font."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from PIL import ImageFont

# Longer text would be unreadable at every size, and measuring it would take seconds.
MAX_CHARACTERS = 3000
_LOOK_ALIKES = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{BULLET}": "·",
    }
)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("This Pillow has no FreeType: install a wheel from PyPI")
    return loaded


def line_height(size: int) -> int:
    return round(size * 1.3)


def drawable(text: str) -> str:
    """Replace characters without a glyph: drop accents, write the rest as code points (<2713>)."""
    tidy = " ".join(text.translate(_LOOK_ALIKES).split())
    parts = []
    for are_codes, run in groupby(map(_replacement, tidy), key=lambda text: len(text) > 1):
        texts = list(run)
        parts.append(f"<{' '.join(texts)}>" if are_codes else "".join(texts))
    return "".join(parts)


def fit(text: str, width: int, height: int, largest: int) -> tuple[int, list[str]]:
    """Return the largest font size that fits, and the lines; cut the text if none fits."""
    beginning = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
    smallest = max(6, largest // 3)
    size, lines = largest, wrap(beginning, largest, width)
    while len(lines) * line_height(size) > height and size > smallest:
        size = max(smallest, size - max(1, largest // 20))
        lines = wrap(beginning, size, width)
    room = max(1, height // line_height(size))
    if len(lines) > room:
        lines = [*lines[: room - 1], shorten(lines[room - 1], size, width)]
    return size, lines


def shorten(line: str, size: int, width: int) -> str:
    """Cut the line until it fits with an ellipsis."""
    while line and font(size).getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"


def wrap(text: str, size: int, width: int) -> list[str]:
    """Split into lines of whole words; add up word widths, as measuring whole lines is slow."""
    space = font(size).getlength(" ")
    lines: list[list[str]] = [[]]
    used = 0.0
    for word in text.split():
        for piece in _pieces(word, size, width):
            length = font(size).getlength(piece)
            if lines[-1] and used + space + length > width:
                lines.append([])
            used = used + space + length if lines[-1] else length
            lines[-1].append(piece)
    return [" ".join(line) for line in lines if line]


def _pieces(word: str, size: int, width: int) -> Iterator[str]:
    """Split a word that is wider than a line."""
    # Every letter is at least a fifth of the size wide, so longer pieces cannot fit.
    max_length = max(1, width * 5 // size)
    while word:
        length = min(len(word), max_length)
        while length > 1 and (measured := font(size).getlength(word[:length])) > width:
            length = max(1, int(length * width / measured))
        yield word[:length]
        word = word[length:]


@cache
def _replacement(character: str) -> str:
    if character == " " or _has_glyph(character):
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if _has_glyph(base) else f"{ord(character):04X}"


def _has_glyph(character: str) -> bool:
    missing = font(24).getmask("\uffff")
    return bytes(font(24).getmask(character)) != bytes(missing)
